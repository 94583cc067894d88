"""Runs many days over the bus: each has a market and a tape of its own, the plants' processes stay up."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from broker.process.launch import LocalNodes, Order
from market.app.results.folder import RunFolder
from market.app.results.run_metadata import OnProgress, RunMetadata
from market.app.runs.day_end import DayResult
from market.app.runs.distributed import LOOPBACK, Listening, Opening, run_with_nodes
from market.app.runs.keyring import Keyring, keyring
from market.app.runs.many_days import DaysSpec, OneDay, RunOne
from market.app.runs.run_day import run_day
from market.app.runs.warm_up import start_fork_server
from market.app.runs.ways import ProcessOptions
from market.rolling.windows import rolling_of
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome
from vpp_nodes.days import DayOrder, DaysTask, run_days_node


@contextmanager
def days_over_the_bus(spec: DaysSpec, how: ProcessOptions) -> Iterator[RunOne]:
    """Every day with a process for each plant. RunError if no process can be started, ScenarioError for keys."""
    start_fork_server()
    scenario = spec.scenario
    keys = keyring(how.keys, scenario.roster)
    tasks = {
        vpp.id: DaysTask(
            vpp,
            scenario.public.horizon,
            rolling_of(scenario),
            scenario.name,
            keys.token,
            keys.nodes.get(vpp.id),
        )
        for vpp in scenario.vpps
    }
    nodes = StandingNodes(how.restarts, tasks)
    with nodes:
        yield partial(_run_one, nodes=nodes, keys=keys, how=how)


def _run_one(
    day: OneDay,
    folder: RunFolder | None,
    on_progress: OnProgress,
    nodes: StandingNodes,
    keys: Keyring,
    how: ProcessOptions,
) -> DayResult:
    assert folder is not None, "a day over the bus leaves a tape"
    listening = Listening(LOOPBACK, 0, keys.broker)
    opening = Opening(
        keys.token, how.join_s, day.what.audit, lambda address: how.on_open(address, keys), how.on_notice
    )

    def runner(
        scenario: Scenario, seed: int, place: Path, progress: OnProgress
    ) -> tuple[MarketOutcome, RunMetadata]:
        begin = partial(nodes.begin, day)
        return run_with_nodes(scenario, seed, place, progress, listening, opening, nodes, begin)

    concluded = run_day(day.what, runner, folder, on_progress, time.monotonic())
    return DayResult(concluded.outcome, tuple(concluded.broken_laws))


class StandingNodes(LocalNodes):
    """Node processes that stay up from day to day, one for each VPP. tasks : by VPP, what each is given once"""

    def __init__(self, restarts: int, tasks: Mapping[str, DaysTask]) -> None:
        super().__init__(self._call, restarts)
        self._tasks = tasks
        self._today: dict[str, DayOrder] = {}
        self._lines: dict[str, Connection] = {}
        self._theirs: dict[str, Connection] = {}

    def begin(self, day: OneDay, broker: str) -> None:
        """Have everybody take part in a day; who is not there yet is started."""
        public = day.what.scenario.public
        for vpp in self._tasks:
            self._today[vpp] = DayOrder(day.window, public, broker, day.states[vpp])
            if vpp in self._lines:
                self._send(vpp)
            else:
                self.start([vpp])

    def start(self, vpps: Sequence[str]) -> None:
        """Start these, each in a process of its own, and tell them of the day that is under way."""
        for vpp in vpps:
            super().start([vpp])
            self._theirs.pop(vpp).close()  # so a process that dies leaves nobody waiting
            self._send(vpp)

    def stop(self) -> None:
        """End them: who waits for an order hears that there will be none."""
        for line in self._lines.values():
            line.close()
        super().stop()

    def _call(self, vpps: Sequence[str]) -> Order:
        """What a process does, on a new line of its own."""
        (vpp,) = vpps
        theirs, ours = self._context.Pipe(duplex=False)
        if vpp in self._lines:
            self._lines[vpp].close()
        self._lines[vpp], self._theirs[vpp] = ours, theirs
        return run_days_node, (self._tasks[vpp], theirs)

    def _send(self, vpp: str) -> None:
        with suppress(OSError):  # a process that is gone is noticed as such, and started again if it may
            self._lines[vpp].send(self._today[vpp])
