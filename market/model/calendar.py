"""When the periods of a horizon are: the moments at which they begin, in its time zone.

Time runs on in real hours: the day on which clocks go forward has 23 of them, the day on which they go back 25.
Nothing here asks what time it is now.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import MAXYEAR, UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from market.model.rules import Horizon

_OFFSET = re.compile(r"(?:UTC|GMT)?(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d{2}))?")
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")
EXAMPLE_ZONES: Final = "Europe/Berlin, America/New_York, UTC or +01:00"


class NoSuchTime(ValueError):
    """A time or a zone that there is not: the rule, and what to do."""

    def __init__(self, rule: str, remedy: str) -> None:
        self.rule, self.remedy = rule, remedy
        super().__init__(f"{rule}; {remedy}")


@lru_cache(maxsize=64)
def zone_of(name: str) -> tzinfo:
    """The time zone of a name of the tz database, or a fixed distance from UTC. NoSuchTime if there is none.

    >>> zone_of("+01:00").utcoffset(None)
    datetime.timedelta(seconds=3600)
    """
    if name in ("", "UTC", "Z"):
        return UTC
    if match := _OFFSET.fullmatch(name):
        distance = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"] or 0))
        if distance <= timedelta(hours=15):
            return timezone(-distance if match["sign"] == "-" else distance)
    with suppress(OSError, ValueError, KeyError):  # no such key, or a folder of the database
        if _ZONE.fullmatch(name):
            return ZoneInfo(name)
    raise NoSuchTime("must be a time zone", f"name one like {EXAMPLE_ZONES}")


def moment(text: str | date, tz: str) -> datetime:
    """A moment from ISO 8601: a day, or a day and a time, by the clocks of the zone where it has no distance.

    NoSuchTime for what is none, what those clocks leap over, and what they show twice.

    >>> moment("2016-06-15", "Europe/Berlin").isoformat()
    '2016-06-15T00:00:00+02:00'
    """
    try:
        found = datetime.fromisoformat(str(text).strip())
    except ValueError:
        raise NoSuchTime(
            "must be a day or a time in ISO 8601", "write it like 2016-06-15 or 2016-06-15T06:00"
        ) from None
    zone = zone_of(tz)
    if found.tzinfo is None:
        return local(found, zone)
    _check_year(found)
    return found.astimezone(zone)


def _check_year(found: datetime) -> None:
    """NoSuchTime for the first and the last year there are: by the clocks of another zone it may be none."""
    if not 1 < found.year < MAXYEAR:
        raise NoSuchTime("must be of a year that clocks can show", "correct the year")


def local(naive: datetime, zone: tzinfo) -> datetime:
    """The moment at which the clocks of a zone show this. NoSuchTime where they never do, or twice."""
    _check_year(naive)
    first, second = (naive.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != naive:
        raise NoSuchTime(
            f"must be a time that the clocks of {zone} show; they leap over this one",
            "give another time, or one with its distance from UTC, such as +01:00",
        )
    if first.utcoffset() != second.utcoffset():
        ways = " or ".join(each.isoformat(timespec="minutes") for each in (first, second))
        raise NoSuchTime(f"must be a time that the clocks of {zone} show once", f"write {ways}")
    return first


def hours_of_days(start: datetime, days: int) -> float:
    """How long so many days are from `start` on, by the clocks of its zone, h."""
    zone = start.tzinfo
    assert zone is not None
    end = (start.replace(tzinfo=None) + timedelta(days=days)).replace(tzinfo=zone)
    return (end.astimezone(UTC) - start.astimezone(UTC)).total_seconds() / 3600


DAY_H: Final = 24.0
_ROUNDING = 1e-9  # of a day


@lru_cache(maxsize=64)
def day_edges_h(horizon: Horizon, earlier: int = 0) -> tuple[int, tuple[float, ...]]:
    """When the days begin that the horizon is of: the number of the first, from 0, and h from its first period on.

    Days are counted from the start of the whole run on, `before_h` before the horizon's: by the clocks of its
    zone where it has a start, so that one is of 23 hours and one of 25, else of 24 hours. The first edge is not
    after the first period, the last not before the end. earlier : how many days before them, where there are any

    >>> day_edges_h(Horizon(30, 1.0, before_h=30.0))
    (1, (-6.0, 18.0, 42.0))
    """
    end_h = horizon.periods * horizon.period_h
    first = max(math.floor(horizon.before_h / DAY_H + _ROUNDING) - 1, 0)
    edges: list[float] = []
    while not edges or edges[-1] < end_h - _ROUNDING:
        edges.append(_edge_h(horizon, first + len(edges)))
    number = first + sum(edge <= _ROUNDING for edge in edges) - 1
    before = [_edge_h(horizon, day) for day in range(max(number - earlier, 0), number)]
    return number - len(before), (*before, *edges[number - first :])


def _edge_h(horizon: Horizon, number: int) -> float:
    if not horizon.start:
        return number * DAY_H - horizon.before_h
    first = datetime.fromisoformat(horizon.start).astimezone(UTC)
    origin = (first - timedelta(seconds=round(horizon.before_h * 3600, 6))).astimezone(zone_of(horizon.tz))
    return hours_of_days(origin, number) - horizon.before_h


@lru_cache(maxsize=64)
def day_numbers(horizon: Horizon) -> tuple[int, ...]:
    """The number of the day in which each period begins, from 0, of the whole run.

    >>> day_numbers(Horizon(4, 12.0, before_h=12.0))
    (0, 1, 1, 2)
    """
    first, edges = day_edges_h(horizon)
    at_h = [period * horizon.period_h for period in range(horizon.periods)]
    return tuple(first + bisect_right(edges, at + _ROUNDING) - 1 for at in at_h)


def whole_days(horizon: Horizon) -> int:
    """How many days from midnight to midnight, by its clocks; 0 where it begins or ends between, or has no start.

    >>> whole_days(Horizon(25, 1.0, "2016-10-30T00:00+02:00", "Europe/Berlin"))
    1
    >>> whole_days(Horizon(25, 1.0, "2016-10-31T00:00+01:00", "Europe/Berlin"))
    0
    """
    if not horizon.start:
        return 0
    begin = moment(horizon.start, horizon.tz)
    end = (begin.astimezone(UTC) + timedelta(hours=horizon.periods * horizon.period_h)).astimezone(begin.tzinfo)
    if any((each.hour, each.minute, each.second) != (0, 0, 0) for each in (begin, end)):
        return 0
    return (end.date() - begin.date()).days


def seconds(when: datetime) -> float:
    """Seconds since 1970 in UTC."""
    return when.timestamp()


@lru_cache(maxsize=32)
def starts(horizon: Horizon) -> tuple[datetime, ...]:
    """When each period begins, in the horizon's zone; empty where it has no start."""
    if not horizon.start:
        return ()
    zone = zone_of(horizon.tz)
    first = datetime.fromisoformat(horizon.start).astimezone(UTC)
    return tuple(
        (first + timedelta(seconds=round(period * horizon.period_h * 3600, 6))).astimezone(zone)
        for period in range(horizon.periods)
    )


def day_earlier(horizon: Horizon) -> Horizon:
    """The same periods 24 hours before.

    >>> day_earlier(Horizon(2, 1.0, "2016-06-15T00:00+02:00", "Europe/Berlin")).start
    '2016-06-14T00:00+02:00'
    """
    first = datetime.fromisoformat(horizon.start).astimezone(UTC) - timedelta(days=1)
    start = first.astimezone(zone_of(horizon.tz)).isoformat(timespec="auto" if first.second else "minutes")
    return replace(horizon, start=start)


@lru_cache(maxsize=32)
def stamps(horizon: Horizon) -> tuple[str, ...]:
    """The same as text, ISO 8601 with the distance from UTC; to the second where minutes are not whole.

    >>> stamps(Horizon(2, 0.25, "2016-10-30T02:45+02:00", "Europe/Berlin"))
    ('2016-10-30T02:45+02:00', '2016-10-30T02:00+01:00')
    """
    moments = starts(horizon)
    whole = all(each.second == each.microsecond == 0 for each in moments)
    return tuple(each.isoformat(timespec="minutes" if whole else "auto") for each in moments)


@lru_cache(maxsize=32)
def clock_labels(horizon: Horizon) -> tuple[str, ...]:
    """What the clocks show as each period begins, for axes: the time, with the day where there are several.

    >>> clock_labels(Horizon(2, 12, "2016-06-15T06:00+02:00", "Europe/Berlin"))
    ('06:00', '18:00')
    """
    form = _form(starts(horizon))
    return tuple(f"{each:{form}}" for each in starts(horizon))


@lru_cache(maxsize=32)
def clock_ends(horizon: Horizon) -> tuple[str, ...]:
    """The same as each period ends.

    >>> clock_ends(Horizon(2, 12, "2016-06-15T00:00+02:00", "Europe/Berlin"))
    ('12:00', '00:00')
    """
    moments = starts(horizon)
    return tuple(f"{each:{_form(moments)}}" for each in (*moments[1:], *([end_of(horizon)] if moments else [])))


def _form(moments: Sequence[datetime]) -> str:
    return "%d %b %H:%M" if len({each.date() for each in moments}) > 1 else "%H:%M"


def end_of(horizon: Horizon) -> datetime:
    """When the last period ends, in the horizon's zone; it has a start.

    >>> end_of(Horizon(25, 1, "2016-10-30T00:00+02:00", "Europe/Berlin")).isoformat()
    '2016-10-31T00:00:00+01:00'
    """
    last = starts(horizon)[-1].astimezone(UTC) + timedelta(seconds=round(horizon.period_h * 3600, 6))
    return last.astimezone(zone_of(horizon.tz))


_MINUTES: Final = tuple(60 * hours for hours in (1, 2, 3, 4, 6, 8, 12, 24, 48, 168, 336, 672))
_PARTS: Final = (5, 15, 30)


def clock_ticks(moments: Sequence[datetime], most: int) -> list[tuple[int, str]]:
    """Periods that begin at round times, at most about `most`, each with the time, or the day as it begins.

    Places count from 0. The hour that clocks show twice is marked once where both marks would meet.

    >>> clock_ticks(starts(Horizon(24, 1, "2016-06-15T00:00+02:00", "Europe/Berlin")), 4)
    [(0, '15 Jun'), (6, '06:00'), (12, '12:00'), (18, '18:00')]
    >>> clock_ticks(starts(Horizon(25, 1, "2024-10-27T00:00+02:00", "Europe/Berlin")), 13)[:3]
    [(0, '27 Oct'), (2, '02:00'), (5, '04:00')]
    """
    found: list[int] = []
    for minutes in (*_PARTS, *_MINUTES):
        found = [place for place, when in enumerate(moments) if _is_round(when, moments[0], minutes)]
        if 0 < len(found) <= most:
            break
    found = _apart(found or [*range(min(1, len(moments)))])
    return [(place, _mark(moments[place])) for place in found]


def _mark(when: datetime) -> str:
    return f"{when:%d %b}" if when.hour == when.minute == 0 else f"{when:%H:%M}"


def _apart(places: Sequence[int]) -> list[int]:
    """Those that stand as far behind the one before as most of them do."""
    from statistics import median  # late: it imports decimals and fractions

    usual = median(b - a for a, b in pairwise(places)) if len(places) > 1 else 0
    kept = list(places[:1])
    for place in places[1:]:
        if place - kept[-1] >= 0.75 * usual:
            kept.append(place)
    return kept


def _is_round(when: datetime, first: datetime, minutes: int) -> bool:
    if when.second or when.microsecond:
        return False
    if minutes <= 24 * 60:
        return (60 * when.hour + when.minute) % minutes == 0
    return when.hour == when.minute == 0 and (when.date() - first.date()).days % (minutes // (24 * 60)) == 0


def span_text(horizon: Horizon) -> str:
    """From when to when, in words; empty where the horizon has no start.

    >>> span_text(Horizon(24, 1, "2016-06-15T00:00+02:00", "Europe/Berlin"))
    '2016-06-15 00:00 to 2016-06-16 00:00, Europe/Berlin'
    """
    moments = starts(horizon)
    if not moments:
        return ""
    return f"{moments[0]:%Y-%m-%d %H:%M} to {end_of(horizon):%Y-%m-%d %H:%M}, {horizon.tz or 'UTC'}"


def is_sound(horizon: Horizon) -> bool:
    """Whether the start and the zone, wherever they come from, are ones that can be told."""
    try:
        zone_of(horizon.tz)
        if not horizon.start:
            return not horizon.tz
        first = datetime.fromisoformat(horizon.start)
        return first.tzinfo is not None and 1900 <= first.year <= 2200
    except ValueError:
        return False
