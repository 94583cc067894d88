"""A table in memory by its columns, typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market.app.results.columns import NAMES, TEXTS, WHOLE, WORDS

Column = NDArray[Any]


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
        return Records({name: column[kept] for name, column in self.columns.items()})

    def distinct(self, name: str) -> list[Any]:
        """The values of a column, each once, in the order in which they first come."""
        return list(dict.fromkeys(self.columns[name].tolist()))


def records_of(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> Records:
    """The records of rows. ValueError or OverflowError where a cell is not what its column holds."""
    cells = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    return Records({name: _column(name, values) for name, values in zip(header, cells, strict=True)})


def _column(name: str, values: Sequence[Any]) -> Column:
    if name in NAMES or name in WORDS or name in TEXTS:
        return np.array([str(value) for value in values], dtype=object)
    number: Callable[[Any], float] = int if name in WHOLE else lambda v: float(v) if v != "" else np.nan
    return np.array([number(value) for value in values], dtype=np.int64 if name in WHOLE else np.float64)
