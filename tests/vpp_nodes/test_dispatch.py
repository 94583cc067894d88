"""Dispatch of one VPP's day: answers worked by hand, and what its answers do not depend on."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest

from market.errors import DispatchError
from market.model.arrays import frozen
from market.model.plan import DirectExchange, DispatchPlan, SolveMethod
from market.model.rules import CarbonMode
from market.model.vpp import ControllableLoad, Renewable
from tests.vpp_nodes.dispatch_cases import (
    MICRO_TURBINE,
    STORAGE,
    Case,
    plain_case,
    public_rules,
    random_case,
)
from vpp_nodes.dispatch import dispatch
from vpp_nodes.dispatch.day import checked_day
from vpp_nodes.dispatch.linear import LinearProgram, LpSolution, SolveStatus
from vpp_nodes.dispatch.model import build_model
from vpp_nodes.dispatch.reading import read_powers


def solved(case: Case, **parts: Any) -> DispatchPlan:
    """The plan of a case whose VPP has some parts replaced."""
    return dispatch(replace(case.vpp, **parts), case.public, case.direct)


def same(one: DispatchPlan, other: DispatchPlan) -> bool:
    """Equality to the last bit."""
    pairs = ((getattr(one, field.name), getattr(other, field.name)) for field in fields(DispatchPlan))
    return all(np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b for a, b in pairs)


def limited(case: Case, buy: float = math.inf, sell: float = math.inf) -> Case:
    """The case with limits on the grid."""
    exchange = replace(case.vpp.exchange, grid_buy_max_mw=buy, grid_sell_max_mw=sell)
    return replace(case, vpp=replace(case.vpp, exchange=exchange))


# Answers by hand


def test_a_bare_load_is_bought_from_an_unlimited_grid_at_its_price() -> None:
    plan = solved(plain_case([1.0, 2.5, 0.25]))
    assert plan.buy_mw.tolist() == pytest.approx([1.0, 2.5, 0.25])
    assert plan.marginal_value_cny_per_mwh.tolist() == pytest.approx([600.0, 600.0, 600.0])
    assert plan.objective_cny == pytest.approx(2250.0)
    assert plan.method is SolveMethod.LP
    assert plan.gap_cny == pytest.approx(0.0, abs=1e-9)


def test_a_buyer_s_marginal_value_carries_the_price_of_the_carbon_step_it_is_in() -> None:
    """12 MWh bought: E = 12 · 0.252 = 3.024 t, in the step of 350 CNY/t."""
    plan = solved(plain_case([6.0, 6.0], carbon=True))
    assert plan.emission_t - plan.quota_t == pytest.approx(3.024)
    assert plan.costs.carbon_cny == pytest.approx(560.0 + 350.0 * 1.024)
    np.testing.assert_allclose(plan.marginal_value_cny_per_mwh, 600.0 + 0.252 * 350.0)


def test_a_seller_s_marginal_value_is_the_feed_in_price_and_a_curtailing_vpp_s_its_plant_s_upkeep() -> None:
    case = limited(plain_case([1.0, 1.0]), sell=2.0)
    plan = solved(case, pv=Renewable(frozen([2.0, 5.0]), 12.0))
    assert plan.sell_mw.tolist() == [1.0, 2.0]
    assert plan.curtailed_mw.tolist() == [0.0, 2.0]
    np.testing.assert_allclose(plan.marginal_value_cny_per_mwh, [300.0, 12.0])


def test_a_turbine_runs_up_to_the_piece_that_costs_more_than_the_grid() -> None:
    """Pieces of 0.25 MW at 525, 575, 625, 675 CNY/MWh against a grid at 600."""
    plan = solved(plain_case([2.0]), mt=MICRO_TURBINE)
    assert plan.mt_mw.tolist() == [0.5]
    assert plan.marginal_value_cny_per_mwh.tolist() == [600.0]
    assert plan.costs.mt_cny == pytest.approx(0.25 * (525.0 + 575.0))


def test_marginal_values_are_per_mwh_in_periods_of_any_length() -> None:
    public = public_rules(np.full(4, 600.0), np.full(4, 300.0), period_h=0.25)
    case = replace(plain_case([2.0] * 4), public=replace(public, carbon=plain_case([1.0]).public.carbon))
    plan = solved(case, mt=replace(MICRO_TURBINE, p_max_mw=3.0, cost_pieces=3, cost_a_cny_per_mw2h=20.0))
    assert plan.mt_mw.tolist() == [2.0] * 4
    assert np.all((plan.marginal_value_cny_per_mwh >= 560.0) & (plan.marginal_value_cny_per_mwh <= 600.0))
    assert plan.objective_cny == pytest.approx((520.0 + 560.0) * 4 * 0.25)


def test_storage_moves_energy_from_the_cheap_hour_to_the_dear_one() -> None:
    """0.5 MW in, 0.5 · 0.95² MW out: worth 1000 · 0.95² − 400 − wear, so it pays."""
    case = plain_case([1.0, 1.0])
    case = replace(case, public=replace(case.public, tariff=public_rules(*np.array([[400.0, 1000.0]] * 2)).tariff))
    case = limited(case, sell=0.0)
    plan = solved(case, ess=STORAGE)
    assert plan.charge_mw.tolist() == [0.5, 0.0]
    np.testing.assert_allclose(plan.discharge_mw, [0.0, 0.5 * 0.95**2])
    np.testing.assert_allclose(plan.soc_mwh, [1.475, 1.0])
    expected = 1.5 * 400.0 + (1.0 - 0.45125) * 1000.0 + 30.0 * 0.95125
    assert plan.objective_cny == pytest.approx(expected)


def test_a_committed_unit_runs_only_where_its_whole_hour_pays() -> None:
    """At its full 1 MW an hour costs 500 + c_on against 600 from the grid; at p_min it never pays."""
    unit = replace(MICRO_TURBINE, p_min_mw=0.5, cost_a_cny_per_mw2h=0.0, commitment=True)
    case = limited(plain_case([1.0, 0.5, 1.0]), sell=0.0)
    cheap = solved(case, mt=replace(unit, cost_on_cny_per_h=60.0))
    assert cheap.mt_mw.tolist() == [1.0, 0.0, 1.0]
    assert cheap.objective_cny == pytest.approx(560.0 + 300.0 + 560.0)
    assert cheap.method is SolveMethod.MILP
    dear = solved(case, mt=replace(unit, cost_on_cny_per_h=110.0))
    assert dear.mt_mw.tolist() == [0.0, 0.0, 0.0]
    assert dear.costs.mt_cny == 0.0
    np.testing.assert_allclose(dear.marginal_value_cny_per_mwh, 600.0)


def test_without_commitment_the_unit_runs_whatever_it_costs() -> None:
    plan = solved(plain_case([1.0]), mt=replace(MICRO_TURBINE, p_min_mw=0.5, cost_b_cny_per_mwh=900.0))
    assert plan.mt_mw.tolist() == [0.5]
    assert plan.method is SolveMethod.LP


def test_a_unit_may_start_and_stop_across_an_output_that_its_ramp_does_not_reach() -> None:
    unit = replace(MICRO_TURBINE, p_min_mw=0.8, ramp_up_mw_per_h=0.1, ramp_down_mw_per_h=0.1, commitment=True)
    plan = solved(limited(plain_case([0.0, 0.8, 0.9, 0.0, 0.8]), buy=0.15, sell=0.0), mt=unit)
    np.testing.assert_allclose(plan.mt_mw, [0.0, 0.8, 0.8, 0.0, 0.8])


def test_nothing_limits_the_step_into_the_first_period() -> None:
    plan = solved(limited(plain_case([1.0, 1.0]), buy=0.0), mt=replace(MICRO_TURBINE, ramp_up_mw_per_h=0.01))
    assert plan.mt_mw.tolist() == [1.0, 1.0]


def test_shedding_keeps_to_its_share_and_to_its_daily_energy() -> None:
    shedding = ControllableLoad(share_of_load=0.25, compensation_cny_per_mwh=500.0)
    assert solved(plain_case([1.0, 2.0]), cl=shedding).cl_mw.tolist() == [0.25, 0.5]
    rationed = replace(shedding, daily_energy_max_mwh=0.6)
    assert solved(plain_case([1.0, 2.0]), cl=rationed).cl_mw.sum() == pytest.approx(0.6)


def test_credits_given_for_shedding_leave_the_quota() -> None:
    shedding = ControllableLoad(share_of_load=0.25, compensation_cny_per_mwh=100.0, credit_t_per_mwh=0.5)
    plan = solved(plain_case([4.0], carbon=True), cl=shedding)
    assert plan.cl_mw.tolist() == [1.0]
    assert plan.quota_t == pytest.approx(0.728 * 3.0 - 0.5)


def test_a_trade_that_is_fixed_takes_the_place_of_the_grid_and_its_quota_lowers_the_bill() -> None:
    case = plain_case([3.0, 3.0], carbon=True)
    direct = DirectExchange(frozen([1.0, 0.0]), frozen([0.0, 0.5]), quota_in_t=0.3)
    plan = dispatch(case.vpp, case.public, direct)
    assert plan.buy_mw.tolist() == pytest.approx([2.0, 3.5])
    assert plan.quota_t == pytest.approx(0.728 * 5.5 + 0.3)
    assert plan.costs.carbon_cny == pytest.approx(280.0 * (0.252 * 5.5 - 0.3))
    np.testing.assert_array_equal(plan.direct_in_mw, direct.in_mw)


def test_mode_none_leaves_carbon_out_of_the_plan_and_keeps_it_in_the_bill() -> None:
    """The grid at 560 beats a turbine at 575 only as long as its carbon counts for nothing."""
    unit = replace(MICRO_TURBINE, cost_a_cny_per_mw2h=0.0, cost_b_cny_per_mwh=575.0)
    minding = plain_case([1.0, 1.0], retail=560.0, carbon=True)
    careless = replace(minding, public=plain_case([1.0, 1.0], retail=560.0).public)
    assert solved(minding, mt=unit).mt_mw.tolist() == [1.0, 1.0]
    plan = solved(careless, mt=unit)
    assert plan.mt_mw.tolist() == [0.0, 0.0]
    assert plan.objective_cny == plan.costs.operation_cny == pytest.approx(1120.0)
    assert plan.costs.carbon_cny == pytest.approx(280.0 * 0.504)
    np.testing.assert_allclose(plan.marginal_value_cny_per_mwh, 560.0)


@pytest.mark.parametrize(
    ("price_cny_per_mwh", "soc_initial"),
    [([-200.0, -200.0, -200.0], STORAGE.soc_initial), ([-200.0, 100.0, 100.0], STORAGE.soc_max)],
    ids=["all day", "in one period, with a full battery"],
)
def test_at_negative_prices_nothing_runs_both_ways_at_once(
    price_cny_per_mwh: list[float], soc_initial: float
) -> None:
    """The linear program would burn bought energy in the storage, and buy dear what it sells dearer."""
    case, price = plain_case([1.0, 1.0, 1.0]), np.array(price_cny_per_mwh)
    negative = replace(case, public=replace(case.public, tariff=public_rules(price, price).tariff))
    battery = replace(STORAGE, wear_cny_per_mwh=0.0, soc_initial=soc_initial)
    plan = solved(limited(negative, buy=5.0, sell=5.0), ess=battery)
    assert plan.method is SolveMethod.MILP
    assert not np.any((plan.charge_mw > 0.0) & (plan.discharge_mw > 0.0))
    inverted = plain_case([1.0], retail=300.0, feed_in=400.0)
    plan = solved(inverted)
    assert plan.method is SolveMethod.MILP
    assert plan.sell_mw.tolist() == [0.0]
    assert plan.buy_mw.tolist() == pytest.approx([1.0])
    assert plan.marginal_value_cny_per_mwh.tolist() == pytest.approx([300.0])


def test_a_unit_that_is_free_when_idle_needs_no_binary() -> None:
    assert solved(plain_case([1.0]), mt=replace(MICRO_TURBINE, commitment=True)).method is SolveMethod.LP


def test_ties_go_to_the_earliest_hours_without_touching_cost_or_marginal_values() -> None:
    """Four equally cheap hours to charge in, two equally dear ones to discharge in: energy for two and one."""
    retail = np.array([400.0] * 4 + [1200.0] * 2)
    case = plain_case([1.0] * 6)
    case = replace(case, public=replace(case.public, tariff=public_rules(retail, retail - 100.0).tariff))
    ess = replace(STORAGE, soc_initial=0.1, soc_max=0.5)
    plan = solved(case, ess=ess)
    np.testing.assert_allclose(plan.charge_mw, [0.5, 0.8 / 0.95 - 0.5, 0.0, 0.0, 0.0, 0.0])
    np.testing.assert_allclose(plan.discharge_mw, [0.0] * 4 + [0.5, 0.26])
    np.testing.assert_array_equal(plan.marginal_value_cny_per_mwh, retail)
    expected = 400.0 * (4 + 0.8 / 0.95) + 1200.0 * (2 - 0.76) + 30.0 * (0.8 / 0.95 + 0.76)
    assert plan.objective_cny == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("apart", "decides"), [(0.0, False), (1e-6, False), (1e-4, True), (1.0, True)])
def test_costs_decide_where_they_differ_by_more_than_a_millionth(apart: float, decides: bool) -> None:
    """Two plants, room for one: at costs that are all but equal the wind turbine runs, whichever is dearer."""
    case = limited(plain_case([1.0]), sell=0.0)
    for wt_cost, pv_cost in ((12.0, 12.0 + apart), (12.0 + apart, 12.0)):
        plan = solved(case, wt=Renewable(frozen([1.0]), wt_cost), pv=Renewable(frozen([1.0]), pv_cost))
        assert (plan.wt_mw[0] == 1.0) == (wt_cost <= pv_cost or not decides)
        assert plan.gap_cny == pytest.approx(plan.objective_cny - 12.0, abs=1e-12)
        assert plan.gap_cny <= 1e-6 * 12.0


@pytest.mark.parametrize("seed", range(20))
def test_prices_that_are_all_but_equal_do_not_decide_when_a_battery_works(seed: int) -> None:
    """Under a flat tariff it may work at any hour: moved by a millionth, it is planned as ever, and λ is true."""
    moved = np.random.default_rng(seed).uniform(-1e-6, 1e-6, (2, 24))
    ess, case = replace(STORAGE, soc_initial=0.5), plain_case((1.0 + np.sin(np.arange(24))).tolist())
    flat, nearly = (
        replace(case, public=replace(case.public, tariff=public_rules(750.0 + by[0], 400.0 + by[1]).tariff))
        for by in (0.0 * moved, moved)
    )
    pv = Renewable(frozen(2.0 * np.clip(np.sin(np.arange(24) / 4.0), 0.0, None)), 12.0)
    plan, other = (solved(case, ess=ess, pv=pv) for case in (flat, nearly))
    for name in ("charge_mw", "discharge_mw", "buy_mw", "sell_mw", "pv_mw"):
        np.testing.assert_allclose(getattr(other, name), getattr(plan, name), atol=1e-9)
    np.testing.assert_allclose(other.marginal_value_cny_per_mwh, plan.marginal_value_cny_per_mwh, atol=1e-5)


# What an answer does not depend on


def test_an_answer_does_not_depend_on_what_was_solved_before() -> None:
    cases = [case for case in map(random_case, range(3000, 3040)) if dispatchable(case)]
    first = [dispatch(case.vpp, case.public, case.direct) for case in cases]
    backwards = [dispatch(case.vpp, case.public, case.direct) for case in reversed(cases)][::-1]
    assert len(cases) >= 30
    assert all(same(one, other) for one, other in zip(first, backwards, strict=True))


def dispatchable(case: Case) -> bool:
    try:
        dispatch(case.vpp, case.public, case.direct)
    except DispatchError:
        return False
    return True


def test_an_answer_does_not_depend_on_the_process() -> None:
    """Another interpreter with another hash seed finds the same numbers to the last bit."""
    code = (
        "from tests.vpp_nodes.dispatch_cases import random_case\n"
        "from vpp_nodes.dispatch import dispatch\n"
        "for seed in (3001, 3003, 3009):\n"
        "    case = random_case(seed)\n"
        "    plan = dispatch(case.vpp, case.public, case.direct)\n"
        "    print(plan.objective_cny.hex(), plan.marginal_value_cny_per_mwh.tobytes().hex())\n"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
            timeout=150,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(answers) == 1
    assert len(answers.pop().split()) == 6


def test_inputs_are_not_changed() -> None:
    case = random_case(3)
    before = [value.copy() for _, value in numbers(case) if isinstance(value, np.ndarray)]
    dispatch(case.vpp, case.public, case.direct)
    after = [value for _, value in numbers(case) if isinstance(value, np.ndarray)]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


# Data that must not reach a solver


def numbers(owner: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Every number below a dataclass, with the path to it."""
    for field in fields(owner):  # type: ignore[arg-type]
        value, here = getattr(owner, field.name), (*path, field.name)
        if is_dataclass(value):
            yield from numbers(value, here)
        elif isinstance(value, float | np.ndarray):
            yield here, value


def spoilt(owner: Any, path: tuple[str, ...], bad: float) -> Any:
    """A copy in which the number at `path` is `bad`, in the last period if it is a series."""
    name, *rest = path
    value = getattr(owner, name)
    if rest:
        return replace(owner, **{name: spoilt(value, tuple(rest), bad)})
    if isinstance(value, np.ndarray):
        return replace(owner, **{name: frozen([*value[:-1], bad])})
    return replace(owner, **{name: bad})


FULL = replace(
    plain_case([1.0, 2.0]),
    vpp=replace(
        plain_case([1.0, 2.0]).vpp,
        wt=Renewable(frozen([1.0, 1.0]), 15.0),
        pv=Renewable(frozen([1.0, 1.0]), 12.0),
        mt=MICRO_TURBINE,
        ess=STORAGE,
        cl=ControllableLoad(compensation_cny_per_mwh=500.0, daily_energy_max_mwh=1.0, credit_t_per_mwh=0.1),
    ),
    direct=DirectExchange(frozen([0.1, 0.0]), frozen([0.0, 0.1]), 0.1),
)
NOT_USED = ("satisfaction",)
USED = [path for path, _ in numbers(FULL) if "market" not in path and path[-1] not in NOT_USED]


@pytest.mark.parametrize("bad", [math.nan, -math.inf])
@pytest.mark.parametrize("path", USED, ids=".".join)
def test_a_number_that_is_not_finite_is_named_before_anything_is_built(path: tuple[str, ...], bad: float) -> None:
    case = spoilt(FULL, path, bad)
    with pytest.raises(DispatchError, match=rf"{path[-1]} must be a finite number, got {bad}") as error:
        dispatch(case.vpp, case.public, case.direct)
    if path[-1].startswith(("load", "forecast", "retail", "feed_in", "in_mw", "out_mw")):
        assert "in period 2" in str(error.value)


def test_the_check_reaches_every_part_of_a_day() -> None:
    assert len(USED) >= 45


def test_limits_of_exchange_and_ramps_may_be_infinite() -> None:
    free = replace(MICRO_TURBINE, ramp_up_mw_per_h=math.inf, ramp_down_mw_per_h=math.inf)
    assert solved(plain_case([1.0, 0.2]), mt=free).objective_cny > 0.0


def test_a_series_of_the_wrong_length_is_named() -> None:
    case = plain_case([1.0, 1.0])
    with pytest.raises(DispatchError, match=r"pv.forecast_mw must have one entry for each of the 2 periods"):
        solved(case, pv=Renewable(frozen([1.0]), 12.0))


# Endings and rounding of solvers


EXPLAINED = (SolveStatus.OPTIMAL, SolveStatus.INFEASIBLE, SolveStatus.ABNORMAL)


@pytest.mark.parametrize("ending", [ending for ending in SolveStatus if ending not in EXPLAINED])
def test_any_other_ending_of_a_solver_is_said(monkeypatch: pytest.MonkeyPatch, ending: SolveStatus) -> None:
    nothing = np.empty(0)
    monkeypatch.setattr(
        LinearProgram, "solve_lp", lambda *_: LpSolution(ending, nothing, nothing, math.nan, math.nan, "because")
    )
    with pytest.raises(DispatchError, match=rf"VPP1 .* the solver ended as `{ending.value}`.*\(because\)"):
        solved(plain_case([1.0]))


def test_costs_that_are_not_convex_are_refused() -> None:
    """With a falling slope the linear program would take the last piece first."""
    with pytest.raises(DispatchError, match=r"costs must be convex: mt\.cost_a_cny_per_mw2h"):
        solved(plain_case([0.5], retail=430.0), mt=replace(MICRO_TURBINE, cost_a_cny_per_mw2h=-100.0))


def test_numbers_far_too_large_are_refused_by_name_of_the_ending() -> None:
    with pytest.raises(DispatchError, match="model invalid"):
        solved(plain_case([1.5]), mt=replace(MICRO_TURBINE, cost_b_cny_per_mwh=1e300))


def test_values_a_rounding_error_off_a_bound_are_put_on_it_and_others_are_left() -> None:
    case = replace(FULL, direct=None)
    day = checked_day(case.vpp, case.public, case.direct)
    model = build_model(day)
    lower, upper = model.program.bounds()
    off = np.where(np.isfinite(lower), lower, 0.0) - 5e-10
    answer = LpSolution(SolveStatus.OPTIMAL, off, np.zeros(0), 0.0, 0.0)
    powers = read_powers(day, model, answer)
    assert powers.buy_mw.tolist() == powers.sell_mw.tolist() == powers.mt_mw.tolist() == [0.0, 0.0]
    assert powers.soc_mwh.tolist() == [0.2, 1.0]
    full = replace(answer, values=np.where(np.isfinite(upper), upper, 0.0) + 5e-10)
    assert read_powers(day, model, full).pv_mw.tolist() == [1.0, 1.0]
    elsewhere = replace(answer, values=off + 1e-6)
    assert read_powers(day, model, elsewhere).buy_mw.tolist() == pytest.approx([1e-6, 1e-6], rel=1e-3)


def test_duals_have_the_sign_of_a_marginal_cost_and_the_twin_has_them_where_the_milp_has_not() -> None:
    """Two units at 10 (at most 1, free to start) and 30 serve 1.5: one more costs 30; x_on is integer."""
    program = LinearProgram()
    zero, one = np.zeros(1), np.ones(1)
    cheap = program.columns(zero, one, 10.0 * one)
    dear = program.columns(zero, 5.0 * one, 30.0 * one)
    on = program.columns(zero, one, 7.0 * one, integer=True)
    balance = program.row(1.5, 1.5, [cheap[0], dear[0]], [1.0, 1.0])
    program.row(-math.inf, 0.0, [cheap[0], on[0]], [1.0, -1.0])
    integer = program.solve_milp()
    assert integer.ending is SolveStatus.OPTIMAL
    assert (integer.objective, integer.bound) == pytest.approx((32.0, 32.0))
    twin = program.with_fixed({on[0]: 1.0}).solve_lp()
    assert twin.duals[balance] == pytest.approx(30.0)
    assert twin.objective == pytest.approx(32.0)
    assert program.integers() == [on[0]]


@pytest.mark.parametrize("dearest", range(3))
def test_a_cost_too_small_for_the_nudges_decides_and_leaves_all_ties_to_them(dearest: int) -> None:
    """5e-4 is less than the nudges differ by, but more than may be spent; a millionth may."""
    program = LinearProgram()
    costs = np.full(3, 10.0)
    costs[dearest] += 1e-6
    ties = program.columns(np.zeros(3), np.ones(3), costs, nudge=np.array([2e-3, 1e-3, 3e-3]))
    pair = program.columns(np.zeros(2), np.ones(2), np.array([10.0005, 10.0]), nudge=np.array([0.0, 2e-3]))
    for columns in (ties, pair):
        program.row(1.0, 1.0, list(columns), [1.0] * len(columns))
    answer = program.solve_lp(1e-6)
    assert answer.values.tolist() == [0.0, 1.0, 0.0, 0.0, 1.0]
    assert answer.objective == pytest.approx(costs[1] + 10.0, abs=1e-12)


def test_mode_flat_bills_and_minimises_one_price() -> None:
    case = plain_case([10.0], carbon=True)
    flat = replace(case.public.carbon, mode=CarbonMode.FLAT)
    plan = dispatch(case.vpp, replace(case.public, carbon=flat))
    assert plan.costs.carbon_cny == pytest.approx(320.0 * 2.52)
    assert plan.marginal_value_cny_per_mwh.tolist() == [pytest.approx(600.0 + 0.252 * 320.0)]
