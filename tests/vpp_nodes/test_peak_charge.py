"""A charge on the largest import (M20): worked by hand, carried from day to day, known to trade."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from market.model.arrays import frozen
from market.model.plan import DirectExchange
from market.model.rules import CarbonMode
from market.model.vpp import Exchange
from market.rolling.carry import state_after
from market.rolling.kept import kept_account
from market.rolling.plant_state import state_of, with_state
from market.settlement.settlement import account_of
from tests.vpp_nodes.dispatch_cases import STORAGE, Case, plain_case
from tests.vpp_nodes.reference_plants import reference_cost
from vpp_nodes.dispatch import dispatch
from vpp_nodes.dispatch.joint import joint_dispatch
from vpp_nodes.dispatch.open_day import ExchangeOption, dispatch_with_option

CHARGE = 1000.0


def charged(load: list[float], *, before: float = 0.0, ess: bool = True) -> Case:
    """A load, perhaps a battery that loses nothing, a flat tariff of 600, and a charge on the peak."""
    plain = plain_case(load)
    exchange = Exchange(direct_in_max_mw=5.0, peak_charge_cny_per_mw=CHARGE, peak_before_mw=before)
    lossless = replace(STORAGE, charge_efficiency=1.0, discharge_efficiency=1.0, wear_cny_per_mwh=0.0)
    return replace(plain, vpp=replace(plain.vpp, exchange=exchange, ess=lossless if ess else None))


def test_a_battery_cuts_the_peak_as_far_as_it_can() -> None:
    case = charged([1.0, 1.0, 3.0, 1.0])
    plan = dispatch(case.vpp, case.public)
    assert plan.buy_mw.max() == pytest.approx(2.5)  # 0.5 MW of discharge
    assert plan.costs.peak_cny == pytest.approx(2500.0)
    assert plan.costs.operation_cny == pytest.approx(6 * 600.0 + 2500.0)
    assert plan.objective_cny == pytest.approx(reference_cost(case.vpp, case.public).cost_cny)


def test_what_was_the_peak_before_is_paid_already() -> None:
    low, high = (
        dispatch(charged([2.0], before=each, ess=False).vpp, plain_case([2.0]).public) for each in (0.5, 9.0)
    )
    assert low.costs.peak_cny == pytest.approx(1500.0)
    assert high.costs.peak_cny == 0.0


def test_the_marginal_value_at_the_peak_holds_the_charge() -> None:
    """So others may ask up to 1600 for a MWh where it makes the peak, 600 elsewhere."""
    case = charged([1.0, 3.0], ess=False)
    assert dispatch(case.vpp, case.public).marginal_value_cny_per_mwh == pytest.approx([600.0, 1600.0])
    one = frozen(np.ones(2))
    for price, taken in ((1500.0, [0.0, 1.0]), (590.0, [1.0, 1.0]), (1700.0, [0.0, 0.0])):
        option = ExchangeOption(one, frozen(np.zeros(2)), frozen(one * price))
        best = dispatch_with_option(case.vpp, case.public, option)
        assert best.net_in_mw == pytest.approx(taken)
        trade = DirectExchange(frozen(best.net_in_mw), frozen(np.zeros(2)))
        alone = reference_cost(case.vpp, case.public, trade).cost_cny
        assert best.cost_cny == pytest.approx(alone + price * sum(taken))
        assert best.bound_cny == pytest.approx(best.cost_cny)


def test_days_in_a_row_pay_for_the_largest_import_of_all() -> None:
    vpp, public, paid = charged([0.0, 0.0], ess=False).vpp, plain_case([0.0, 0.0]).public, 0.0
    for load in ([1.0, 2.0], [1.5, 1.0], [2.5, 0.5]):
        today = with_state(replace(vpp, load_mw=frozen(load)), state_of(vpp))
        plan = dispatch(today, public)
        paid += kept_account(today, public, plan, 2, 0.0).peak_cny
        vpp = with_state(vpp, state_after(today, public, plan, 2))
    assert paid == pytest.approx(CHARGE * 2.5)
    assert vpp.exchange.peak_before_mw == pytest.approx(2.5)


def test_of_a_plan_that_goes_on_the_kept_part_alone_counts() -> None:
    case = charged([1.0, 3.0], before=0.5, ess=False)
    plan = dispatch(case.vpp, case.public)
    assert kept_account(case.vpp, case.public, plan, 1, 0.0).peak_cny == pytest.approx(500.0)
    assert state_after(case.vpp, case.public, plan, 1).peak_before_mw == pytest.approx(1.0)


def test_all_together_cut_the_peaks_of_each() -> None:
    """Two plants whose peaks are at other times lend each other what lowers both."""
    one, other = charged([1.0, 3.0], ess=False), charged([3.0, 1.0], ess=False)
    free = replace(one.vpp.exchange, direct_out_max_mw=5.0, direct_in_max_mw=5.0, grid_sell_max_mw=0.0)
    vpps = [replace(one.vpp, exchange=free), replace(other.vpp, id="VPP2", exchange=free)]
    joint = joint_dispatch(vpps, replace(one.public, carbon=replace(one.public.carbon, mode=CarbonMode.FLAT)))
    assert sum(plan.costs.peak_cny for plan in joint.plans) == pytest.approx(4.0 * CHARGE)
    alone = [dispatch(vpp, one.public) for vpp in vpps]
    assert sum(plan.costs.peak_cny for plan in alone) == pytest.approx(6.0 * CHARGE)


def test_the_account_has_it_as_a_part_of_operation() -> None:
    case = charged([2.0], ess=False)
    account = account_of("VPP1", dispatch(case.vpp, case.public), 0.0, 1.0)
    assert [account.peak_cny, account.operation_cny] == pytest.approx([2000.0, 3200.0])
