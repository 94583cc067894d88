"""The sample of cases that are too many for every run: another one with each commit, all of them with `--whole`.

`@pytest.mark.sampled(4)` keeps four cases of a test; `sampled(items, 4)` four of a list inside a test; `@law(100)`
tries a law on the first 25 of a hundred drawn instances. What is long takes turns, see `is_its_turn`.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Final, TypeVar
from zlib import crc32

from hypothesis import settings

from tests.costs import read_costs

_Case = TypeVar("_Case")
SAMPLE: Final = "VPPMARKET_TESTS_SAMPLE"
"""The name of the sample that is drawn, the same for all that run tests side by side; empty: all cases."""

TURNS: Final = 20
ALL_ARE_RUN: Final = "VPPMARKET_TESTS_ALL"
"""Set where no test was asked for by name."""

_OF_EACH = 4
"""Of so many instances of a law one is drawn."""
_LEAST_DRAWN = 8


def choose_sample(*, whole: bool) -> str:
    """The sample from now on; one that is in the environment already, as of tests of another commit, stays."""
    name = "" if whole else os.environ.get(SAMPLE, _commit())
    os.environ[SAMPLE] = name
    return name


def _commit() -> str:
    """The commit that is checked out: no clock, and the same sample for all who try the same code."""
    here, ask = Path(__file__).parent, ("git", "rev-parse", "--short=12", "HEAD")
    try:
        asked = subprocess.run(ask, cwd=here, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "no commit"
    return asked.stdout.decode().strip()


def whole() -> bool:
    """Whether all cases are asked for."""
    return not os.environ.get(SAMPLE, "")


def is_its_turn(name: str) -> bool:
    """Whether what takes turns is tried: with one commit of TURNS, and always if its file is asked for."""
    if whole() or not os.environ.get(ALL_ARE_RUN):
        return True
    here = crc32(name.encode()) % TURNS
    return crc32(os.environ[SAMPLE].encode()) % TURNS == dealt_turns().get(name, here)


@cache
def dealt_turns() -> Mapping[str, int]:
    """The turn of each whose cost is known, the longest dealt first, so that all turns are equally long."""
    turns, lengths_s = dict[str, int](), [0.0] * TURNS
    for name, cost_s in sorted(read_costs().items(), key=lambda entry: (-entry[1], entry[0])):
        turns[name] = lengths_s.index(min(lengths_s))
        lengths_s[turns[name]] += cost_s
    return turns


def sampled(cases: Sequence[_Case], count: int, name: str = "") -> list[_Case]:
    """The sample's `count` of these cases, in their order; all where there are no more, or all are asked for."""
    if whole() or len(cases) <= count:
        return list(cases)
    places = Random(f"{os.environ[SAMPLE]} {name}").sample(range(len(cases)), count)
    return [cases[place] for place in sorted(places)]


def law(instances: int) -> settings:
    """A law that holds for drawn instances, always the same ones: so many of them, or the first of these."""
    fewer = max(instances // _OF_EACH, min(instances, _LEAST_DRAWN))
    return settings(derandomize=True, deadline=None, max_examples=instances if whole() else fewer)
