"""Runs a day in one process, without messages: the oracle that the distributed run is compared with.

A way to trade other than the usual one is imported when a day asks for it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from market.app.results.blocks import no_trace
from market.app.results.round_trace import trace_of_rounds
from market.app.results.run_metadata import OnProgress, RunMetadata, RunProgress
from market.app.runs.possible_saving import is_soon_known, possible_saving_cny
from market.app.runs.settled_day import settled_day
from market.game.period import period_games
from market.game.solver import Negotiation
from market.model.rules import Coupling, Mechanism
from market.scenario.parts import require_plants
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome
from market.settlement.settlement import settle
from vpp_nodes.dispatch import dispatch
from vpp_nodes.memory import peak_memory_mb
from vpp_nodes.strategies.behaviour import Behaviours


def run_in_process(
    scenario: Scenario, seed: int, out_dir: Path, on_progress: OnProgress
) -> tuple[MarketOutcome, RunMetadata]:
    """Run a day here and now. DispatchError if a VPP's day cannot be planned.

    Nothing in it is random and it leaves no tape, so `seed` and `out_dir` change nothing.
    """
    clock = _Stages(on_progress)
    outcome, negotiations = _day(scenario, clock)
    rules = scenario.public.market
    trace = trace_of_rounds(outcome.periods, negotiations, rules) if negotiations else no_trace
    possible_cny = None
    if is_soon_known(scenario):
        clock.enter("measuring")
        possible_cny = possible_saving_cny(scenario, settle(outcome, scenario.public))
    if scenario.public.market.day_certificate:
        from market.app.runs.certified_day import with_regrets

        clock.enter("certifying the day")
        outcome = with_regrets(scenario, outcome)
    facts = RunMetadata(
        time_mode="none",
        process_ids={"market": os.getpid()},
        durations_s=clock.ended(),
        peak_memory_mb={"market": peak_memory_mb()},
        possible_saving_cny=possible_cny,
        trace=trace,
    )
    return outcome, facts


def market_day(scenario: Scenario, on_round: Callable[[int], None] = lambda number: None) -> MarketOutcome:
    """Plan, trade and plan again, without a trace. DispatchError as above.

    on_round : told the number of each round, where the day has several
    """
    return _day(scenario, _Stages(lambda progress: on_round(progress.rounds) if progress.rounds else None))[0]


def _day(scenario: Scenario, clock: _Stages) -> tuple[MarketOutcome, tuple[Negotiation, ...]]:
    """A day in the way its scenario asks for, without a trace, and how prices came about if sellers made them."""
    require_plants(scenario)
    outcome, negotiations = _planned_day(scenario, clock)
    if scenario.public.imbalance is None:
        return outcome, negotiations
    from market.app.runs.realised_day import with_reality

    clock.enter("becoming real")
    return with_reality(scenario, outcome), negotiations


def _planned_day(scenario: Scenario, clock: _Stages) -> tuple[MarketOutcome, tuple[Negotiation, ...]]:
    behave = Behaviours.of(scenario.vpps, scenario.public.market)
    if scenario.public.market.mechanism is Mechanism.CONSENSUS and len(scenario.vpps) > 1:
        from market.app.runs.consensus_day import consensus_day

        clock.enter("agreeing on prices")
        return consensus_day(scenario, clock.round), ()
    if scenario.public.market.mechanism.clears:
        from market.app.runs.cleared_day import cleared_day

        return cleared_day(scenario, behave, clock.enter), ()
    if scenario.public.market.coupling is Coupling.ITERATE:
        from market.app.runs.coupled_day import coupled_day

        clock.enter("trading and planning")
        return coupled_day(scenario, behave, clock.round)
    return _day_once(scenario, behave, clock)


def _day_once(
    scenario: Scenario, behave: Behaviours, clock: _Stages
) -> tuple[MarketOutcome, tuple[Negotiation, ...]]:
    """Everybody plans for itself, then what is left over is traded."""
    public = scenario.public
    clock.enter("planning")
    before = [dispatch(vpp, public, None) for vpp in scenario.vpps]
    declarations = [behave.declared(vpp, plan, public) for vpp, plan in zip(scenario.vpps, before, strict=True)]
    clock.enter("trading")
    negotiations, results = behave.played(period_games(declarations, public), public.market)
    clock.enter("settling")
    return settled_day(scenario, declarations, before, results), negotiations


class _Stages:
    """What is being done, for people, and how long each stage took."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress = on_progress
        self._entered: list[tuple[str, float]] = []

    def enter(self, stage: str) -> None:
        self._entered.append((stage, time.monotonic()))
        self._on_progress(RunProgress(stage))

    def round(self, number: int) -> None:
        """A round of the present stage begins, or has ended."""
        self._on_progress(RunProgress(self._entered[-1][0], rounds=number))

    def ended(self) -> dict[str, float]:
        ends = [at for _, at in self._entered[1:]] + [time.monotonic()]
        return {stage: end - at for (stage, at), end in zip(self._entered, ends, strict=True)}
