"""Shapes of JSON values, composed of shapes: which values a document may hold.

A shape takes a value and its place, and yields everything in it that does not fit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias

from market.model.parameter import Parameter


@dataclass(frozen=True, slots=True)
class Misfit:
    """A value that does not fit: where it stands, what it must be, and what it is."""

    place: str
    rule: str
    value: str


Shape: TypeAlias = Callable[[Any, str], Iterator[Misfit]]

LARGEST: Final = 1e15
"""No quantity of a market day comes near; sums of such numbers are still numbers."""
_LONGEST = 60


def number(low: float = -LARGEST, high: float = LARGEST) -> Shape:
    """A number between two others; none that is no number, and no infinite one."""
    return _plain(
        lambda value: type(value) in (int, float) and low <= value <= high,
        "must be a number" if (low, high) == (-LARGEST, LARGEST) else f"must be a number of {low:g} to {high:g}",
    )


def whole(low: int = 0, high: int = 2**63 - 1) -> Shape:
    """A whole number between two others."""
    limits = f"of {low} or more" if high == 2**63 - 1 else f"of {low} to {high}"
    return _plain(lambda value: type(value) is int and low <= value <= high, f"must be a whole number {limits}")


def within(bounds: Parameter, of: type) -> Shape:
    """A number of a type within the bounds of a parameter."""
    kinds = (int,) if of is int else (int, float)
    rule = f"must be a {'whole ' if of is int else ''}number {bounds.limits}".rstrip()
    return _plain(lambda value: type(value) in kinds and bounds.holds(value), rule)


def text(pattern: str = r"(?s).*", rule: str = "must be text") -> Shape:
    """Text of a pattern."""
    fits = re.compile(pattern)
    return _plain(lambda value: type(value) is str and fits.fullmatch(value) is not None, rule)


def one_of(kind: type[StrEnum], *others: str) -> Shape:
    """One of these words."""
    return one_of_words(*(word.value for word in kind), *others)


def one_of_words(*words: str) -> Shape:
    """The same."""
    return _plain(lambda value: type(value) is str and value in words, f"must be one of {', '.join(words)}")


def flag() -> Shape:
    """Yes or no."""
    return _plain(lambda value: type(value) is bool, "must be true or false")


def maybe(shape: Shape) -> Shape:
    """Such a value, or null."""
    return lambda value, place: iter(()) if value is None else shape(value, place)


def many(shape: Shape, *, distinct: bool = False, least: int = 0) -> Shape:
    """A list of such values. distinct : none of them twice"""

    def misfits(value: Any, place: str) -> Iterator[Misfit]:
        if type(value) is not list or len(value) < least:
            yield Misfit(
                place, f"must be a list of {least} or more" if least else "must be a list", _excerpt(value)
            )
            return
        faults = [misfit for at, entry in enumerate(value) for misfit in shape(entry, f"{place}[{at}]")]
        yield from faults
        if distinct and not faults and len(set(value)) < len(value):
            yield Misfit(place, "must name nobody twice", _excerpt(value))

    return misfits


def by_name(shape: Shape, names: Shape | None = None) -> Shape:
    """An object of such values under any names, or under such names."""

    def misfits(value: Any, place: str) -> Iterator[Misfit]:
        if type(value) is not dict:
            yield Misfit(place, "must be an object", _excerpt(value))
            return
        for name, entry in value.items():
            yield from names(name, f"{place}, a name in it") if names else ()
            yield from shape(entry, _within(place, name))

    return misfits


def fields(shapes: Mapping[str, Shape], optional: Mapping[str, Shape] | None = None) -> Shape:
    """An object of exactly these fields; those that are optional may be missing."""
    known = {**shapes, **(optional or {})}

    def misfits(value: Any, place: str) -> Iterator[Misfit]:
        if type(value) is not dict:
            yield Misfit(place, "must be an object", _excerpt(value))
            return
        for name, shape in known.items():
            if name in value:
                yield from shape(value[name], _within(place, name))
            elif name in shapes:
                yield Misfit(_within(place, name), "must be there", "nothing")
        for name in value:
            if name not in known:
                yield Misfit(_within(place, name), "must not be there", _excerpt(value[name]))

    return misfits


def _plain(fits: Callable[[Any], bool], rule: str) -> Shape:
    return lambda value, place: iter(() if fits(value) else (Misfit(place, rule, _excerpt(value)),))


def _within(place: str, name: str) -> str:
    shown = name if len(name) <= _LONGEST else name[:_LONGEST] + "…"
    return f"{place}.{shown}" if place else shown


def _excerpt(value: Any) -> str:
    """A value in a few words."""
    if type(value) is dict:
        return f"an object of {len(value)}"
    if type(value) is list:
        return f"a list of {len(value)}"
    shown = json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "…"
