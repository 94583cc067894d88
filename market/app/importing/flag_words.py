"""Tells faults of a scenario that an importer has made, and does not keep, by the flags that it was made of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from market.errors import Fault, ScenarioError

CSV_FLAGS: Final[Mapping[str, str]] = {
    name: f"--{name.replace('_', '-')}"
    for name in (
        *(
            "sep",
            "decimal",
            "thousands",
            "encoding",
            "skip",
            "time",
            "time_format",
            "stamp",
            "gaps",
            "longest_gap",
        ),
        *("clip", "unit"),
    )
}
"""What a series says of its file, as flags of `import csv`."""

PLACES: Final[Mapping[str, str]] = {
    "series.retail": "--retail",
    "series.feed_in": "--feed-in",
    "carbon.base_price": "--carbon-price",
    "horizon.start": "--start",
    "horizon.days": "--days",
    "horizon.step": "--step",
    "horizon.tz": "--tz",
    "currency": "--currency",
}
"""Places of a scenario that all importers have flags for."""

_MADE = re.compile(r"scenario\.yaml(:\d+)?(?= |$)")
_PATH = re.compile(r"scenario\.yaml(?::\d+)? ([\w.\[\]-]+)")
_OF_PRICE = re.compile(r"series\.(retail|feed_in)\b")
_PLAIN: Final = (
    ("a smaller skip", "a smaller --skip"),
    ("a longest_gap", "a --longest-gap"),
    ("correct unit: or scale:", "correct unit:"),
    ("told by sep", "told by --sep"),
    (", as the series or its defaults say", ""),
)
_QUANTITY = re.compile(r"(--[a-z-]+) (\d[\d.]* [A-Za-z%/]+)")


@contextmanager
def told_by_flags(words: Mapping[str, str], places: Mapping[str, str] = PLACES) -> Iterator[None]:
    """Within it a ScenarioError names flags. words : flags of the fields of a series · places : of paths"""
    try:
        yield
    except ScenarioError as error:
        raise ScenarioError([by_flags(fault, words, places) for fault in error.faults]) from None


def by_flags(fault: Fault, words: Mapping[str, str], places: Mapping[str, str]) -> Fault:
    """A fault by the flags that the user has.

    >>> fault = Fault("must be shut", "open", "scenario.yaml:9 series.A_load.gaps", "say gaps: hold")
    >>> by_flags(fault, CSV_FLAGS, {})
    Fault(rule='must be shut', value='open', place='--gaps', remedy='say --gaps hold')
    """
    if words and _OF_PRICE.search(fault.place):
        words = {**words, "unit": "--price-unit"}
    place = _PATH.sub(lambda match: _flag_of(match[1], words, places), fault.place)
    place = _MADE.sub("the scenario that is made", place)
    return replace(fault, place=place, rule=_in_words(fault.rule, words), remedy=_in_words(fault.remedy, words))


def _flag_of(path: str, words: Mapping[str, str], places: Mapping[str, str]) -> str:
    """The flag for a path of the scenario: of the whole of it, of its last field, or of what is above it."""
    if path in places:
        return places[path]
    above, _, last = path.rpartition(".")
    if path.startswith("series") and last in words:
        return words[last]
    return _flag_of(above, words, places) if above in places else f"the scenario that is made, {path}"


def _in_words(text: str, words: Mapping[str, str]) -> str:
    if not words:
        return text
    for said, flags in _PLAIN:
        text = text.replace(said, flags)
    listed = "|".join(sorted(words, key=len, reverse=True))
    text = re.sub(rf"\b({listed}):(?=[ ,;]|$)", lambda match: words[match[1]], text)
    return _QUANTITY.sub(r"\1 '\2'", text)
