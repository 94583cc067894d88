"""The state of a plant after the part of a plan that is kept, (M16)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from market.costs.billing import bills
from market.costs.carbon import carbon_account
from market.costs.unit_operations import unit_operations
from market.model.arrays import Array
from market.model.assets import MAX_TIME_H, Deferrable, Hydro, ShiftableLoad, Vehicle
from market.model.operation import UnitOperation
from market.model.plan import DispatchPlan
from market.model.public import PublicRules
from market.model.rules import Horizon
from market.model.stretch import stretch
from market.model.timing import days_of, task_times, windows
from market.model.vpp import ControllableLoad, Exchange, MicroTurbine, Storage, Unit, Vpp
from market.rolling.plant_state import CARRIED, PlantState, UnitState

_ROUNDING_MWH = 1e-9
_ROUNDING_H = 1e-9


def state_after(vpp: Vpp, public: PublicRules, plan: DispatchPlan, kept: int) -> PlantState:
    """What `vpp` brings along after the first `kept` periods of its plan; it is the plant that the plan is of."""
    units = {
        unit.id: _unit_state(unit, does, public.horizon, kept)
        for unit, does in unit_operations(vpp, plan)
        if type(unit.asset) in CARRIED
    }
    return PlantState(units, _excess_t(vpp, public, plan, kept), _peak_mw(vpp.exchange, plan.buy_mw[:kept]))


def _peak_mw(exchange: Exchange, buy_mw: Array) -> float:
    """The largest import of the run so far, (M20), where it is charged."""
    if not exchange.peak_charge_cny_per_mw:
        return exchange.peak_before_mw
    return max(exchange.peak_before_mw, float(buy_mw.max()))


def _unit_state(unit: Unit, does: UnitOperation, horizon: Horizon, kept: int) -> UnitState:
    hours = horizon.period_h
    match unit.asset:
        case Storage() as ess:
            share = _share(float(does.stored_mwh[kept - 1]), ess.energy_mwh, ess.soc_initial)
            return {"soc_initial": min(max(share, ess.soc_min), ess.soc_max)}
        case Hydro() as hydro:
            share = _share(float(does.stored_mwh[kept - 1]), hydro.reservoir_mwh, hydro.level_initial)
            return {"level_initial": min(max(share, hydro.level_min), hydro.level_max)}
        case MicroTurbine() as mt:
            return _turbine_state(mt, does.supply_mw[:kept], hours)
        case ControllableLoad() as cl:
            return {"shed_before_mwh": _shed_mwh(cl, does.supply_mw[:kept], horizon)}
        case ShiftableLoad() as users:
            away_mw = does.supply_mw[:kept] - does.use_mw[:kept]
            return {"moved_before_mwh": _moved_mwh(users, away_mw, horizon)}
        case Vehicle() | Deferrable() as task:
            return {"taken_before_mwh": _taken_mwh(task, does.use_mw[:kept], horizon)}
    return {}


def _share(stored_mwh: float, size_mwh: float, before: float) -> float:
    return stored_mwh / size_mwh if size_mwh else before


def _turbine_state(mt: MicroTurbine, output_mw: Array, hours: float) -> UnitState:
    """Its last output; with commitment also since when it has been on or off, where that is known."""
    last = float(output_mw[-1])
    if last > 0.0 or not mt.commitment:
        last = min(max(last, mt.p_min_mw), mt.p_max_mw)
    if not mt.commitment:
        return {"initial_output_mw": last, "initial_state_h": None}
    other = np.flatnonzero((output_mw > 0.0) != (last > 0.0))
    since_h: float | None = (len(output_mw) - 1 - int(other[-1])) * hours if other.size else None
    if since_h is None and mt.initial_output_mw is not None:
        if (mt.initial_output_mw > 0.0) != (last > 0.0):
            since_h = len(output_mw) * hours
        elif mt.initial_state_h is not None:
            since_h = mt.initial_state_h + len(output_mw) * hours
    return {"initial_output_mw": last, "initial_state_h": None if since_h is None else min(since_h, MAX_TIME_H)}


def _under_way(parts: tuple[range, ...], kept: int) -> range | None:
    """The part that has begun before the period of that number, and goes on in it; parts cover that period too."""
    part = next(part for part in parts if kept in part)
    return part if part.start < kept else None


def _longer(horizon: Horizon, kept: int) -> Horizon:
    """A horizon that has the period after the kept ones."""
    return horizon if kept < horizon.periods else replace(horizon, periods=kept + 1)


def _shed_mwh(cl: ControllableLoad, shed_mw: Array, horizon: Horizon) -> float:
    if cl.daily_energy_max_mwh is None:
        return 0.0
    kept = len(shed_mw)
    parts = days_of(_longer(horizon, kept)) if cl.limit_each_day else (range(kept + 1),)
    part = _under_way(parts, kept)
    if part is None:
        return 0.0
    before_mwh = cl.shed_before_mwh if part.start == 0 else 0.0
    return before_mwh + float(shed_mw[part.start :].sum()) * horizon.period_h


def _moved_mwh(users: ShiftableLoad, away_mw: Array, horizon: Horizon) -> float:
    kept = len(away_mw)
    part = _under_way(windows(_longer(horizon, kept), users.window_h), kept)
    if part is None:
        return 0.0
    before_mwh = users.moved_before_mwh if part.start == 0 else 0.0
    moved_mwh = before_mwh + float(away_mw[part.start :].sum()) * horizon.period_h
    return moved_mwh if abs(moved_mwh) > _ROUNDING_MWH else 0.0


def _taken_mwh(task: Vehicle | Deferrable, use_mw: Array, horizon: Horizon) -> float:
    """What it has taken of the time that is under way after the kept periods; 0 where none is."""
    now_h = len(use_mw) * horizon.period_h
    for time in task_times(horizon, task):
        if time.first_h < now_h - _ROUNDING_H and time.last_h > now_h + _ROUNDING_H:
            before_mwh = task.taken_before_mwh if time.first_h < -_ROUNDING_H else 0.0
            of_time = time.inside_h[: len(use_mw)] > 0.0
            taken_mwh = before_mwh + float(use_mw[of_time].sum()) * horizon.period_h
            return min(taken_mwh, task.taken_mwh)
    return 0.0


def _excess_t(vpp: Vpp, public: PublicRules, plan: DispatchPlan, kept: int) -> float:
    """The excess of the bill that is under way after the kept periods, that before them included."""
    longer = _longer(public.horizon, kept)
    part = _under_way(bills(public.carbon, longer), kept)
    if part is None:
        return 0.0
    here = range(part.start, kept)
    quota_t = 0.0
    if public.carbon.credits_follow_energy:
        net_mw = (plan.direct_in_mw - plan.direct_out_mw)[here.start : here.stop]
        quota_t = public.carbon.direct_quota_t_per_mwh * float(net_mw.sum()) * public.horizon.period_h
    account = carbon_account(
        stretch(vpp, here),
        stretch(public.carbon, here),
        Horizon(len(here), public.horizon.period_h),
        stretch(plan, here),
        quota_t,
    )
    return account.excess_t + (vpp.excess_before_t if part.start == 0 else 0.0)
