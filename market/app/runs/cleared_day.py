"""Runs a day in one process that is cleared by a rule: all plan, declarations are cleared, all plan again."""

from __future__ import annotations

from collections.abc import Callable

from market.app.runs.settled_day import settled_day
from market.mechanisms.clear import clear_day
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome
from vpp_nodes.dispatch import dispatch
from vpp_nodes.strategies.behaviour import Behaviours


def cleared_day(scenario: Scenario, behave: Behaviours, on_stage: Callable[[str], None]) -> MarketOutcome:
    """A day without offers or answers. DispatchError where a VPP has no day."""
    on_stage("planning")
    before = [dispatch(vpp, scenario.public, None) for vpp in scenario.vpps]
    plans = zip(scenario.vpps, before, strict=True)
    declarations = [behave.declared(vpp, plan, scenario.public) for vpp, plan in plans]
    on_stage("trading")
    results = clear_day(declarations, scenario.public)
    on_stage("settling")
    return settled_day(scenario, declarations, before, results)
