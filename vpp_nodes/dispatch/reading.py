"""Reads a solver's answer: clean powers, the modes that they violate, and the plan made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from market.costs.billing import excess_by_bill_t
from market.costs.carbon import CarbonAccount, carbon_account
from market.costs.costs import cost_breakdown, objective_cny
from market.costs.unit_operations import UnitPowers
from market.errors import DispatchError
from market.model.arrays import Array, frozen
from market.model.assets import FixedLoad, Hydro
from market.model.plan import CostBreakdown, DispatchPlan, SolveMethod, UnitPlan
from market.model.vpp import Renewable, Unit, UnitKind
from vpp_nodes.dispatch.day import DispatchDay
from vpp_nodes.dispatch.flexible import ShiftColumns
from vpp_nodes.dispatch.linear import LinearProgram, LpSolution
from vpp_nodes.dispatch.model import Model
from vpp_nodes.dispatch.repair import Powers, balanced
from vpp_nodes.dispatch.store import BatteryColumns, spare_mw
from vpp_nodes.dispatch.turbine import TurbineColumns
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
    for turbine in v.of(TurbineColumns):
        if turbine.on:
            on, unit = np.rint(values[_slice(turbine.on)]), _slice(turbine.supply)
            values[unit] = on * _snapped(values[unit], day.filled(turbine.mt.p_min_mw))
    modes = [(battery.mode, battery.use, battery.supply) for battery in v.of(BatteryColumns)]
    for mode, when_0, when_1 in (*modes, (v.exchange_mode, v.buy, v.sell)):
        if mode:
            second = np.rint(values[_slice(mode)])
            values[_slice(when_0)] *= 1.0 - second
            values[_slice(when_1)] *= second
    for shift in v.of(ShiftColumns):
        both = np.minimum(values[_slice(shift.supply)], values[_slice(shift.use)])
        values[_slice(shift.supply)] -= both  # moved away and here in one period is not moved
        values[_slice(shift.use)] -= both

    def series(run: range) -> Array:
        return frozen(values[_slice(run)] if run else day.filled(0.0))

    return Powers(
        units=tuple(UnitPowers(series(unit.supply), series(unit.use), series(unit.stored)) for unit in v.units),
        kinds=tuple(unit.unit.kind for unit in v.units),
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
    for unit, kind in zip(powers.units, powers.kinds, strict=True):
        if kind is UnitKind.ESS and np.any((unit.use_mw > 0.0) & (unit.supply_mw > 0.0)):
            broken.add(Binary.STORAGE_MODE)
    if np.any((powers.buy_mw > 0.0) & (powers.sell_mw > 0.0)):
        broken.add(Binary.EXCHANGE_MODE)
    return frozenset(broken)


def make_plan(day: DispatchDay, model: Model, solution: Solution) -> DispatchPlan:
    """The plan of a solved day: it meets (6), and its costs are recomputed from its powers."""
    carbon, direct, powers = day.public.carbon, day.direct, solution.powers
    account, costs = bill(day, powers)
    _check_cost(day, model.program, costs, objective_cny(carbon, costs), solution.minimised_cny)
    powers = balanced(day, powers)
    if powers is not solution.powers:
        account, costs = bill(day, powers)
    objective = objective_cny(carbon, costs)
    spare = [_spare_mw(day, unit, does) for unit, does in zip(day.vpp.all_units, powers.units, strict=True)]
    curtailed = sum((power for power in spare if power is not None), day.filled(0.0))
    return DispatchPlan(
        **{name: getattr(powers, name) for name in _TOTALS},
        load_mw=frozen(day.vpp.total_load_mw),
        direct_in_mw=frozen(direct.in_mw),
        direct_out_mw=frozen(direct.out_mw),
        curtailed_mw=frozen(curtailed),
        marginal_value_cny_per_mwh=frozen(solution.duals[list(model.balance_rows)] / day.period_h),
        emission_t=account.emission_t,
        quota_t=account.quota_t,
        costs=costs,
        objective_cny=objective,
        gap_cny=_gap_cny(costs, objective - solution.bound_cny),
        method=solution.method,
        units=_unit_plans(day, powers, spare) if day.vpp.units else (),
    )


_GAP_ROUNDING = 1e-12  # of the money moved: SCIP's bound is not the same to the last digit each time


def _gap_cny(costs: CostBreakdown, gap_cny: float) -> float:
    """How far a plan may be from optimal; none where that is no more than rounding."""
    moved = abs(costs.operation_cny) + abs(costs.carbon_cny)
    return gap_cny if gap_cny > _GAP_ROUNDING * (1.0 + moved) else 0.0


_TOTALS = ("wt_mw", "pv_mw", "mt_mw", "charge_mw", "discharge_mw", "soc_mwh", "cl_mw", "buy_mw", "sell_mw")


def _spare_mw(day: DispatchDay, unit: Unit, does: UnitPowers) -> Array | None:
    """What a unit could have given besides; None for those that hold nothing back."""
    match unit.asset:
        case Renewable() as plant:
            return plant.forecast_mw - does.supply_mw
        case Hydro() as hydro:
            return spare_mw(hydro, day, does.supply_mw, does.stored_mwh)
    return None


def _unit_plans(day: DispatchDay, powers: Powers, spare: Sequence[Array | None]) -> tuple[UnitPlan, ...]:
    nothing = frozen(day.filled(0.0))
    return tuple(
        UnitPlan(
            unit.id,
            unit.kind,
            does.supply_mw,
            frozen(unit.asset.load_mw) if isinstance(unit.asset, FixedLoad) else does.use_mw,
            does.stored_mwh,
            nothing if left is None else frozen(left),
        )
        for unit, does, left in zip(day.vpp.all_units, powers.units, spare, strict=True)
    )


def bill(day: DispatchDay, powers: Powers) -> tuple[CarbonAccount, CostBreakdown]:
    """The carbon account of a day's powers, and what they cost."""
    account = carbon_account(day.vpp, day.public.carbon, day.public.horizon, powers, day.direct.quota_in_t)
    excess_t = excess_by_bill_t(day.vpp, day.public, powers, account, day.direct)
    return account, cost_breakdown(day.vpp, day.public, powers, excess_t, day.direct.in_mw)


def _check_cost(
    day: DispatchDay, program: LinearProgram, costs: CostBreakdown, objective: float, minimised: float
) -> None:
    """Refuse a plan whose cost is not the one minimised: the pieces of a cost were not taken in order.

    What putting values on their bounds may have changed is no fault.
    """
    money_moved = sum(abs(getattr(costs, field.name)) for field in fields(costs))
    off_cny = abs(objective - minimised) - _COST_TOLERANCE * (1.0 + money_moved)
    if off_cny > 0.0 and off_cny > _SNAP * program.price_of_all():
        raise DispatchError(
            f"{day.vpp.id} cannot be dispatched: the plan costs {objective:.6g} CNY, but {minimised:.6g} CNY were "
            "minimised; costs must be convex: mt.cost_a_cny_per_mw2h, the carbon price and its growth must be >= 0"
        )
