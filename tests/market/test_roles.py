"""Roles, (14) and (15), and declarations: by hand at every edge, and laws that hold for any plan."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.bidding.declare import declare
from market.bidding.roles import day_roles, demand_mw, sdr, supply_mw
from market.model.arrays import frozen
from market.model.declaration import Role
from market.model.plan import CostBreakdown, DispatchPlan, SolveMethod
from market.model.public import PublicRules
from market.model.rules import CarbonMode, Horizon, Tariff
from market.model.vpp import Exchange, Vpp
from tests.market.operations import CARBON, MARKET
from tests.sampling import law

PUBLIC = PublicRules(Horizon(1, 1.0), Tariff(frozen([600.0]), frozen([300.0])), MARKET, CARBON, "")
COSTS = CostBreakdown(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def plan(
    load: float = 0.0,
    *,
    wt: float = 0.0,
    pv: float = 0.0,
    mt: float = 0.0,
    charge: float = 0.0,
    discharge: float = 0.0,
    cl: float = 0.0,
    curtailed: float = 0.0,
    marginal_value: float = 0.0,
) -> DispatchPlan:
    """A plan of one period without direct trade; the grid balances it."""
    net = load + charge - cl - wt - pv - mt - discharge
    one = {
        "load_mw": load,
        "wt_mw": wt,
        "pv_mw": pv,
        "mt_mw": mt,
        "charge_mw": charge,
        "discharge_mw": discharge,
        "soc_mwh": 0.0,
        "cl_mw": cl,
        "buy_mw": max(net, 0.0),
        "sell_mw": max(-net, 0.0),
        "direct_in_mw": 0.0,
        "direct_out_mw": 0.0,
        "curtailed_mw": curtailed,
        "marginal_value_cny_per_mwh": marginal_value,
    }
    series: dict[str, Any] = {name: frozen([value]) for name, value in one.items()}
    return DispatchPlan(
        **series,
        emission_t=5.0,
        quota_t=2.0,
        costs=COSTS,
        objective_cny=0.0,
        gap_cny=0.0,
        method=SolveMethod.LP,
    )


def vpp(direct_in: float = math.inf, direct_out: float = math.inf) -> Vpp:
    """A VPP of which only the direct limits and κ = 0.85 matter here."""
    exchange = Exchange(math.inf, math.inf, direct_in, direct_out)
    return Vpp("VPP1", "", frozen([0.0]), None, None, None, None, None, exchange, 0.85)


def said(day: DispatchPlan, of: Vpp | None = None) -> tuple[Role, float, float]:
    """Role, S and D of the only period."""
    roles = day_roles(of or vpp(), day, MARKET.role_tolerance)
    return roles.roles[0], float(roles.surplus_mw[0]), float(roles.deficit_mw[0])


def test_supply_and_demand_by_hand() -> None:
    day = plan(4.0, wt=1.0, pv=2.0, mt=0.5, charge=0.25, discharge=0.125, cl=0.4)
    assert supply_mw(day).tolist() == [3.625]
    assert demand_mw(day).tolist() == [3.85]
    assert sdr(day).tolist() == [3.625 / 3.85]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (plan(2.0, pv=5.0), (Role.SELLER, 3.0, 0.0)),
        (plan(2.0, pv=5.0, curtailed=1.5), (Role.SELLER, 4.5, 0.0)),
        (plan(5.0, pv=2.0), (Role.BUYER, 0.0, 3.0)),
        (plan(5.0, pv=2.0, curtailed=1.0), (Role.BUYER, 0.0, 3.0)),
        (plan(3.0, pv=3.0), (Role.IDLE, 0.0, 0.0)),
        (plan(3.0, pv=3.0, curtailed=0.7), (Role.SELLER, 0.7, 0.0)),
        (plan(3.0, pv=3.0 * (1 + 0.9e-6)), (Role.IDLE, 0.0, 0.0)),
        (plan(3.0, pv=3.0 * (1 - 0.9e-6)), (Role.IDLE, 0.0, 0.0)),
        (plan(3.0, pv=3.0 * (1 - 1.1e-6)), (Role.BUYER, 0.0, 3.3e-6)),
        (plan(0.0, pv=1.0), (Role.SELLER, 1.0, 0.0)),
        (plan(0.0), (Role.IDLE, 0.0, 0.0)),
        (plan(0.0, curtailed=2.0), (Role.SELLER, 2.0, 0.0)),
        (plan(2.0, cl=2.0), (Role.IDLE, 0.0, 0.0)),
    ],
)
def test_roles_and_volumes_by_hand(day: DispatchPlan, expected: tuple[Role, float, float]) -> None:
    role, surplus, deficit = said(day)
    assert role is expected[0]
    assert (surplus, deficit) == pytest.approx(expected[1:])


def test_limits_of_direct_exchange_cut_the_volumes_and_a_limit_of_zero_makes_idle() -> None:
    assert said(plan(2.0, pv=5.0), vpp(direct_out=1.0)) == (Role.SELLER, 1.0, 0.0)
    assert said(plan(5.0, pv=2.0), vpp(direct_in=1.0)) == (Role.BUYER, 0.0, 1.0)
    assert said(plan(2.0, pv=5.0), vpp(direct_out=0.0)) == (Role.IDLE, 0.0, 0.0)
    assert said(plan(5.0, pv=2.0), vpp(direct_in=0.0)) == (Role.IDLE, 0.0, 0.0)


def test_the_ratio_without_demand_is_infinite_or_one() -> None:
    assert sdr(plan(0.0, pv=1.0)).tolist() == [math.inf]
    assert sdr(plan(0.0)).tolist() == [1.0]


def test_volumes_are_rounded_to_a_billionth_and_what_rounds_to_nothing_is_idle() -> None:
    assert said(plan(1.0, pv=1.0 + 1 / 3))[1] == 0.333333333
    assert said(plan(1e-9, pv=1.3e-9)) == (Role.IDLE, 0.0, 0.0)


def test_a_buyer_declares_its_supply_and_its_appetite() -> None:
    declared = declare(vpp(), plan(5.0, pv=2.0, charge=0.5, marginal_value=700.0), PUBLIC)
    assert declared.roles == (Role.BUYER,)
    assert declared.own_supply_mw.tolist() == [2.0]
    assert declared.deficit_mw.tolist() == [3.5]
    assert declared.satisfaction_cny_per_h.tolist() == [pytest.approx(0.85 * 700.0 * 5.501)]


def test_who_does_not_buy_keeps_supply_and_appetite_to_itself() -> None:
    for day in (plan(2.0, pv=5.0, marginal_value=300.0), plan(2.0, pv=2.0, marginal_value=500.0)):
        declared = declare(vpp(), day, PUBLIC)
        assert declared.own_supply_mw.tolist() == declared.satisfaction_cny_per_h.tolist() == [0.0]


def test_the_appetite_is_never_negative() -> None:
    assert declare(vpp(), plan(5.0, marginal_value=-80.0), PUBLIC).satisfaction_cny_per_h.tolist() == [0.0]


def test_credits_that_follow_energy_raise_a_buyer_s_appetite_by_their_worth_to_it() -> None:
    """E = 3 t lies in the step of 350 CNY/t, so σ_dir = 0.5 t/MWh is worth 175 CNY/MWh."""
    follow = replace(PUBLIC, carbon=replace(CARBON, credits_follow_energy=True, direct_quota_t_per_mwh=0.5))
    day = plan(5.0, marginal_value=700.0)
    with_credits = declare(vpp(), day, follow).satisfaction_cny_per_h
    assert with_credits.tolist() == [pytest.approx(0.85 * 875.0 * 5.001)]
    careless = replace(follow, carbon=replace(follow.carbon, mode=CarbonMode.NONE))
    assert declare(vpp(), day, careless).satisfaction_cny_per_h.tolist() == [pytest.approx(0.85 * 700.0 * 5.001)]


POWER = st.one_of(st.just(0.0), st.floats(0.0, 10.0))


@law(300)
@given(POWER, POWER, POWER, POWER, POWER, st.floats(-100.0, 1500.0), POWER, POWER)
def test_laws_of_roles_for_any_plan(
    load: float,
    pv: float,
    charge: float,
    mt: float,
    curtailed: float,
    value: float,
    most_in: float,
    most_out: float,
) -> None:
    day = plan(load, pv=pv, charge=charge, mt=mt, curtailed=curtailed, marginal_value=value)
    declared = declare(vpp(most_in, most_out), day, PUBLIC)
    role, surplus, deficit = declared.roles[0], float(declared.surplus_mw[0]), float(declared.deficit_mw[0])
    assert (role is Role.SELLER) == (surplus > 0.0)
    assert (role is Role.BUYER) == (deficit > 0.0)
    assert surplus <= min(most_out, pv + mt - load - charge + curtailed) + 1e-9 or surplus == 0.0
    assert deficit <= min(most_in, load + charge - pv - mt) + 1e-9 or deficit == 0.0
    assert surplus == round(surplus, 9)
    assert deficit == round(deficit, 9)
    assert declared.satisfaction_cny_per_h[0] >= 0.0
    assert not any(array.flags.writeable for array in (declared.surplus_mw, declared.deficit_mw))


def test_roles_do_not_change_the_plan() -> None:
    day = plan(2.0, pv=5.0)
    before = day.pv_mw.copy()
    declare(vpp(), day, PUBLIC)
    np.testing.assert_array_equal(day.pv_mw, before)
