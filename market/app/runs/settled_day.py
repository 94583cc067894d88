"""Lets all plan again in one process, with what they have traded."""

from __future__ import annotations

from collections.abc import Sequence

from market.game.result import PeriodResult
from market.model.declaration import Declaration
from market.model.plan import DispatchPlan
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome, VppDay
from market.settlement.settlement import direct_exchange
from vpp_nodes.dispatch import dispatch


def settled_day(
    scenario: Scenario,
    declarations: Sequence[Declaration],
    before: Sequence[DispatchPlan],
    results: tuple[PeriodResult, ...],
) -> MarketOutcome:
    """The day with what was traded."""
    after = [
        dispatch(vpp, scenario.public, direct_exchange(vpp.id, results, scenario.public)) for vpp in scenario.vpps
    ]
    days = tuple(VppDay(*day) for day in zip(declarations, before, after, strict=True))
    return MarketOutcome(results, days)
