"""Carbon, (1) to (3): the account adds up, the stepped cost equals its closed form and has the shape it claims."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.costs.carbon import (
    carbon_account,
    carbon_bill_cny,
    marginal_price_cny_per_t,
    priced_segments,
    step_prices_cny_per_t,
    stepped_cost_cny,
)
from market.model.arrays import frozen
from market.model.rules import CarbonMode, CarbonRules, Horizon
from market.model.vpp import ControllableLoad, Exchange, MicroTurbine, Vpp
from tests.market.operations import CARBON, TWO_PERIODS
from tests.sampling import law

TURBINE = MicroTurbine(
    p_max_mw=1.0, ramp_up_mw_per_h=1.0, ramp_down_mw_per_h=1.0, cost_b_cny_per_mwh=500.0, cost_pieces=1
)
SHEDDING = ControllableLoad(compensation_cny_per_mwh=800.0, credit_t_per_mwh=0.3)
VPP = Vpp("VPP1", "", frozen([3.0, 3.0]), None, None, TURBINE, None, SHEDDING, Exchange(9, 9, 9, 9), 0.85)

LAWS = law(200)
RULES = st.builds(
    lambda price, interval, growth, steps: replace(
        CARBON, base_price_cny_per_t=price, interval_t=interval, growth=growth, steps=steps
    ),
    st.floats(1.0, 1000.0),
    st.floats(0.05, 10.0),
    st.floats(0.0, 2.0),
    st.integers(1, 9),
)
EXCESS = st.floats(-20.0, 60.0)


def test_emission_and_quota_by_hand() -> None:
    account = carbon_account(VPP, CARBON, Horizon(2, 0.5), TWO_PERIODS)
    assert account.emission_t == pytest.approx((0.98 * 2.0 + 0.6 * 1.5) * 0.5)
    assert account.quota_t == pytest.approx((0.728 * 2.0 + 0.42 * 1.5 - 0.3 * 0.4) * 0.5)
    assert account.excess_t == account.emission_t - account.quota_t


def test_renewables_and_traded_quota_enter_the_quota() -> None:
    plain = carbon_account(VPP, CARBON, Horizon(2, 0.5), TWO_PERIODS)
    counted = replace(CARBON, renewable_quota_t_per_mwh=0.2)
    assert carbon_account(VPP, counted, Horizon(2, 0.5), TWO_PERIODS).quota_t == pytest.approx(
        plain.quota_t + 0.2 * 7.0 * 0.5
    )
    traded = carbon_account(VPP, CARBON, Horizon(2, 0.5), TWO_PERIODS, quota_in_t=-0.7)
    assert traded.emission_t == plain.emission_t
    assert traded.quota_t == pytest.approx(plain.quota_t - 0.7)


def test_a_vpp_without_turbine_or_load_to_shed_counts_neither() -> None:
    bare = carbon_account(replace(VPP, mt=None, cl=None), CARBON, Horizon(2, 0.5), TWO_PERIODS)
    assert bare.excess_t == pytest.approx(0.252 * 2.0 * 0.5)


@pytest.mark.parametrize(
    ("excess_t", "cost_cny"),
    [
        (-3.0, -840.0),
        (0.0, 0.0),
        (1.0, 280.0),
        (2.0, 560.0),
        (4.0, 1260.0),
        (6.0, 2100.0),
        (8.0, 3080.0),
        (20.0, 9800.0),
    ],
)
def test_the_stepped_cost_of_the_paper_s_steps(excess_t: float, cost_cny: float) -> None:
    assert stepped_cost_cny(CARBON, excess_t) == cost_cny


def test_the_paper_s_step_prices() -> None:
    assert step_prices_cny_per_t(CARBON).tolist() == [280.0, 350.0, 420.0, 490.0, 560.0]


@LAWS
@given(RULES, EXCESS)
def test_the_stepped_cost_is_the_sum_of_the_steps_passed(rules: CarbonRules, excess_t: float) -> None:
    """Walk up the steps and pay for the part of the excess in each of them."""
    total = 0.0
    for n in range(rules.steps):
        start, end = n * rules.interval_t, (n + 1) * rules.interval_t
        upper = math.inf if n == rules.steps - 1 else end
        lower = -math.inf if n == 0 else start
        part = min(max(excess_t, lower), upper) - start
        total += part * rules.base_price_cny_per_t * (1 + n * rules.growth) if part > 0 or n == 0 else 0.0
    assert stepped_cost_cny(rules, excess_t) == pytest.approx(total, rel=1e-9, abs=1e-6)


@LAWS
@given(RULES, EXCESS, EXCESS, st.floats(0.0, 1.0))
def test_the_stepped_cost_is_convex_and_rises(rules: CarbonRules, one: float, other: float, share: float) -> None:
    low, high = stepped_cost_cny(rules, min(one, other)), stepped_cost_cny(rules, max(one, other))
    rounding = 1e-9 * (1 + abs(low) + abs(high))
    assert low <= high + rounding
    between = stepped_cost_cny(rules, share * one + (1 - share) * other)
    chord = share * stepped_cost_cny(rules, one) + (1 - share) * stepped_cost_cny(rules, other)
    assert between <= chord + rounding


@LAWS
@given(RULES, st.integers(0, 9))
def test_the_stepped_cost_is_continuous_at_the_ends_of_steps(rules: CarbonRules, n: int) -> None:
    end = n * rules.interval_t
    steepest = rules.base_price_cny_per_t * (1 + rules.growth * rules.steps)
    for gap in (1e-6, 1e-10, 1e-13):
        jump = stepped_cost_cny(rules, end + gap) - stepped_cost_cny(rules, end - gap)
        assert -1e-7 <= jump <= 2 * gap * steepest + 1e-7


@LAWS
@given(RULES, EXCESS, st.sampled_from(CarbonMode))
def test_filling_the_segments_in_order_costs_the_bill(
    rules: CarbonRules, excess_t: float, mode: CarbonMode
) -> None:
    """The segments are what the dispatch minimises: their cheapest filling is the bill, save in mode `none`."""
    rules = replace(rules, mode=mode)
    segments = priced_segments(rules)
    if mode is CarbonMode.NONE:
        assert segments == ()
        return
    prices = [segment.price_cny_per_t for segment in segments]
    assert prices == sorted(prices)
    left, cost = excess_t, 0.0
    for segment in segments:
        part = min(left, segment.upper_t) if math.isinf(segment.lower_t) else min(max(left, 0.0), segment.upper_t)
        left -= part
        cost += part * segment.price_cny_per_t
    assert left == pytest.approx(0.0, abs=1e-9)
    assert cost == pytest.approx(carbon_bill_cny(rules, excess_t), rel=1e-9, abs=1e-6)


def test_bills_by_mode() -> None:
    assert carbon_bill_cny(CARBON, 4.0) == 1260.0
    assert carbon_bill_cny(replace(CARBON, mode=CarbonMode.NONE), 4.0) == 1260.0
    assert carbon_bill_cny(replace(CARBON, mode=CarbonMode.FLAT), 4.0) == 1280.0
    assert carbon_bill_cny(replace(CARBON, mode=CarbonMode.FLAT), -1.0) == -320.0


@LAWS
@given(RULES, EXCESS)
def test_the_marginal_price_is_the_slope_of_the_cost_below(rules: CarbonRules, excess_t: float) -> None:
    step = rules.interval_t * 1e-3
    position = excess_t / rules.interval_t
    if abs(position - round(position)) < 2e-3:
        return
    slope = (stepped_cost_cny(rules, excess_t) - stepped_cost_cny(rules, excess_t - step)) / step
    assert marginal_price_cny_per_t(rules, excess_t) == pytest.approx(slope, rel=1e-6)


def test_the_marginal_price_at_the_end_of_a_step_is_that_step_s_whatever_the_rounding() -> None:
    for rounding in (-1e-12, 0.0, 1e-12):
        assert marginal_price_cny_per_t(CARBON, 4.0 + rounding) == 350.0
    assert marginal_price_cny_per_t(CARBON, 4.001) == 420.0
    assert marginal_price_cny_per_t(CARBON, 100.0) == 560.0
    assert marginal_price_cny_per_t(CARBON, -5.0) == 280.0


def test_the_marginal_price_by_mode() -> None:
    assert marginal_price_cny_per_t(replace(CARBON, mode=CarbonMode.FLAT), 7.0) == 320.0
    assert marginal_price_cny_per_t(replace(CARBON, mode=CarbonMode.NONE), 7.0) == 0.0


def test_a_large_excess_costs_a_finite_sum() -> None:
    assert np.isfinite(stepped_cost_cny(CARBON, 1e9))
