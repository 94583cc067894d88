"""A table in memory by its columns, typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from market.app.results.columns import NAMES, STAMPS, TEXTS, WHOLE, WORDS

Column = NDArray[Any]
TEXT: Final[np.dtype[Any]] = np.dtype(object)


@dataclass(frozen=True, slots=True)
class Records:
    """A table by columns: text, whole numbers or doubles, in the order of its rows. NaN: no such number."""

    columns: Mapping[str, Column]

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def where(self, **equal: str | int) -> Records:
        """The rows that have these values."""
        kept = np.ones(len(self), dtype=bool)
        for name, value in equal.items():
            kept &= self.columns[name] == value
        return self.only(kept)

    def only(self, rows: NDArray[Any]) -> Records:
        """Some of the rows, by a mask or by their places."""
        return Records({name: column[rows] for name, column in self.columns.items()})

    def by(self, *names: str) -> dict[tuple[Any, ...], Records]:
        """The rows of each combination of values of some columns, in the order in which they first come."""
        places: dict[tuple[Any, ...], list[int]] = {}
        for place, key in enumerate(zip(*(self.columns[name].tolist() for name in names), strict=True)):
            places.setdefault(key, []).append(place)
        return {key: self.only(np.array(rows)) for key, rows in places.items()}

    def distinct(self, name: str) -> list[Any]:
        """The values of a column, each once, in the order in which they first come."""
        return list(dict.fromkeys(self.columns[name].tolist()))


def records_of(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> Records:
    """The records of rows. ValueError or OverflowError where a cell is not what its column holds."""
    return records_of_columns(header, list(zip(*rows, strict=True)) if rows else [()] * len(header))


def records_of_columns(header: Sequence[str], columns: Sequence[Sequence[Any]]) -> Records:
    """The same of columns."""
    return Records({name: _column(name, values) for name, values in zip(header, columns, strict=True)})


@cache
def column_type(name: str) -> np.dtype[Any]:
    """What a column of this name holds: text, whole numbers or doubles."""
    if name in NAMES or name in WORDS or name in STAMPS or name in TEXTS:
        return TEXT
    return np.dtype(np.int64 if name in WHOLE else np.float64)


def _column(name: str, values: Sequence[Any]) -> Column:
    kind = column_type(name)
    if kind == TEXT:
        return np.array([str(value) for value in values], dtype=kind)
    if kind == np.int64:
        return np.array([int(value) for value in values], dtype=kind)
    return np.array([float(value) if value != "" else np.nan for value in values], dtype=kind)
