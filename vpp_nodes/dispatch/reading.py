"""Reads a solver's answer: clean powers, the modes that they violate, and the plan made of them."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from market.costs.carbon import CarbonAccount, carbon_account
from market.costs.costs import cost_breakdown, objective_cny
from market.errors import DispatchError
from market.model.arrays import Array, frozen
from market.model.plan import CostBreakdown, DispatchPlan, SolveMethod
from vpp_nodes.dispatch.day import DispatchDay
from vpp_nodes.dispatch.linear import LpSolution
from vpp_nodes.dispatch.model import Model
from vpp_nodes.dispatch.repair import Powers, balanced
from vpp_nodes.dispatch.variables import Binary

# A value this close to a bound is at the bound. Solvers stop a rounding error away from it, and a
# micro-turbine of −1e-13 MW would be on, a balanced VPP a seller.
_SNAP = 1e-9
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


def read_powers(day: DispatchDay, model: Model, answer: LpSolution) -> Powers:
    """The answer's powers, values within 1e-9 of a bound being put on it; 0 for what the VPP does not have.

    What a binary forbids is 0, whatever a solver's tolerance has left of it.
    """
    v = model.variables
    lower, upper = model.program.bounds()
    values = _snapped(_snapped(answer.values, lower), upper)
    if v.mt_on and day.vpp.mt is not None:
        on, unit = np.rint(values[_slice(v.mt_on)]), _slice(v.mt)
        values[unit] = on * _snapped(values[unit], day.filled(day.vpp.mt.p_min_mw))
    for mode, when_0, when_1 in ((v.storage_mode, v.charge, v.discharge), (v.exchange_mode, v.buy, v.sell)):
        if mode:
            second = np.rint(values[_slice(mode)])
            values[_slice(when_0)] *= 1.0 - second
            values[_slice(when_1)] *= second

    def series(run: range) -> Array:
        return frozen(values[_slice(run)] if run else day.filled(0.0))

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


def _slice(run: range) -> slice:
    return slice(run.start, run.stop)


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


def make_plan(day: DispatchDay, model: Model, solution: Solution) -> DispatchPlan:
    """The plan of a solved day: it meets (6), and its costs are recomputed from its powers."""
    carbon, direct, powers = day.public.carbon, day.direct, solution.powers
    account, costs = _bill(day, powers)
    _check_cost(day, costs, objective_cny(carbon, costs), solution.minimised_cny)
    powers = balanced(day, powers)
    if powers is not solution.powers:
        account, costs = _bill(day, powers)
    objective = objective_cny(carbon, costs)
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


def _bill(day: DispatchDay, powers: Powers) -> tuple[CarbonAccount, CostBreakdown]:
    account = carbon_account(day.vpp, day.public.carbon, day.public.horizon, powers, day.direct.quota_in_t)
    return account, cost_breakdown(day.vpp, day.public, powers, account.excess_t)


def _check_cost(day: DispatchDay, costs: CostBreakdown, objective: float, minimised: float) -> None:
    """Refuse a plan whose cost is not the one minimised: the pieces of a cost were not taken in order."""
    money_moved = sum(abs(getattr(costs, field.name)) for field in fields(costs))
    if abs(objective - minimised) > _COST_TOLERANCE * (1.0 + money_moved):
        raise DispatchError(
            f"{day.vpp.id} cannot be dispatched: the plan costs {objective:.6g} CNY, but {minimised:.6g} CNY were "
            "minimised; costs must be convex: mt.cost_a_cny_per_mw2h, the carbon price and its growth must be >= 0"
        )
