"""Lets a day become real in one process, where all plants are known."""

from __future__ import annotations

from dataclasses import replace

from market.model.plan import DispatchPlan
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome
from vpp_nodes.dispatch.realised import reality_of


def with_reality(scenario: Scenario, outcome: MarketOutcome) -> MarketOutcome:
    """The same with what becomes of each VPP's plans, where the rules ask for that.

    Every VPP must show its plans (in one process they do). DispatchError where one has no day in reality.
    """
    if scenario.public.imbalance is None:
        return outcome
    plants, days = {vpp.id: vpp for vpp in scenario.vpps}, []
    for day in outcome.days:
        assert isinstance(day.before, DispatchPlan)
        assert isinstance(day.after, DispatchPlan)
        reality = reality_of(plants[day.declaration.vpp], scenario.public, day.before, day.after)
        days.append(replace(day, reality=reality))
    return replace(outcome, days=tuple(days))
