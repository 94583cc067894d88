"""The day's sample of cases that are too many for every run: another one each day, all of them with `--whole`.

`@pytest.mark.sampled(4)` keeps four cases of a test; `sampled(items, 4)` four of a list inside a test. Tests
of real processes take turns, see `is_its_turn`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, date, datetime
from random import Random
from typing import Final, TypeVar
from zlib import crc32

_Case = TypeVar("_Case")
DAY: Final = "VPPMARKET_TESTS_DAY"
"""The day whose sample is drawn, the same for all that run tests side by side; empty: all cases."""

TURNS: Final = 3
ALL_ARE_RUN: Final = "VPPMARKET_TESTS_ALL"
"""Set where no test was asked for by name."""


def choose_day(*, whole: bool) -> str:
    """The day from now on; one that is in the environment already, as of tests on another day, stays."""
    day = "" if whole else os.environ.get(DAY, datetime.now(UTC).date().isoformat())
    os.environ[DAY] = day
    return day


def whole() -> bool:
    """Whether all cases are asked for."""
    return not os.environ.get(DAY, "")


def is_its_turn(name: str) -> bool:
    """Whether a test that takes turns is tried: on every third day, and always if it or its file is asked for."""
    if whole() or not os.environ.get(ALL_ARE_RUN):
        return True
    return (date.fromisoformat(os.environ[DAY]).toordinal() + crc32(name.encode())) % TURNS == 0


def sampled(cases: Sequence[_Case], count: int, name: str = "") -> list[_Case]:
    """The day's `count` of these cases, in their order; all where there are no more, or all are asked for."""
    if whole() or len(cases) <= count:
        return list(cases)
    places = Random(f"{os.environ[DAY]} {name}").sample(range(len(cases)), count)
    return [cases[place] for place in sorted(places)]
