"""Claim: windows and times of day lie where they lie in the whole run, wherever that is cut into plans, on days of
23 and 25 hours as well."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from market.model.assets import Deferrable, Vehicle
from market.model.rules import Horizon
from market.model.timing import task_times, windows
from market.rolling.windows import PlanWindow, window_horizon
from tests.market.test_rolling import CHANGES, horizon_of, market_start

RUNS = [
    *((f"{tz}, {way}", horizon_of(start, tz, 192 + middle), middle / 4.0)
      for tz, *starts in CHANGES
      for way, start, middle in zip(("forward", "back"), starts, (92, 100), strict=True)),
    ("no clocks", Horizon(288, 0.25), 24.0),
]  # fmt: skip
TASKS = {
    "overnight": Vehicle(energy_mwh=4.0, power_max_mw=1.0, arrival_h=18.0, departure_h=31.0, every_day=True),
    "by day": Deferrable(energy_mwh=4.0, power_max_mw=1.0, earliest_h=2.5, latest_h=7.0, every_day=True),
    "as long as can be": Deferrable(
        energy_mwh=4.0, power_max_mw=1.0, earliest_h=23.5, latest_h=47.5, every_day=True
    ),
    "to the end of the day": Vehicle(energy_mwh=4.0, power_max_mw=1.0, arrival_h=8.0, every_day=True),
}


def parts(whole: Horizon) -> list[tuple[int, Horizon]]:
    """Parts of a run that begin every two and a half hours, and their first periods."""
    cuts = [PlanWindow(1, first, min(60, whole.periods - first), 1) for first in range(0, whole.periods, 10)]
    return [
        (cut.first, window_horizon(whole, cut, market_start(whole, cut.first) if whole.start else ""))
        for cut in cuts
    ]


@pytest.mark.parametrize(("whole", "middle_h"), [run[1:] for run in RUNS], ids=[run[0] for run in RUNS])
@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_task_of_every_day_has_the_same_times_in_each_part(
    task: Vehicle | Deferrable, whole: Horizon, middle_h: float
) -> None:
    first_h, last_h = task.window_h
    begins = [0.0, 24.0, 24.0 + middle_h, 48.0 + middle_h]
    expected = [(begin + first_h, end if last_h is None else begin + last_h) for begin, end in pairwise(begins)]
    for first, part in parts(whole):
        found = [(time.first_h + part.before_h, time.last_h + part.before_h) for time in task_times(part, task)]
        ends_h = part.before_h + part.periods * part.period_h
        here = [time for time in expected if time[0] < ends_h and time[1] > part.before_h]
        assert found == here, first


@pytest.mark.parametrize(("whole", "middle_h"), [run[1:] for run in RUNS], ids=[run[0] for run in RUNS])
@pytest.mark.parametrize("window_h", [1.0, 4.0, 7.0, 12.0, 24.0, 36.0])
def test_windows_end_in_each_part_where_they_end_in_the_whole(
    window_h: float, whole: Horizon, middle_h: float
) -> None:
    starts = {window.start for window in windows(whole, window_h)}
    for first, part in parts(whole):
        found = {first + window.start for window in windows(part, window_h)}
        assert found == {first} | {start for start in starts if first < start < first + part.periods}
    if window_h <= 24.0:
        days = np.cumsum([0, 96, round(4 * middle_h)])
        of_a_day = np.arange(0.0, 24.0, window_h)
        assert starts == {int(day + 4 * at) for day, length in zip(days, (24.0, middle_h, 24.0), strict=True)
                          for at in of_a_day if at < length}  # fmt: skip
