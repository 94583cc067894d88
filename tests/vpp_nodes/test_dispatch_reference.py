"""Dispatch agrees with a second, independent formulation: cost, feasibility, balances and marginal values.

The reference (`reference_dispatch`) is solved by HiGHS in the same process: SciPy's own copy of it gets on with
OR-Tools, unlike `highspy`.
"""

from __future__ import annotations

import math
from dataclasses import astuple

import numpy as np
import pytest

from market.errors import DispatchError
from market.model.arrays import Array
from market.model.plan import DispatchPlan, SolveMethod
from market.model.rules import CarbonMode
from tests.vpp_nodes.dispatch_cases import Case, random_case
from tests.vpp_nodes.reference_dispatch import reference_dispatch
from vpp_nodes.dispatch import dispatch

BATCHES, BATCH_SIZE = 12, 20
MARGINAL_SEEDS = range(1000, 1060)


def money_moved_cny(plan: DispatchPlan) -> float:
    """The scale of a day's cost: what its terms come to without their signs, and at least 1."""
    return 1.0 + float(np.abs(astuple(plan.costs)).sum())


def miss_of_balance_mw(plan: DispatchPlan) -> float:
    """The largest miss of (6)."""
    supply = (
        plan.wt_mw + plan.pv_mw + plan.mt_mw + plan.discharge_mw + plan.cl_mw + plan.buy_mw + plan.direct_in_mw
    )
    use = plan.load_mw + plan.charge_mw + plan.sell_mw + plan.direct_out_mw
    return float(np.abs(supply - use).max())


def check_limits(case: Case, plan: DispatchPlan) -> None:
    """(7) to (13) read off the plan; exactly, save what is a sum."""
    hours = case.public.horizon.period_h
    for plant, used in ((case.vpp.wt, plan.wt_mw), (case.vpp.pv, plan.pv_mw)):
        most = plant.forecast_mw if plant else np.zeros_like(used)
        assert np.all((used >= 0.0) & (used <= most))
    assert np.all(plan.curtailed_mw >= 0.0)
    shed_most = case.vpp.cl.share_of_load * case.vpp.load_mw if case.vpp.cl else np.zeros_like(plan.cl_mw)
    assert np.all((plan.cl_mw >= 0.0) & (plan.cl_mw <= shed_most))
    assert np.all((plan.buy_mw >= 0.0) & (plan.buy_mw <= case.vpp.exchange.grid_buy_max_mw))
    assert np.all((plan.sell_mw >= 0.0) & (plan.sell_mw <= case.vpp.exchange.grid_sell_max_mw))
    assert not np.any((plan.charge_mw > 0.0) & (plan.discharge_mw > 0.0))
    assert not np.any((plan.buy_mw > 0.0) & (plan.sell_mw > 0.0))
    check_micro_turbine(case, plan, hours)
    check_storage(case, plan, hours)


def check_micro_turbine(case: Case, plan: DispatchPlan, hours: float) -> None:
    mt = case.vpp.mt
    if mt is None:
        assert not plan.mt_mw.any()
        return
    on = (plan.mt_mw > 0.0) if mt.commitment else np.full(len(plan.mt_mw), True)
    assert np.all(plan.mt_mw[on] >= mt.p_min_mw)
    assert np.all(plan.mt_mw <= mt.p_max_mw)
    rise = np.diff(plan.mt_mw)
    stays = on[1:] & on[:-1]
    assert np.all(rise[stays] <= mt.ramp_up_mw_per_h * hours + 1e-8)
    assert np.all(-rise[stays] <= mt.ramp_down_mw_per_h * hours + 1e-8)
    assert np.all(rise[~on[:-1]] <= max(mt.ramp_up_mw_per_h * hours, mt.p_min_mw) + 1e-8)
    assert np.all(-rise[~on[1:]] <= max(mt.ramp_down_mw_per_h * hours, mt.p_min_mw) + 1e-8)


def check_storage(case: Case, plan: DispatchPlan, hours: float) -> None:
    ess = case.vpp.ess
    if ess is None:
        assert not any(power.any() for power in (plan.charge_mw, plan.discharge_mw, plan.soc_mwh))
        return
    start = ess.soc_initial * ess.energy_mwh
    change = (ess.charge_efficiency * plan.charge_mw - plan.discharge_mw / ess.discharge_efficiency) * hours
    np.testing.assert_allclose(plan.soc_mwh, start + np.cumsum(change), atol=1e-8)
    assert np.all((plan.soc_mwh >= ess.soc_min * ess.energy_mwh) & (plan.soc_mwh <= ess.soc_max * ess.energy_mwh))
    assert plan.soc_mwh[-1] == start


@pytest.mark.sampled(6)
@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_days_cost_what_the_reference_says(batch: int) -> None:
    for seed in range(batch * BATCH_SIZE, (batch + 1) * BATCH_SIZE):
        case = random_case(seed)
        reference = reference_dispatch(case.vpp, case.public, case.direct)
        if not reference.feasible:
            with pytest.raises(DispatchError, match=f"^VPP{seed} cannot be dispatched: period"):
                dispatch(case.vpp, case.public, case.direct)
            continue
        plan = dispatch(case.vpp, case.public, case.direct)
        scale = money_moved_cny(plan)
        assert plan.objective_cny == pytest.approx(reference.cost_cny, abs=1e-6 * scale), seed
        assert 0.0 <= plan.gap_cny <= 1e-8 * scale, seed
        assert miss_of_balance_mw(plan) <= 1e-9, seed
        check_limits(case, plan)


def test_the_random_days_are_of_every_kind() -> None:
    """What the comparison above is worth: each thing a scenario may hold occurs often enough among its days."""
    cases = [random_case(seed) for seed in range(BATCHES * BATCH_SIZE)]
    counts = {
        "negative prices": sum(bool((c.public.tariff.retail_cny_per_mwh < 0.0).any()) for c in cases),
        "commitment": sum(c.vpp.mt is not None and c.vpp.mt.commitment for c in cases),
        "quarter hours": sum(c.public.horizon.period_h == 0.25 for c in cases),
        "direct exchange": sum(c.direct is not None for c in cases),
        "unlimited grid": sum(math.isinf(c.vpp.exchange.grid_buy_max_mw) for c in cases),
        "no turbine": sum(c.vpp.mt is None for c in cases),
        "no storage": sum(c.vpp.ess is None for c in cases),
        "shedding": sum(c.vpp.cl is not None for c in cases),
        **{f"mode {mode}": sum(c.public.carbon.mode is mode for c in cases) for mode in CarbonMode},
    }
    assert min(counts.values()) >= 30, counts


def marginal_bracket_cny_per_mwh(case: Case, plan: DispatchPlan, period: int) -> tuple[float, float]:
    """Difference quotients of the reference's cost to either side of the load of one period, per MWh.

    The cost is convex in the load (with the binaries held, if any), so they enclose every value that λ may have.
    """
    step_mw, hours = 1e-3, case.public.horizon.period_h
    held = plan if plan.method is SolveMethod.MILP else None

    def cost(change_mw: float) -> float:
        extra: Array = np.zeros(case.public.horizon.periods)
        extra[period] = change_mw
        answer = reference_dispatch(case.vpp, case.public, case.direct, extra_load_mw=extra, like=held)
        return answer.cost_cny if answer.feasible else math.inf

    here = cost(0.0)
    return (here - cost(-step_mw)) / (step_mw * hours), (cost(step_mw) - here) / (step_mw * hours)


def test_marginal_values_lie_between_the_one_sided_slopes_of_the_cost() -> None:
    tight = {SolveMethod.LP: 0, SolveMethod.MILP: 0}
    for seed in MARGINAL_SEEDS:
        case = random_case(seed)
        try:
            plan = dispatch(case.vpp, case.public, case.direct)
        except DispatchError:
            continue
        period = seed % case.public.horizon.periods
        below, above = marginal_bracket_cny_per_mwh(case, plan, period)
        value = float(plan.marginal_value_cny_per_mwh[period])
        assert below - 1e-2 <= value <= above + 1e-2, (seed, period)
        tight[plan.method] += above - below <= 1e-1
    assert tight[SolveMethod.LP] >= 20, tight
    assert tight[SolveMethod.MILP] >= 5, tight
