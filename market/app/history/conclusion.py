"""Results of a concluded tape: period results, certificates, accounts and tables.

They are computed from the tape by the same pure functions as the run's own, so they are the same numbers.

They are computed from the tape by the same pure functions as the run's own, so they are the same numbers. Knows
nothing of pictures.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from broker.protocol.epoch import Said
from market.app.history.period import period_now
from market.app.history.snapshot import Snapshot
from market.app.history.timeline import Timeline
from market.app.results.certificate import certificate_document
from market.app.results.known_plants import with_known_plants
from market.app.results.manifest import audit_document
from market.app.results.recorded import RecordedRun, recorded
from market.app.results.tables import day_tables
from market.app.results.trace import evolution_rows, trace_rows
from market.day.outcome import MarketOutcome, VppDay
from market.day.settlement import settle
from market.game.result import PeriodResult
from market.game.verdict import conclude
from market.scenario.scenario import Scenario


def results_of(view: Snapshot) -> tuple[PeriodResult, ...]:
    """Every period's result with its certificate; empty until the broker has concluded."""
    if not view.verdicts:
        return ()
    return tuple(_result(view, period) for period in range(len(view.games)))


def _result(view: Snapshot, period: int) -> PeriodResult:
    now = period_now(view, period)
    assert now is not None
    game, prices = now.game, now.price_cny_per_mwh
    if not game.tradable or np.isnan(prices).any():
        prices = np.zeros(len(game.sellers))  # below every floor: cannot be taken for offers
    rounds = max((view.offers[s].version for s in game.sellers if s in view.offers), default=0)
    rounds = rounds if game.tradable else 0
    return conclude(game, prices, now.probability, now.requested_mw, rounds, view.verdicts[period])


def outcome_of(timeline: Timeline) -> MarketOutcome | None:
    """The day's outcome; None until everybody has shown as much of its plans as it wants."""
    view = timeline.newest
    results = results_of(view)
    if not results or view.scenario is None:
        return None
    days = tuple(_day(view, vpp) for vpp in view.roster)
    said = [Said(e.time_s, e.sender, e.message) for e in timeline.event_log.said if e.epoch == view.epoch]
    trace = (
        *trace_rows(said, results),
        *evolution_rows(results, view.scenario.public.market, view.time_s),
    )
    return MarketOutcome(results, tuple(day for day in days if day is not None), trace) if all(days) else None


def _day(view: Snapshot, vpp: str) -> VppDay | None:
    """A VPP's day, once it has shown as much of its plans as it wants."""
    plans = view.plans.get(vpp)
    return None if plans is None else VppDay(view.declarations[vpp], plans.before, plans.after)


def recorded_of(timeline: Timeline, name: str, beside: Scenario | None = None) -> RecordedRun | None:
    """The tables of the day as its run folder holds them, without those of the network; None as above.

    beside : the scenario with its plants, where they are at hand
    """
    outcome, shared = outcome_of(timeline), timeline.newest.scenario
    if outcome is None or shared is None:
        return None
    scenario = with_known_plants(shared, beside)
    tables = day_tables(scenario, outcome, settle(outcome, scenario.public))
    public = scenario.public
    manifest = {
        "scenario": scenario.name,
        "title": scenario.title,
        "seed": timeline.newest.seed,
        "vpps": [day.declaration.vpp for day in outcome.days],
        "verdict": outcome.verdict.value,
        "epsilon_cny": outcome.epsilon_cny,
        "epsilon_relative": outcome.epsilon_relative,
        "network": None,
        "audit": {"shown": audit_document(outcome)},
        "rules": {
            "horizon": asdict(public.horizon),
            "market": asdict(public.market),
            "carbon": asdict(public.carbon),
        },
    }
    return recorded(name, manifest, {table.name: table for table in tables}, certificate_document(outcome))
