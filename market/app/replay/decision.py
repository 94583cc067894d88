"""One decision under replay: who decided what, and whether it comes out again as it was recorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from itertools import zip_longest
from math import nan
from typing import Any, Final

import numpy as np


class Agreement(StrEnum):
    """Whether a decision is the recorded one.

    `not recorded`: the run went another way, or broke off, before · `not recomputed`: what it takes is not here
    """

    SAME = "same"
    DIFFERENT = "different"
    NOT_RECORDED = "not recorded"
    NOT_RECOMPUTED = "not recomputed"


@dataclass(frozen=True, slots=True)
class Difference:
    """A value at its place in a message or record, `None` where one of the two has no such value."""

    place: str
    recorded: Any
    computed: Any

    @property
    def size(self) -> float:
        """How far apart two numbers are; NaN where they are none."""
        both = (self.recorded, self.computed)
        return abs(both[0] - both[1]) if all(type(value) in (int, float) for value in both) else nan

    def __str__(self) -> str:
        return f"{self.place}: recorded {_short(self.recorded)}, computed {_short(self.computed)}"


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of `who`, at `time_s` of `epoch`. `detail`: where it stands, or why it is not recorded."""

    time_s: float
    epoch: int
    who: str
    what: str
    agreement: Agreement
    detail: str = ""
    differences: tuple[Difference, ...] = ()

    @property
    def same(self) -> bool:
        """Whether it came out as it was recorded."""
        return self.agreement is Agreement.SAME

    @property
    def differs(self) -> bool:
        """Whether it came out otherwise."""
        return self.agreement is Agreement.DIFFERENT


def compared(
    time_s: float, epoch: int, who: str, what: str, detail: str, recorded: Any, computed: Any
) -> Decision:
    """The decision whose recorded and computed values these are."""
    found = tuple(differences(recorded, computed))
    return Decision(time_s, epoch, who, what, Agreement.DIFFERENT if found else Agreement.SAME, detail, found)


_NOTHING: Final = object()


def differences(recorded: Any, computed: Any, place: str = "") -> Iterator[Difference]:
    """Every value in which two nested values differ; doubles are compared exactly, lists and tuples as one."""
    if isinstance(recorded, np.ndarray):
        recorded = recorded.tolist()
    if isinstance(computed, np.ndarray):
        computed = computed.tolist()
    if is_dataclass(recorded) and type(recorded) is type(computed):
        names = [field.name for field in fields(recorded)]
        yield from _each(names, [(getattr(recorded, n), getattr(computed, n)) for n in names], place)
    elif isinstance(recorded, Mapping) and isinstance(computed, Mapping):
        names = list(dict.fromkeys([*recorded, *computed]))
        yield from _each(names, [(recorded.get(n, _NOTHING), computed.get(n, _NOTHING)) for n in names], place)
    elif _is_list(recorded) and _is_list(computed):
        pairs = list(zip_longest(recorded, computed, fillvalue=_NOTHING))
        yield from _each([f"[{index}]" for index in range(len(pairs))], pairs, place)
    elif recorded != computed and not (recorded != recorded and computed != computed):
        yield Difference(place, _plain(recorded), _plain(computed))


def _each(names: Sequence[str], pairs: Iterable[tuple[Any, Any]], place: str) -> Iterator[Difference]:
    for name, (recorded, computed) in zip(names, pairs, strict=True):
        joint = "." if place and not name.startswith("[") else ""
        yield from differences(recorded, computed, f"{place}{joint}{name}")


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


def _plain(value: Any) -> Any:
    """A value as it can be shown and written as JSON."""
    if value is _NOTHING or value is None:
        return None
    return value if type(value) in (int, float, bool) else str(value)


def _short(value: Any) -> str:
    return "nothing" if value is None else f"{value!r:.60}" if type(value) is float else f"{value!s:.60}"
