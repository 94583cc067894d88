"""When what is counted in hours of a day or of a run falls in the periods of a horizon: days, windows, tasks.

A horizon may be a part of a longer run (`Horizon.before_h`, `after_h`); hours then count from the start of that.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from market.model.arrays import Array
from market.model.assets import Deferrable, Vehicle
from market.model.calendar import DAY_H, day_edges_h, day_numbers
from market.model.rules import Horizon

_ROUNDING = 1e-9
_DAYS_OF_A_TASK = 2  # what begins every day may go on for two more, of which one is short


def days_of(horizon: Horizon) -> tuple[range, ...]:
    """The periods of each day, from 0; a period belongs to the day in which it begins.

    >>> days_of(Horizon(30, 1.0, before_h=18.0))
    (range(0, 6), range(6, 30))
    """
    return runs(day_numbers(horizon))


def runs(numbers: Sequence[int] | Array) -> tuple[range, ...]:
    """The places of each run of equal numbers."""
    edges = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(numbers)]
    return tuple(range(first, last) for first, last in pairwise(edges))


def windows(horizon: Horizon, window_h: float) -> tuple[range, ...]:
    """The periods of each window; a period belongs to the window in which it begins.

    They follow each other from the start of each day on, the last of which ends with it, be it a longer or shorter
    one than usual; those that are longer than a day follow each other from the start of the run on.

    >>> windows(Horizon(30, 1.0), 10.0)
    (range(0, 10), range(10, 20), range(20, 24), range(24, 30))
    """
    begins_h = np.arange(horizon.periods) * horizon.period_h
    if window_h > DAY_H:
        return runs(np.floor((horizon.before_h + begins_h) / window_h + _ROUNDING))
    first, edges_h = day_edges_h(horizon)
    days = np.array(day_numbers(horizon))
    of_a_day = math.ceil(DAY_H / window_h - _ROUNDING)
    in_day = np.floor((begins_h - np.array(edges_h)[days - first]) / window_h + _ROUNDING)
    return runs(days * of_a_day + np.minimum(in_day, of_a_day - 1))


@dataclass(frozen=True, slots=True)
class TaskTime:
    """A time within which a task takes its energy: from one hour to another, both from the first period on.

    inside_h : how much of each period is in it, shape (periods,) · needed_mwh : what it takes in these periods
    """

    first_h: float
    last_h: float
    inside_h: Array
    needed_mwh: float


def task_times(horizon: Horizon, task: Vehicle | Deferrable) -> tuple[TaskTime, ...]:
    """The times of a task that these periods have a part in: one, or one for each day.

    Of a time that goes on after them it takes as much of what is left to it as they are of what is left of it.
    A period in which one time ends and the next begins belongs to the one that has more of it.
    """
    times = [time for time in _all_times(horizon, task) if time.inside_h.any()]
    if len(times) < 2:
        return tuple(times)
    owner = np.argmax(np.stack([time.inside_h for time in times]), axis=0)
    return tuple(replace(time, inside_h=time.inside_h * (owner == n)) for n, time in enumerate(times))


def _all_times(horizon: Horizon, task: Vehicle | Deferrable) -> Iterator[TaskTime]:
    first_h, last_h = task.window_h
    end_h = horizon.periods * horizon.period_h + horizon.after_h
    if not task.every_day:
        yield _time(horizon, task, first_h - horizon.before_h, _until(horizon, last_h, end_h), end_h)
        return
    _, edges = day_edges_h(horizon, earlier=_DAYS_OF_A_TASK)
    for begins_h, ends_h in pairwise(edges):
        until_h = ends_h if last_h is None else begins_h + last_h
        yield _time(horizon, task, begins_h + first_h, until_h, math.inf)


def _until(horizon: Horizon, last_h: float | None, end_h: float) -> float:
    return end_h if last_h is None else min(last_h - horizon.before_h, end_h)


def _time(horizon: Horizon, task: Vehicle | Deferrable, first_h: float, last_h: float, end_h: float) -> TaskTime:
    """end_h : when the whole run ends, which is as far as it is known to go on."""
    starts = np.arange(horizon.periods) * horizon.period_h
    inside_h: Array = np.minimum(starts + horizon.period_h, last_h) - np.maximum(starts, first_h)
    inside_h = np.clip(inside_h, 0.0, horizon.period_h)
    begun = first_h < -_ROUNDING
    left_mwh = max(task.taken_mwh - task.taken_before_mwh, 0.0) if begun else task.taken_mwh
    later_h = min(last_h, end_h) - horizon.periods * horizon.period_h
    if later_h > _ROUNDING:
        here_h = float(inside_h.sum())
        left_mwh *= here_h / (here_h + later_h)
    return TaskTime(first_h, last_h, inside_h, left_mwh)
