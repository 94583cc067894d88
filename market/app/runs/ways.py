"""Chooses how a day is run whose plants are all here: in this process, or each VPP in one of its own.

Each way imports what it needs when it is chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from market.app.results.manifest import RunSpec
from market.app.runs.run_day import Runner

if TYPE_CHECKING:
    from market.app.runs.keyring import Keyring


@dataclass(frozen=True, slots=True)
class ProcessOptions:
    """How a day is run with a process for each plant.

    on_notice : told of refusals, and of members that go and come
    on_open : told where the broker listens and with which keys
    port : the first of three, 0 for three free ones · keys : their folder, None to have them made for this run
    restarts : how often each plant's process is started again after it has died
    resumed : whether the tape that is there is taken up · join_s : how long all may take to join
    processes : how many the plants share at most; None: one each in a small market, else as many as serve
    viewer_s : how long somebody who looks on is waited for before the plants' processes are started
    """

    on_notice: Callable[[str], None]
    on_open: Callable[[str, Keyring], None]
    port: int = 0
    keys: Path | None = None
    restarts: int = 0
    resumed: bool = False
    join_s: float = 30.0
    processes: int | None = None
    viewer_s: float = 0.0


def _check_strategies(what: RunSpec) -> None:
    vpps = [vpp for vpp in what.scenario.vpps if vpp.strategy is not None]
    if vpps:
        from vpp_nodes.strategies.behaviour import Behaviours

        Behaviours.of(vpps, what.scenario.public.market)


def in_this_process() -> Runner:
    """The way without messages."""
    from market.app.runs.in_process import run_in_process

    return run_in_process


def as_processes(what: RunSpec, how: ProcessOptions) -> Runner:
    """The way over the bus. RunError if no process can be started.

    ScenarioError if a key is missing, StrategyError if a strategy cannot be had, before any process is there.
    """
    _check_strategies(what)
    from market.app.runs.distributed import LOOPBACK, Listening, Opening, run_distributed
    from market.app.runs.keyring import keyring
    from market.app.runs.warm_up import start_fork_server

    start_fork_server()  # where `entry` has not done so already
    keys = keyring(how.keys, what.scenario.roster)
    listening = Listening(LOOPBACK, how.port, keys.broker, resumed=how.resumed)
    opening = Opening(
        keys.token,
        how.join_s + how.viewer_s,
        what.audit,
        lambda address: how.on_open(address, keys),
        how.on_notice,
        viewer_s=how.viewer_s,
    )
    return partial(
        run_distributed,
        listening=listening,
        opening=opening,
        node_keys=keys.nodes,
        restarts=how.restarts,
        processes=how.processes,
    )
