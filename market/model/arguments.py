"""Arguments of public functions as people give them: real numbers, lists, and things of the kind asked for."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Number
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike

from market.errors import Fault, ScenarioError
from market.model.arrays import Array

_Kind = TypeVar("_Kind")


def real_numbers(name: str, values: ArrayLike) -> Array:
    """Values as an array of their own shape. ScenarioError for text, switches, dates and what is masked.

    >>> real_numbers("surplus_mw", [3, 1.5]).tolist()
    [3.0, 1.5]
    """
    try:
        kind, hidden = np.asarray(values).dtype.kind, np.ma.is_masked(values)
        if kind in "iufO" and not hidden and (kind != "O" or _are_numbers(values)):
            return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        pass
    remedy = "give a number, or a list of numbers"
    raise ScenarioError([Fault("numbers stand here", repr(values)[:60], name, remedy)])


def one_number(name: str, value: ArrayLike) -> float:
    """A single real number. ScenarioError if it is none.

    >>> one_number("cap_cny_per_mwh", np.float64(1200))
    1200.0
    """
    found = real_numbers(name, value)
    if found.ndim:
        raise ScenarioError([Fault("one number stands here", f"numbers of shape {found.shape}", name, "give one")])
    return float(found)


def _are_numbers(values: ArrayLike) -> bool:
    return all(isinstance(value, Number) for value in np.ravel(np.asarray(values)))


def several(name: str, values: object, remedy: str) -> tuple[Any, ...]:
    """All that is given, one after the other. ScenarioError for a single thing that is none of many.

    >>> several("payoffs", [abs], "give a list of functions")
    (<built-in function abs>,)
    """
    try:
        return tuple(cast("Iterable[Any]", values))
    except TypeError:
        raise ScenarioError([Fault("several stand here", repr(values)[:60], name, remedy)]) from None


def names_of(
    name: str, values: object, remedy: str = 'give a list of names, such as ["A", "B"]'
) -> tuple[str, ...]:
    """Names; the letters of a text are names, too. ScenarioError if one is no text.

    >>> names_of("players", "AB")
    ('A', 'B')
    """
    found = several(name, values, remedy)
    if all(isinstance(each, str) for each in found):
        return found
    raise ScenarioError([Fault("names stand here, as texts", repr(values)[:60], name, remedy)])


def of_kind(kind: type[_Kind], value: object, name: str, remedy: str = "") -> _Kind:
    """The value. ScenarioError if it is not of that kind. remedy : where it is not made by the kind's own `of`

    >>> of_kind(int, 3, "seed", "give a whole number")
    3
    """
    if isinstance(value, kind):
        return value
    how = remedy or f"make one with market.{kind.__name__}.of"
    raise ScenarioError([Fault(f"a {kind.__name__} stands here", repr(value)[:60], name, how)])


def word_of(value: object, words: Iterable[str], name: str) -> str:
    """One of several words. ScenarioError for any other.

    >>> word_of("csv", ["csv", "parquet"], "format")
    'csv'
    """
    known = [str(word) for word in words]
    if isinstance(value, str) and value in known:
        return value
    raise ScenarioError([Fault(f"must be one of {', '.join(known)}", repr(value)[:60], name, "give one of these")])
