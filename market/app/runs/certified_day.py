"""Certifies a whole day (M6) where all plants are known."""

from __future__ import annotations

from math import fsum

from market.day_certificate.day_certificate import DayCertificate
from market.errors import Fault, ScenarioError
from market.game.result import Verdict
from market.model.plan import DispatchPlan
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome
from market.settlement.settlement import net_payment_cny, payment_cny
from vpp_nodes.dispatch.joint import joint_dispatch
from vpp_nodes.dispatch.regret import day_regret


def check_can_be_certified(scenario: Scenario) -> None:
    """ScenarioError where a day of this scenario has no certificate."""
    temperature = scenario.public.market.choice_temperature_cny_per_mwh
    if temperature == 0.0:
        rule = "the certificate of a day is for markets in which buyers spread over sellers"
        place = "market.choice_temperature_cny_per_mwh"
        raise ScenarioError([Fault(rule, repr(temperature), place, "set it above 0, or do without")])


def certified_day(scenario: Scenario, outcome: MarketOutcome) -> DayCertificate:
    """What each VPP could have gained by another day, the others' final messages given.

    Every VPP must show its plans (in one process they do). DispatchError if the yardstick cannot be computed.
    """
    plants = {vpp.id: vpp for vpp in scenario.vpps}
    regrets, alone = [], []
    for day in outcome.days:
        assert isinstance(day.before, DispatchPlan)
        assert isinstance(day.after, DispatchPlan)
        name = day.declaration.vpp
        cost = day.after.objective_cny + net_payment_cny(name, outcome.periods)
        regrets.append(day_regret(plants[name], scenario.public, outcome.periods, cost))
        alone.append(day.before.costs.total_cny)
    return DayCertificate(
        regrets=tuple(regrets),
        rests=outcome.verdict is Verdict.EQUILIBRIUM,
        traded_value_cny=fsum(float(payment_cny(result).sum()) for result in outcome.periods),
        possible_saving_cny=fsum(alone) - joint_dispatch(scenario.vpps, scenario.public).total_cny,
    )
