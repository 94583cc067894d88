"""Plants with units of every kind in days whose trade is open: options, consensus, joint dispatch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from market.costs.costs import cost_breakdown
from market.errors import DispatchError
from market.model.arrays import frozen
from market.model.plan import DirectExchange, DispatchPlan
from market.model.rules import CarbonMode
from tests.sampling import sampled, whole
from tests.vpp_nodes.dispatch_cases import Case
from tests.vpp_nodes.plant_cases import random_plant
from tests.vpp_nodes.reference_plants import reference_cost
from vpp_nodes.dispatch import dispatch
from vpp_nodes.dispatch.joint import joint_dispatch
from vpp_nodes.dispatch.open_day import ExchangeOption, dispatch_with_option
from vpp_nodes.dispatch.participant import participant


def sound(seed: int) -> tuple[Case, DispatchPlan] | None:
    """A random plant without trade, if it has a day."""
    case = random_plant(seed)
    try:
        return case, dispatch(case.vpp, case.public)
    except DispatchError:
        return None


def scale(plan: DispatchPlan) -> float:
    return 1.0 + abs(plan.objective_cny) + float(np.abs(plan.costs.grid_cny))


def test_an_option_is_worth_what_the_day_with_that_trade_costs() -> None:
    """The plan with an option costs what the second formulation says of the trade it takes, and what it pays."""
    used = 0
    for seed in sampled(range(600, 660), 60):
        if used >= 6 and not whole():
            break
        if (found := sound(seed)) is None:
            continue
        case, alone = found
        price = frozen(np.random.default_rng(seed).uniform(200.0, 900.0, case.public.horizon.periods))
        best = dispatch_with_option(case.vpp, case.public, ExchangeOption(price * 0 + 1.0, price * 0 + 1.0, price))
        assert best.cost_cny <= alone.objective_cny + 1e-6 * scale(alone)
        trade = DirectExchange(
            best.plan.direct_in_mw,
            best.plan.direct_out_mw,
            case.public.carbon.direct_quota_t_per_mwh * float(best.net_in_mw.sum()) * case.public.horizon.period_h
            if case.public.carbon.credits_follow_energy
            else 0.0,
        )
        reference = reference_cost(case.vpp, case.public, trade)
        paid = float(best.net_in_mw @ price) * case.public.horizon.period_h
        assert best.cost_cny - paid == pytest.approx(reference.cost_cny, abs=2e-6 * scale(alone)), seed
        used += bool(best.net_in_mw.any())
    assert used >= 6


def test_consensus_answers_are_days_and_bounds_hold() -> None:
    for seed in sampled(range(700, 740), 4):
        if (found := sound(seed)) is None:
            continue
        case, alone = found
        periods = case.public.horizon.periods
        member = participant(case.vpp, case.public, 3)
        assert member.cost_cny(np.zeros(periods), None) == pytest.approx(alone.objective_cny)
        price = np.full(periods, 450.0)
        least = member.least_cny(price, True, price * 0.0)
        assert least <= alone.objective_cny + 1e-6 * scale(alone)


def test_a_joint_day_of_several_plants_is_no_dearer_than_their_own_days() -> None:
    together = 0
    for seed in sampled(range(800, 812), 12):
        if together == 2 and not whole():
            break
        found = [each for number in range(3) if (each := sound(seed * 10 + number)) is not None]
        public = found[0][0].public if found else None
        same = [case for case, _ in found if public and case.public.horizon == public.horizon]
        if public is None or len(same) < 2:
            continue
        public = replace(public, carbon=replace(public.carbon, mode=CarbonMode.STEPPED))
        try:
            alone = [dispatch(case.vpp, public) for case in same]
        except DispatchError:
            continue
        joint = joint_dispatch([case.vpp for case in same], public)
        assert joint.total_cny <= sum(plan.costs.total_cny for plan in alone) + 1e-5 * sum(map(scale, alone))
        for case, plan in zip(same, joint.plans, strict=True):
            again = cost_breakdown(
                case.vpp, public, plan, plan.emission_t - plan.quota_t, plan.direct_in_mw
            ).total_cny
            assert again == pytest.approx(plan.costs.total_cny, abs=1e-6 * scale(plan))
        together += 1
    assert together >= 1
