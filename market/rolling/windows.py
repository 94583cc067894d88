"""Which periods of a long horizon are planned together, and which of those are kept."""

from __future__ import annotations

import math
from dataclasses import dataclass

from market.errors import Fault, ScenarioError
from market.model.calendar import DAY_H, day_edges_h
from market.model.rolling import DAY_BY_DAY, Rolling, whole_steps
from market.model.rules import Horizon
from market.scenario.scenario import Scenario

_WHOLE = 1e-6  # of a period


@dataclass(frozen=True, slots=True)
class PlanWindow:
    """One plan of a run of many days. number : from 1 · first : its first period, of the whole horizon, from 0

    planned, kept : how many periods it looks ahead, and how many of them are kept
    """

    number: int
    first: int
    planned: int
    kept: int

    @property
    def periods(self) -> range:
        """All of them, of the whole horizon."""
        return range(self.first, self.first + self.planned)


def windows(horizon: Horizon, rolling: Rolling, days: int | None = None) -> tuple[PlanWindow, ...]:
    """Every plan of a horizon, or of its first `days` days; the last ones look no further than its end.

    ScenarioError where a plan is no whole number of periods, or the horizon has fewer days.

    >>> [(w.first, w.planned, w.kept) for w in windows(Horizon(72, 1.0), Rolling(plan_h=48.0))]
    [(0, 48, 24), (24, 48, 24), (48, 24, 24)]
    """
    _check_steps(rolling, horizon)
    if horizon.before_h or horizon.after_h:
        rule, value = "only a whole horizon is run day by day", "a part of one, with before_h or after_h"
        raise ScenarioError([Fault(rule, value, "horizon", "name the whole scenario, or run this part as it is")])
    edges = _Edges(horizon)
    end = edges.after(days)
    found: list[PlanWindow] = []
    while not found or found[-1].first + found[-1].kept < end:
        first = found[-1].first + found[-1].kept if found else 0
        kept = edges.on_from(len(found), rolling.commit_h, rolling.commit_h) - first
        until = edges.on_from(len(found), rolling.commit_h, rolling.plan_h)
        found.append(PlanWindow(len(found) + 1, first, until - first, kept))
    return tuple(found)


def days_in(horizon: Horizon) -> int:
    """How many days a horizon has, the last of which need not be a whole one."""
    return len(day_edges_h(horizon)[1]) - 1


def window_horizon(horizon: Horizon, window: PlanWindow, start: str) -> Horizon:
    """The horizon of a window. start : that of its first period, empty where there is none"""
    hours = horizon.period_h
    before = window.first * hours
    after = (horizon.periods - window.first - window.planned) * hours
    return Horizon(window.planned, hours, start, horizon.tz, horizon.before_h + before, horizon.after_h + after)


def rolling_of(scenario: Scenario) -> Rolling:
    """How a scenario's days are run; day by day where it says nothing."""
    return scenario.rolling or DAY_BY_DAY


def _check_steps(rolling: Rolling, horizon: Horizon) -> None:
    faults = [
        Fault(broken.rule, broken.value, f"rolling.{broken.field}", broken.remedy)
        for broken in whole_steps(rolling, horizon.period_h)
        if horizon.periods * horizon.period_h > getattr(rolling, broken.field)
    ]
    if faults:
        raise ScenarioError(faults)


class _Edges:
    """At which periods the days of a horizon begin."""

    def __init__(self, horizon: Horizon) -> None:
        self._horizon = horizon
        self._days = day_edges_h(horizon)[1]
        for edge_h in self._days[:-1]:
            self._period(edge_h)

    def after(self, days: int | None) -> int:
        """The period after so many days. ScenarioError where there are not so many."""
        known = days_in(self._horizon)
        if days is None:
            return self._horizon.periods
        if days > known:
            rule = f"must be at most the {known} days of its series" if known > 1 else "must be 1: it has one day"
            remedy = f"give series of {days} days, and horizon.days: {days}, or run fewer"
            raise ScenarioError([Fault(rule, str(days), "days", remedy)])
        return self._cut(self._period(self._days[days]) if days < known else self._horizon.periods)

    def on_from(self, number: int, commit_h: float, hours: float) -> int:
        """The period so many hours after the beginning of a plan, by its number from 0; at most the end.

        Whole days go by the clocks; a part of a day is a part of 24 h, and the last part of a day takes the rest.
        """
        if commit_h >= DAY_H:
            day, part_h = number * round(commit_h / DAY_H), 0.0
        else:
            day, part = divmod(number, round(DAY_H / commit_h))
            part_h = part * commit_h
        whole = day + math.floor((part_h + hours) / DAY_H + _WHOLE)
        rest_h = part_h + hours - (whole - day) * DAY_H
        if whole >= len(self._days):
            return self._horizon.periods
        return self._cut(self._period(self._days[whole] + rest_h))

    def _cut(self, period: int) -> int:
        return min(period, self._horizon.periods)

    def _period(self, hours: float) -> int:
        period = hours / self._horizon.period_h
        if abs(period - round(period)) > _WHOLE and round(period) < self._horizon.periods:
            rule = f"days must be whole numbers of periods of {self._horizon.period_h:g} h"
            value = f"one that begins {hours:g} h after the start"
            raise ScenarioError([Fault(rule, value, "horizon", "take a shorter step")])
        return round(period)
