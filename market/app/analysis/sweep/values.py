"""Reads the values that flags give a path: `PATH=V1,V2,…`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from market.errors import Fault
from market.scenario.changes import read_value, set_changes

_OPENS, _CLOSES, _QUOTES = "[{(", "]})", "\"'"


def swept_values(settings: Sequence[str]) -> dict[str, list[object]]:
    """The values of each path, in their order. ScenarioError with every flag that cannot be read.

    A comma inside brackets or quotes parts nothing.

    >>> swept_values(["carbon.growth=0,0.25", "carbon.mode=none", "audit='a,b',c"])
    {'carbon.growth': [0, 0.25], 'carbon.mode': ['none'], 'audit': ['a,b', 'c']}
    """
    changes = set_changes(settings, _each)
    return {path: list(values) for path, values in changes.values.items() if isinstance(values, tuple)}


def _each(text: str, place: str, faults: list[Fault]) -> tuple[object, ...]:
    return tuple(read_value(part, place, faults) for part in parted(text))


def parted(text: str) -> Iterator[str]:
    """The parts of a text between its commas."""
    depth, quote, part = 0, "", ""
    for letter in text:
        if letter == "," and not depth and not quote:
            yield part
            part = ""
            continue
        if quote:
            quote = "" if letter == quote else quote
        elif letter in _QUOTES:
            quote = letter
        else:
            depth += (letter in _OPENS) - (letter in _CLOSES)
        part += letter
    yield part
