"""Costs, (4) and (5): every term by hand; the micro-turbine's piecewise cost lies on its chords."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.costs.costs import (
    cost_breakdown,
    mt_breakpoints_mw,
    mt_cost_cny_per_h,
    mt_least_cost_cny_per_h,
    mt_slopes_cny_per_mwh,
    objective_cny,
)
from market.model.arrays import Array, frozen
from market.model.public import PublicRules
from market.model.rules import CarbonMode, Horizon, Tariff
from market.model.vpp import ControllableLoad, Exchange, MicroTurbine, Renewable, Storage, Vpp
from tests.market.operations import CARBON, MARKET, TWO_PERIODS
from tests.sampling import law

TURBINE = MicroTurbine(
    p_min_mw=0.5,
    p_max_mw=2.5,
    ramp_up_mw_per_h=1.0,
    ramp_down_mw_per_h=1.0,
    cost_a_cny_per_mw2h=100.0,
    cost_b_cny_per_mwh=500.0,
    cost_on_cny_per_h=40.0,
    cost_pieces=4,
)
LAWS = law(150)
TURBINES = st.builds(
    lambda low, width, a, b, on, pieces: replace(
        TURBINE,
        p_min_mw=low,
        p_max_mw=low + width,
        cost_a_cny_per_mw2h=a,
        cost_b_cny_per_mwh=b,
        cost_on_cny_per_h=on,
        cost_pieces=pieces,
    ),
    st.floats(0.0, 2.0),
    st.floats(0.1, 4.0),
    st.floats(0.0, 200.0),
    st.floats(100.0, 900.0),
    st.floats(0.0, 300.0),
    st.integers(1, 12),
)


def quadratic(mt: MicroTurbine, power_mw: Array) -> Array:
    """aP² + bP + c_on."""
    return mt.cost_a_cny_per_mw2h * power_mw**2 + mt.cost_b_cny_per_mwh * power_mw + mt.cost_on_cny_per_h


def test_pieces_and_slopes_by_hand() -> None:
    assert mt_breakpoints_mw(TURBINE).tolist() == [0.5, 1.0, 1.5, 2.0, 2.5]
    assert mt_slopes_cny_per_mwh(TURBINE).tolist() == [650.0, 750.0, 850.0, 950.0]
    assert mt_least_cost_cny_per_h(TURBINE) == 25.0 + 250.0 + 40.0
    assert mt_cost_cny_per_h(TURBINE, np.array([0.5, 0.75, 1.0])).tolist() == [315.0, 477.5, 640.0]


@LAWS
@given(TURBINES)
def test_the_cost_is_exact_at_the_ends_of_the_pieces(mt: MicroTurbine) -> None:
    ends = mt_breakpoints_mw(mt)
    np.testing.assert_allclose(mt_cost_cny_per_h(mt, ends), quadratic(mt, ends), rtol=1e-12, atol=1e-9)


@LAWS
@given(TURBINES, st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3))
def test_the_cost_lies_above_the_quadratic_and_is_convex(mt: MicroTurbine, shares: list[float]) -> None:
    low, middle, high = np.sort(mt.p_min_mw + np.array(shares) * (mt.p_max_mw - mt.p_min_mw))
    cost = mt_cost_cny_per_h(mt, np.array([low, middle, high]))
    assert np.all(cost >= quadratic(mt, np.array([low, middle, high])) - 1e-8)
    if high - low > 1e-6:
        chord = cost[0] + (cost[2] - cost[0]) * (middle - low) / (high - low)
        assert cost[1] <= chord + 1e-6


def test_a_committed_unit_costs_nothing_when_off_and_a_running_one_its_hour() -> None:
    idle = replace(TURBINE, p_min_mw=0.0)
    assert mt_cost_cny_per_h(idle, np.array([0.0])).tolist() == [40.0]
    assert mt_cost_cny_per_h(replace(idle, commitment=True), np.array([0.0])).tolist() == [0.0]
    assert mt_cost_cny_per_h(replace(TURBINE, commitment=True), np.array([0.0, 0.5])).tolist() == [0.0, 315.0]


def test_a_unit_of_fixed_output_has_the_cost_of_that_output() -> None:
    fixed = replace(TURBINE, p_max_mw=0.5)
    assert mt_cost_cny_per_h(fixed, np.array([0.5])).tolist() == [315.0]


PUBLIC = PublicRules(Horizon(2, 0.5), Tariff(frozen([600.0, 900.0]), frozen([300.0, 400.0])), MARKET, CARBON, "")
VPP = Vpp(
    id="VPP1",
    label="",
    load_mw=frozen([3.0, 3.0]),
    wt=Renewable(frozen([5.0, 5.0]), 15.0),
    pv=Renewable(frozen([5.0, 5.0]), 12.0),
    mt=TURBINE,
    ess=Storage(2.0, 1.0, 1.0, 0.95, 0.95, 0.1, 0.9, 0.5, 30.0),
    cl=ControllableLoad(compensation_cny_per_mwh=800.0),
    exchange=Exchange(9.0, 9.0, 9.0, 9.0),
    satisfaction=0.85,
)


def test_every_term_of_the_operating_cost_by_hand() -> None:
    costs = cost_breakdown(VPP, PUBLIC, TWO_PERIODS, excess_t=4.0)
    assert costs.wt_cny == 15.0 * 3.0 * 0.5
    assert costs.pv_cny == 12.0 * 4.0 * 0.5
    assert costs.ess_cny == pytest.approx(30.0 * 0.6 * 0.5)
    assert costs.mt_cny == (315.0 + 640.0) * 0.5
    assert costs.grid_cny == (600.0 * 2.0 - 400.0 * 3.0) * 0.5
    assert costs.cl_cny == pytest.approx(800.0 * 0.4 * 0.5)
    assert costs.carbon_cny == 1260.0
    assert costs.total_cny == costs.operation_cny + 1260.0


def test_what_a_vpp_does_not_have_costs_nothing() -> None:
    bare = replace(VPP, wt=None, pv=None, mt=None, ess=None, cl=None)
    costs = cost_breakdown(bare, PUBLIC, TWO_PERIODS, excess_t=0.0)
    assert (costs.wt_cny, costs.pv_cny, costs.ess_cny, costs.mt_cny, costs.cl_cny) == (0.0, 0.0, 0.0, 0.0, 0.0)
    assert costs.total_cny == costs.grid_cny


def test_carbon_is_in_the_objective_save_in_mode_none() -> None:
    costs = cost_breakdown(VPP, PUBLIC, TWO_PERIODS, excess_t=4.0)
    assert objective_cny(CARBON, costs) == costs.total_cny
    assert objective_cny(replace(CARBON, mode=CarbonMode.FLAT), costs) == costs.total_cny
    assert objective_cny(replace(CARBON, mode=CarbonMode.NONE), costs) == costs.operation_cny
