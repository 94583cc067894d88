"""Reads the values that flags give a path: `PATH=V1,V2,…`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from market.scenario.changes import set_changes

_OPENS, _CLOSES, _QUOTES = "[{(", "]})", "\"'"


def swept_values(settings: Sequence[str]) -> dict[str, list[object]]:
    """The values of each path, in their order. ScenarioError with every flag that cannot be read.

    A comma inside brackets or quotes parts nothing.

    >>> swept_values(["carbon.growth=0,0.25", "carbon.mode=none", "audit='a,b',c"])
    {'carbon.growth': [0, 0.25], 'carbon.mode': ['none'], 'audit': ['a,b', 'c']}
    """
    found: dict[str, list[object]] = {}
    set_changes([f"{text.partition('=')[0]}=0" if "=" in text else text for text in settings])  # paths, each once
    for text in settings:
        path, _, values = text.partition("=")
        each = [set_changes([f"{path}={value}"]).values for value in parted(values)]
        found[path.strip()] = [value for change in each for value in change.values()]
    return found


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
