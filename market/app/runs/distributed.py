"""Runs a day over separate processes: nodes are started, the broker serves them, the outcome is put together."""

from __future__ import annotations

import os
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from broker.bus.broker_end import BrokerEnd
from broker.bus.keys import BrokerKeys, NodeKeys
from broker.process.launch import LocalNodes, Order, deaf_to_interrupts
from broker.process.server import BrokerServer
from broker.protocol.coordinator import Coordinator
from broker.protocol.membership import Timeouts
from broker.protocol.resume_point import past_of
from broker.protocol.run_config import RunConfig
from broker.protocol.run_progress import Progress
from broker.protocol.run_result import RunResult
from broker.tape import TAPE_NAME, TapeWriter, tape_so_far
from broker.wire.limits import Limits
from broker.wire.messages import BROKER
from broker.wire.types import MAX_INTEGER
from market.app.results.concluded_day import metadata_of, outcome_of
from market.app.results.run_metadata import OnProgress, RunMetadata, RunProgress
from market.errors import DispatchError, Fault, RunError, ScenarioError
from market.model.disclosure import Disclosure
from market.model.public import PublicScenario
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome
from vpp_nodes.memory import peak_memory_mb
from vpp_nodes.task import NodeTask, run_local_nodes

LOOPBACK = "127.0.0.1"
OWN_PROCESSES = 20
"""In a market of so many VPPs each has a process of its own where nothing else is asked for."""

LOCAL_PATIENCE_S = 600.0
"""How long a silent broker is waited for by nodes of its own run, which end with its process anyway: to certify a
large market may take it minutes."""

BROKER_INTERRUPTED = (
    "the run has been broken off: whoever runs the broker has interrupted it; should it be taken up, "
    "start this node again then"
)
"""What nodes are told; they end with the run, since it may never be taken up."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the broker listens: `port` 0 means three free ports, else it and the next two.

    resumed : whether the run folder's tape is taken up
    keys : the keys in use, None where nothing is encrypted
    """

    host: str
    port: int
    keys: BrokerKeys | None = None
    resumed: bool = False


def run_distributed(
    scenario: Scenario,
    seed: int,
    out_dir: Path,
    on_progress: OnProgress,
    listening: Listening,
    opening: Opening,
    node_keys: Mapping[str, NodeKeys],
    restarts: int = 0,
    processes: int | None = None,
) -> tuple[MarketOutcome, RunMetadata]:
    """Run a day with the VPPs in processes of their own, or several in one, and the broker in this one.

    node_keys : the keys of each VPP; none where nothing is encrypted
    restarts : how often each VPP's node may be started again after it has died
    processes : as in `shared_out`

    RunError if a process dies for good or nobody comes, DispatchError if a VPP's day cannot be planned, TapeError
    if the tape cannot be written. No process is left behind, however this ends.
    """

    address = ""
    shares = tuple(shared_out(scenario.roster, processes))
    first = {vpp: share[0] for share in shares for vpp in share}  # with whose key a process speaks for all in it

    def order(vpps: Sequence[str]) -> Order:
        told = (scenario.public, scenario.name, address, opening.token, node_keys.get(first[vpps[0]]))
        tasks = tuple(NodeTask(scenario.vpp(vpp), *told, patience_s=LOCAL_PATIENCE_S) for vpp in vpps)
        return run_local_nodes, (tasks,)

    def start(where: str) -> None:
        nonlocal address
        address = where
        for vpps in shares:
            nodes.start(vpps)

    if listening.keys is not None:
        speaks_for = {share[0]: share for share in shares if len(share) > 1}
        listening = replace(listening, keys=replace(listening.keys, speaks_for=speaks_for))
    nodes = LocalNodes(order, restarts)
    with nodes:
        return run_with_nodes(scenario, seed, out_dir, on_progress, listening, opening, nodes, start)


def run_with_nodes(
    scenario: Scenario,
    seed: int,
    out_dir: Path,
    on_progress: OnProgress,
    listening: Listening,
    opening: Opening,
    nodes: LocalNodes,
    start: Callable[[str], None],
) -> tuple[MarketOutcome, RunMetadata]:
    """The same with processes that somebody else ends. start : has them join at an address. Errors as above."""
    served = _broker(scenario.shared, seed, out_dir, listening, opening)
    with _in_full(nodes), served as (shell, bus):
        opening.announce(bus.endpoints.control)
        if opening.viewer_s:
            on_progress(RunProgress("waiting for a viewer"))
            shell.await_viewer(opening.viewer_s)
        on_progress(RunProgress("starting nodes"))
        start(bus.endpoints.control)
        proceedings, durations = _serve(shell, nodes, on_progress)
        facts = _facts(scenario, proceedings, bus, nodes.process_ids(), durations)
    return outcome_of(proceedings), facts


def shared_out(vpps: Sequence[str], processes: int | None) -> Iterator[tuple[str, ...]]:
    """Who shares a process with whom: neighbours on the roster, in shares that differ by one at most.

    processes : how many there are at most; None: one for each VPP of a small market, else as many as serve here

    >>> list(shared_out(["A", "B", "C"], 2))
    [('A', 'B'), ('C',)]
    """
    number = min(len(vpps), processes or (len(vpps) if len(vpps) <= OWN_PROCESSES else usual_processes()))
    share, larger = divmod(len(vpps), number)
    start = 0
    for place in range(number):
        end = start + share + (place < larger)
        yield tuple(vpps[start:end])
        start = end


def usual_processes() -> int:
    """How many processes the nodes of a large market share: one for each processor here, two at least."""
    return max(2, len(os.sched_getaffinity(0)))


def run_broker(
    scenario: Scenario, seed: int, out_dir: Path, on_progress: OnProgress, listening: Listening, opening: Opening
) -> tuple[MarketOutcome, RunMetadata]:
    """Run a day for nodes that others start, here or on other machines. Errors as in `run_distributed`."""
    with _broker(scenario.shared, seed, out_dir, listening, opening) as (shell, bus):
        opening.announce(bus.endpoints.control)
        proceedings, durations = _serve(shell, None, on_progress)
        facts = _facts(scenario, proceedings, bus, proceedings.process_ids, durations)
    return outcome_of(proceedings), facts


@dataclass(frozen=True, slots=True)
class Opening:
    """How a market is opened to its nodes.

    join_s : how long it stays open · audit : how much of their days nodes are asked to show
    announce : told where it is · on_notice : told of refusals, and of members that go and come
    watch_token : lets others look on where no keys are in use
    viewer_s : how long somebody who looks on is waited for before nodes are started
    """

    token: bytes
    join_s: float
    audit: Disclosure
    announce: Callable[[str], None]
    on_notice: Callable[[str], None]
    watch_token: bytes | None = None
    viewer_s: float = 0.0


@contextmanager
def _in_full(nodes: LocalNodes) -> Iterator[None]:
    """What ends a run is told with what its own nodes say of it: to the run's owner, and to nobody before."""
    try:
        yield
    except DispatchError as error:
        raise DispatchError(": ".join([str(error), *nodes.reasons()])) from None
    except RunError as error:
        raise RunError(": ".join([str(error), *nodes.reasons()])) from None


@contextmanager
def _broker(
    shared: PublicScenario, seed: int, out_dir: Path, listening: Listening, opening: Opening
) -> Iterator[tuple[BrokerServer, BrokerEnd]]:
    """A broker at work, which knows no plant; whatever ends the block, its members are told to stop."""
    limits = Limits()
    check_number(shared.roster, limits)
    rules = shared.network
    patience = Timeouts(opening.join_s, rules.silence_s, rules.wait_s, rules.answer_s)
    charge = RunConfig(shared, seed, patience, opening.audit)
    so_far = tape_so_far(out_dir / TAPE_NAME) if listening.resumed else None
    host, port, keys = listening.host, listening.port, listening.keys
    with TapeWriter(out_dir / TAPE_NAME, so_far) as tape, BrokerEnd(host, port, keys, len(charge.vpps)) as bus:
        past = past_of(so_far.records) if so_far else None
        session = secrets.randbelow(MAX_INTEGER)
        coordinator = Coordinator(charge, bus.endpoints, time.monotonic(), past, session)
        shell = BrokerServer(coordinator, bus, tape, opening.token, limits, opening.on_notice, opening.watch_token)
        try:
            yield shell, bus
        except BaseException as error:
            interrupted = isinstance(error, KeyboardInterrupt)
            fault = "interrupted" if interrupted else str(error) or type(error).__name__
            with deaf_to_interrupts():
                shell.farewell(
                    BROKER_INTERRUPTED if interrupted else f"the run has been broken off: {fault}", fault
                )
            raise


def check_number(roster: Sequence[str], limits: Limits) -> None:
    """ScenarioError if there are more VPPs than may run as processes."""
    if len(roster) > limits.vpps:
        rule, remedy = f"at most {limits.vpps} VPPs run as processes", "use fewer, or run --in-process"
        raise ScenarioError([Fault(rule, f"{len(roster)} VPPs", "vpps", remedy)])


def _serve(
    shell: BrokerServer, nodes: LocalNodes | None, on_progress: OnProgress
) -> tuple[RunResult, Mapping[str, float]]:
    stages: dict[str, float] = {}

    def report(progress: Progress) -> None:
        on_progress(
            RunProgress(
                stage=progress.phase.value,
                rounds=progress.rounds,
                unrested_periods=progress.unrested_periods,
                messages=progress.messages,
                waiting_for=progress.waiting_for,
                waiting_s=progress.waiting_s,
            )
        )

    started = shell.now()
    proceedings = shell.run(nodes, report)
    previous = started
    for phase, ended in proceedings.ended_at.items():
        stages[phase] = ended - previous
        previous = ended
    return proceedings, stages


def _dropped(bus: BrokerEnd) -> Counter[str]:
    """Orders that a receiver did not take, by reason."""
    return Counter({f"orders_dropped_{reason}": count for reason, count in bus.dropped.items()})


def _facts(
    scenario: Scenario,
    proceedings: RunResult,
    bus: BrokerEnd,
    process_ids: Mapping[str, int],
    durations: Mapping[str, float],
) -> RunMetadata:
    own_mb = peak_memory_mb()
    nodes_mb = {vpp: audit.peak_memory_mb for vpp, audit in proceedings.audits.items()}
    return replace(
        metadata_of(proceedings, scenario),
        process_ids={BROKER: os.getpid(), **process_ids},
        endpoints=asdict(bus.endpoints),
        counters=dict(sorted((proceedings.counters + _dropped(bus)).items())),
        tape=TAPE_NAME,
        durations_s=dict(durations),
        peak_memory_mb={BROKER: own_mb, **{vpp: nodes_mb[vpp] for vpp in process_ids if vpp in nodes_mb}},
    )
