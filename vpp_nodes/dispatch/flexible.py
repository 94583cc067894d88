"""Loads that can be moved: their columns, energy conserved within windows (M10), tasks and vehicles (M11).

In the equations Δt is the period's length in hours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from market.model.arrays import Array
from market.model.assets import Deferrable, ShiftableLoad, Vehicle
from market.model.rules import Horizon
from market.model.timing import task_times, windows
from market.model.unit_limits import most_moved_here_mw, most_supply_mw
from market.model.vpp import Unit
from vpp_nodes.dispatch.columns import ABSENT, UnitColumns, add_columns, early, in_order
from vpp_nodes.dispatch.day import DispatchDay
from vpp_nodes.dispatch.linear import LinearProgram

_AWAY, _HERE, _TASK = (math.sqrt(n) for n in (11, 13, 17))
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class ShiftColumns(UnitColumns):
    """A shiftable load: `supply` is what is moved away, `use` what is moved here."""

    @property
    def users(self) -> ShiftableLoad:
        """Its data."""
        assert isinstance(self.unit.asset, ShiftableLoad)
        return self.unit.asset


@dataclass(frozen=True, slots=True)
class TaskColumns(UnitColumns):
    """A vehicle or a deferrable task: `use` is what it takes."""

    @property
    def task(self) -> Vehicle | Deferrable:
        """Its data."""
        assert isinstance(self.unit.asset, Vehicle | Deferrable)
        return self.unit.asset


def shift_columns(program: LinearProgram, day: DispatchDay, unit: Unit, number: int) -> ShiftColumns:
    """(M10) 0 ≤ moved away ≤ share of the load,  0 ≤ moved here ≤ up_max."""
    users, weight = unit.asset, early(day) * in_order(number)
    assert isinstance(users, ShiftableLoad)
    away_mw, price = most_supply_mw(day.vpp, unit), users.compensation_cny_per_mwh
    away = add_columns(program, day, away_mw, price=price, nudge=_AWAY * weight)
    here = add_columns(program, day, most_moved_here_mw(day.vpp, users), nudge=_HERE * weight)
    return ShiftColumns(unit, away, here)


def task_columns(program: LinearProgram, day: DispatchDay, unit: Unit, number: int) -> TaskColumns:
    """(M11) 0 ≤ power ≤ power_max, in as much of a period as lies within the window."""
    task = unit.asset
    assert isinstance(task, Vehicle | Deferrable)
    nudge = _TASK * early(day) * in_order(number)
    return TaskColumns(unit, ABSENT, add_columns(program, day, task_limit_mw(day, task), nudge=nudge))


def task_limit_mw(day: DispatchDay, task: Vehicle | Deferrable) -> Array:
    """The most that a task may take on average in each period, shape (periods,)."""
    inside_h = sum((time.inside_h for time in task_times(day.public.horizon, task)), day.filled(0.0))
    limit: Array = task.power_max_mw * np.clip(inside_h / day.period_h, 0.0, 1.0)
    return limit


def shift_windows_m10(program: LinearProgram, day: DispatchDay, v: ShiftColumns) -> None:
    """(M10) Σ moved away = Σ moved here in each window; the last window ends with the day.

    What was moved away before the first period, in a window that has begun before it, comes back in that window.
    """
    back_mw = v.users.moved_before_mwh / day.period_h
    for window in windows(day.public.horizon, v.users.window_h):
        away, here = [v.supply[t] for t in window], [v.use[t] for t in window]
        program.row(0.0 - back_mw, 0.0 - back_mw, [*away, *here], [1.0] * len(away) + [-1.0] * len(here))
        back_mw = 0.0


def task_energy_m11(program: LinearProgram, day: DispatchDay, v: TaskColumns) -> None:
    """(M11) Σ_t power Δt = energy, at the connection."""
    times = task_times(day.public.horizon, v.task)
    for time in times:
        of_time = [column for column, hours in zip(v.use, time.inside_h.tolist(), strict=True) if hours > 0.0]
        columns = list(v.use) if len(times) == 1 else of_time
        program.row(time.needed_mwh, time.needed_mwh, columns, [day.period_h] * len(columns))
    if not times and not _is_elsewhere(day.public.horizon, v.task):
        program.row(v.task.taken_mwh, v.task.taken_mwh, list(v.use), [day.period_h] * day.periods)


def _is_elsewhere(horizon: Horizon, task: Vehicle | Deferrable) -> bool:
    """Whether a task has no time here because these periods are a part of a longer run, or its day is not here."""
    return task.every_day or horizon.before_h > 0.0 or horizon.after_h > 0.0


def unreachable_energy(day: DispatchDay, unit: Unit) -> str:
    """Why a task cannot have its energy at all, in words; empty where it can."""
    task = unit.asset
    if not isinstance(task, Vehicle | Deferrable):
        return ""
    first, last = task.window_h
    end = day.periods * day.period_h if last is None else last
    times = task_times(day.public.horizon, task)
    needs = [(time.needed_mwh, task.power_max_mw * float(time.inside_h.sum())) for time in times]
    if not times and not _is_elsewhere(day.public.horizon, task):
        needs = [(task.taken_mwh, 0.0)]
    for needed_mwh, most in needs:
        if needed_mwh > most * (1.0 + _ROUNDING) + _ROUNDING:
            of = "each day" if task.every_day else f"{day.periods * day.period_h:g}"
            return (
                f"{day.vpp.place_of(unit)} needs {needed_mwh:.4g} MWh between hours {first:g} and {end:g} of "
                f"{of}, and can take at most {most:.4g}"
            )
    return ""


def unreachable_return(day: DispatchDay, unit: Unit) -> str:
    """Why what was moved before the first period cannot be moved back in its window; empty where it can."""
    users = unit.asset
    if not isinstance(users, ShiftableLoad) or not users.moved_before_mwh:
        return ""
    window = windows(day.public.horizon, users.window_h)[0]
    owed_mwh, away_mw = abs(users.moved_before_mwh), day.filled(0.0) + most_supply_mw(day.vpp, unit)
    if users.moved_before_mwh > 0.0:
        verb, most = "take again", most_moved_here_mw(day.vpp, users) * len(window) * day.period_h
    else:
        verb, most = "give back", float(away_mw[window.start : window.stop].sum()) * day.period_h
    if owed_mwh <= most * (1.0 + _ROUNDING) + _ROUNDING:
        return ""
    return (
        f"{day.vpp.place_of(unit)} must {verb} {owed_mwh:.4g} MWh that were moved before, until its window ends "
        f"with period {window.stop}, and can {verb.split()[0]} at most {most:.4g}"
    )
