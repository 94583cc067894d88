"""Certifies a whole day (M6) in one process, where all plants are known: the regret that each VPP would tell."""

from __future__ import annotations

from dataclasses import replace

from market.day_certificate.market_end import market_end
from market.model.plan import DispatchPlan
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome
from market.settlement.settlement import net_payment_cny
from vpp_nodes.dispatch.regret import day_regret


def with_regrets(scenario: Scenario, outcome: MarketOutcome) -> MarketOutcome:
    """The same with what each VPP could have gained by another day, the others' final messages given.

    Every VPP must show its plans (in one process they do); τ > 0.
    """
    plants, days = {vpp.id: vpp for vpp in scenario.vpps}, []
    for day in outcome.days:
        assert isinstance(day.after, DispatchPlan)
        name = day.declaration.vpp
        cost_cny = day.after.objective_cny + net_payment_cny(name, outcome.periods)
        end = market_end(name, outcome.periods, scenario.public)
        days.append(replace(day, regret=day_regret(plants[name], scenario.public, end, cost_cny)))
    return replace(outcome, days=tuple(days))
