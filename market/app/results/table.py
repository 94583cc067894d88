"""A table as rows under named columns, with its CSV and JSON forms."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from typing import TypeAlias

Cell: TypeAlias = str | int | float


@dataclass(frozen=True, slots=True)
class Table:
    """A named table; every row has one cell for each column. A NaN means that there is no such number."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def csv(self) -> str:
        """The table as CSV: numbers with every digit of a double, NaN as an empty cell, lines ended by LF."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([_text(cell) for cell in row] for row in self.rows)
        return text.getvalue()

    def records(self) -> list[dict[str, Cell | None]]:
        """The rows by column name, for JSON: NaN as null, an infinity as text."""
        return [dict(zip(self.columns, map(json_number, row), strict=True)) for row in self.rows]


def json_number(cell: Cell) -> Cell | None:
    """A cell as JSON can hold it."""
    if not isinstance(cell, float) or math.isfinite(cell):
        return cell
    return None if math.isnan(cell) else str(cell)


def _text(cell: Cell) -> str:
    if not isinstance(cell, float):
        return str(cell)
    return "" if math.isnan(cell) else repr(float(cell))
