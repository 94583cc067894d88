"""Runs a day in one process, without messages: the oracle that the distributed run is compared with."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from market.app.results.round_trace import round_rows
from market.app.results.run_metadata import OnProgress, RunMetadata, RunProgress
from market.app.results.trace import evolution_rows
from market.day.outcome import MarketOutcome, VppDay
from market.day.roles import declare
from market.day.settlement import direct_exchange
from market.game.period import period_games
from market.game.solver import Negotiation, concluded, negotiate
from market.scenario.parts import require_plants
from market.scenario.scenario import Scenario
from vpp_nodes.dispatch import dispatch


def run_in_process(
    scenario: Scenario, seed: int, out_dir: Path, on_progress: OnProgress
) -> tuple[MarketOutcome, RunMetadata]:
    """Run a day here and now. DispatchError if a VPP's day cannot be planned.

    Nothing in it is random and it leaves no tape, so `seed` and `out_dir` change nothing.
    """
    clock = _Stages(on_progress)
    outcome, negotiations = _negotiated_day(scenario, clock.enter)
    trace = (
        *round_rows([result.game for result in outcome.periods], negotiations),
        *evolution_rows(outcome.periods, scenario.public.market, 0.0),
    )
    facts = RunMetadata(
        time_mode="none",
        process_ids={"market": os.getpid()},
        durations_s=clock.ended(),
        peak_memory_mb={"market": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024},
    )
    return replace(outcome, trace=trace), facts


def market_day(scenario: Scenario) -> MarketOutcome:
    """Plan, trade and plan again, without a trace. DispatchError as above."""
    return _negotiated_day(scenario, lambda stage: None)[0]


def _negotiated_day(
    scenario: Scenario, enter: Callable[[str], None]
) -> tuple[MarketOutcome, tuple[Negotiation, ...]]:
    """A day without a trace, and how its prices came about; `enter` is told of each stage."""
    public = require_plants(scenario).public
    enter("planning")
    before = [dispatch(vpp, public, None) for vpp in scenario.vpps]
    declarations = [declare(vpp, plan, public) for vpp, plan in zip(scenario.vpps, before, strict=True)]
    enter("trading")
    games = period_games(declarations, public)
    negotiations = negotiate(games, public.market)
    results = concluded(games, negotiations, public.market)
    enter("settling")
    after = [dispatch(vpp, public, direct_exchange(vpp.id, results, public)) for vpp in scenario.vpps]
    days = tuple(VppDay(*day) for day in zip(declarations, before, after, strict=True))
    return MarketOutcome(results, days, trace=()), negotiations


class _Stages:
    """What is being done, for people, and how long each stage took."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress = on_progress
        self._entered: list[tuple[str, float]] = []

    def enter(self, stage: str) -> None:
        self._entered.append((stage, time.monotonic()))
        self._on_progress(RunProgress(stage))

    def ended(self) -> dict[str, float]:
        ends = [at for _, at in self._entered[1:]] + [time.monotonic()]
        return {stage: end - at for (stage, at), end in zip(self._entered, ends, strict=True)}
