"""Owns reading a solver's answer: clean powers, what breaks the modes, and the plan made of them.

Knows nothing of how the answer was found.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from market.arrays import Array, frozen
from market.carbon import carbon_account
from market.costs import cost_breakdown, objective_cny
from market.errors import DispatchError
from market.plan import CostBreakdown, DispatchPlan, SolveMethod
from vpp_nodes.dispatch.day import Day
from vpp_nodes.dispatch.linear import Answer
from vpp_nodes.dispatch.model import Model
from vpp_nodes.dispatch.variables import Binary

# A value this close to a bound is at the bound. Solvers stop a rounding error away from it, and a
# micro-turbine of −1e-13 MW would be on, a balanced VPP a seller.
_SNAP = 1e-9
# The largest miss of (6), relative to 1 MW and the net load.
BALANCE_TOLERANCE = 1e-9
# The largest disagreement between the cost minimised and the cost of the plan, relative to the money moved.
_COST_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Solution:
    """A day solved. `duals` has one entry for each row; `bound_cny` is a proven lower bound of the cost."""

    powers: Powers
    duals: Array
    minimised_cny: float
    bound_cny: float
    method: SolveMethod


@dataclass(frozen=True, slots=True)
class Powers:
    """The powers of a day, MW, and the energy stored, MWh, each of shape (periods,); an `Operation`."""

    wt_mw: Array
    pv_mw: Array
    mt_mw: Array
    charge_mw: Array
    discharge_mw: Array
    soc_mwh: Array
    cl_mw: Array
    buy_mw: Array
    sell_mw: Array


def read_powers(day: Day, model: Model, answer: Answer) -> Powers:
    """The answer's powers, values within 1e-9 of a bound being put on it; 0 for what the VPP does not have."""
    v = model.variables
    lower, upper = model.program.bounds()
    values = _snapped(_snapped(answer.values, lower), upper)
    if v.mt_on and day.vpp.mt is not None:
        unit = slice(v.mt.start, v.mt.stop)
        values[unit] = _snapped(values[unit], day.filled(day.vpp.mt.p_min_mw))

    def series(run: range) -> Array:
        return frozen(values[run.start : run.stop] if run else day.filled(0.0))

    return Powers(
        wt_mw=series(v.wt),
        pv_mw=series(v.pv),
        mt_mw=series(v.mt),
        charge_mw=series(v.charge),
        discharge_mw=series(v.discharge),
        soc_mwh=series(v.soc),
        cl_mw=series(v.cl),
        buy_mw=series(v.buy),
        sell_mw=series(v.sell),
    )


def _snapped(values: Array, bounds: Array) -> Array:
    return np.where(np.abs(values - bounds) <= _SNAP, bounds, values)


def broken_modes(powers: Powers) -> frozenset[Binary]:
    """The kinds of binaries without which these powers charge and discharge, or buy and sell, at once."""
    broken = set()
    if np.any((powers.charge_mw > 0.0) & (powers.discharge_mw > 0.0)):
        broken.add(Binary.STORAGE_MODE)
    if np.any((powers.buy_mw > 0.0) & (powers.sell_mw > 0.0)):
        broken.add(Binary.EXCHANGE_MODE)
    return frozenset(broken)


def make_plan(day: Day, model: Model, solution: Solution) -> DispatchPlan:
    """The plan of a solved day; its costs are recomputed from its powers."""
    carbon, direct, powers = day.public.carbon, day.direct, solution.powers
    account = carbon_account(day.vpp, carbon, day.public.horizon, powers, direct.quota_in_t)
    costs = cost_breakdown(day.vpp, day.public, powers, account.excess_t)
    objective = objective_cny(carbon, costs)
    _check_cost(day, costs, objective, solution.minimised_cny)
    _check_balance(day, powers)
    plants = ((day.vpp.wt, powers.wt_mw), (day.vpp.pv, powers.pv_mw))
    curtailed = sum((plant.forecast_mw - used_mw for plant, used_mw in plants if plant), day.filled(0.0))
    return DispatchPlan(
        **{field.name: getattr(powers, field.name) for field in fields(powers)},
        load_mw=frozen(day.vpp.load_mw),
        direct_in_mw=frozen(direct.in_mw),
        direct_out_mw=frozen(direct.out_mw),
        curtailed_mw=frozen(curtailed),
        marginal_value_cny_per_mwh=frozen(solution.duals[list(model.balance_rows)] / day.period_h),
        emission_t=account.emission_t,
        quota_t=account.quota_t,
        costs=costs,
        objective_cny=objective,
        gap_cny=max(objective - solution.bound_cny, 0.0),
        method=solution.method,
    )


def _check_cost(day: Day, costs: CostBreakdown, objective: float, minimised: float) -> None:
    """Refuse a plan whose cost is not the one minimised: the pieces of a cost were not taken in order."""
    money_moved = sum(abs(getattr(costs, field.name)) for field in fields(costs))
    if abs(objective - minimised) > _COST_TOLERANCE * (1.0 + money_moved):
        raise DispatchError(
            f"{day.vpp.id} cannot be dispatched: the plan costs {objective:.6g} CNY, but {minimised:.6g} CNY were "
            "minimised; costs must be convex: mt.cost_a_cny_per_mw2h, the carbon price and its growth must be >= 0"
        )


def _check_balance(day: Day, powers: Powers) -> None:
    """Refuse a plan that misses (6): solvers allow themselves more than we do where limits nearly conflict."""
    supply = powers.wt_mw + powers.pv_mw + powers.mt_mw + powers.discharge_mw + powers.cl_mw + powers.buy_mw
    missed = np.abs(supply - powers.charge_mw - powers.sell_mw - day.net_load_mw)
    t = int(np.argmax(missed))
    if missed[t] > BALANCE_TOLERANCE * (1.0 + abs(float(day.net_load_mw[t]))):
        raise DispatchError(
            f"{day.vpp.id} cannot be dispatched: period {t + 1}: load and supply miss each other by "
            f"{missed[t]:.1e} MW; its limits only just touch, give them a little room"
        )
