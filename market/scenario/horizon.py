"""The horizon of a file: periods and their length, or a start, days and a step by the clocks of a zone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from market.model.calendar import NoSuchTime, hours_of_days, is_sound, moment, zone_of
from market.model.parameter import Broken
from market.model.rules import MAX_PERIODS, Horizon
from market.scenario.fields import Section, values_of

_WHOLE = 1e-9  # how far from whole a number of periods may be


def horizon_in(given: Section) -> Horizon:
    """The horizon of a section whose rules hold, its start as a moment with its distance from UTC."""
    return _horizon(given, values_of(Horizon, given))


def _horizon(given: Any, plain: Horizon) -> Horizon:
    length_h = given.period_h if given.step_h is None else given.step_h
    if given.start is None:
        return replace(plain, periods=given.periods, period_h=length_h)
    start = moment(given.start, given.tz)
    periods = given.periods if given.days is None else round(hours_of_days(start, given.days) / length_h)
    told = start.isoformat(timespec="minutes" if not start.second else "auto")
    return replace(plain, periods=periods, period_h=length_h, start=told, tz=given.tz)


def horizon_rules(given: Any) -> Iterator[Broken]:
    """A start that there is, in a zone that there is; and days of a whole number of periods."""
    if given.start is None:
        for name in ("days", "tz"):
            if getattr(given, name):
                remedy = f"add a start, such as start: 2016-06-15, or leave {name} out"
                yield Broken(name, "must come with a start", repr(getattr(given, name)), remedy)
        return
    try:
        start = moment(given.start, given.tz)
    except NoSuchTime as error:
        field = "start" if _is_zone(given.tz) else "tz"
        yield Broken(field, error.rule, repr(getattr(given, field)), error.remedy)
        return
    if not 1900 <= start.year <= 2200:
        yield Broken("start", "must be of the years 1900 to 2200", repr(given.start), "correct the year")
    elif given.days is not None:
        yield from _days(start, given)


def _days(start: datetime, given: Any) -> Iterator[Broken]:
    length_h = given.period_h if given.step_h is None else given.step_h
    hours = hours_of_days(start, given.days)
    periods = hours / length_h
    if abs(periods - round(periods)) > _WHOLE * periods:
        rule = f"must divide the {hours:g} hours of {given.days} days from {start.date()} in {given.tz or 'UTC'}"
        remedy = "take another step, or give periods in place of days"
        yield Broken("step_h" if given.step_h is not None else "period_h", rule, f"{length_h:g} h", remedy)
    elif round(periods) > MAX_PERIODS:
        rule, remedy = f"must be at most {MAX_PERIODS:,} periods", "take fewer days or a longer step"
        yield Broken("days", rule, f"{round(periods):,}", remedy)


def _is_zone(name: str) -> bool:
    try:
        return bool(zone_of(name))
    except NoSuchTime:
        return False


def tolerant_horizon(values: Mapping[str, object]) -> Horizon | None:
    """The horizon of values that may have faults of their own; None where they do not tell."""
    try:
        given = _Given(values)
        found = _horizon(given, Horizon())
        told = given.start is None or not any(horizon_rules(given))
    except (NoSuchTime, ValueError, TypeError, ZeroDivisionError, OverflowError, AssertionError):
        return None
    if type(found.periods) is not int or type(found.period_h) not in (int, float):
        return None
    return found if told and 1 <= found.periods <= MAX_PERIODS and is_sound(found) else None


class _Given:
    """A section as it would be if its values were sound."""

    def __init__(self, values: Mapping[str, object]) -> None:
        defaults = Horizon()
        self.periods: Any = values.get("periods", defaults.periods)
        self.period_h: Any = values.get("period_h", defaults.period_h)
        self.step_h: Any = values.get("step_h")
        self.days: Any = values.get("days")
        self.start: Any = values.get("start")
        self.tz: Any = values.get("tz") or ""
        if self.start is not None and not (isinstance(self.start, str | date) and isinstance(self.tz, str)):
            raise ValueError("no start")
