"""The array type of the model, read-only, and the functions that make one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
IndexArray: TypeAlias = NDArray[np.intp]


def frozen(values: Iterable[float] | Array) -> Array:
    """A read-only double array holding a copy of `values`.

    >>> frozen([1, 2]).flags.writeable
    False
    """
    array = np.array(values, dtype=np.float64)
    array.flags.writeable = False
    return array


def spliced(first: Array, count: int, rest: Array) -> Array:
    """The first `count` values of one series and the others of another, shape (periods,) each.

    >>> spliced(frozen([1, 2, 3]), 1, frozen([7, 8, 9])).tolist()
    [1.0, 8.0, 9.0]
    """
    return frozen(np.concatenate([first[:count], rest[count:]]))


def starts_of(lengths: Sequence[int]) -> IndexArray:
    """Where each of parts of these lengths begins, one after the other.

    >>> starts_of([2, 0, 3]).tolist()
    [0, 2, 2]
    """
    return np.cumsum([0, *lengths[:-1]], dtype=np.intp)
