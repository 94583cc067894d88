"""A table as rows under named columns, with its CSV and JSON forms."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from market.app.results.blocks import BlockRows, Blocks
from market.app.results.records import TEXT, Column, Records, records_of

Cell: TypeAlias = str | int | float
_LINES_AT_ONCE = 1 << 14
_NAN = repr(math.nan)


@dataclass(frozen=True, slots=True)
class Table:
    """A named table; every row has one cell for each column. A NaN means that there is no such number."""

    name: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]

    @classmethod
    def of_blocks(cls, name: str, columns: tuple[str, ...], blocks: Blocks) -> Table:
        """A table whose rows are those of blocks, made when they are needed."""
        return cls(name, columns, BlockRows(columns, blocks))

    def csv(self) -> str:
        """The table as CSV: numbers with every digit of a double, NaN as an empty cell, lines ended by LF."""
        return "".join(self.csv_parts())

    def csv_parts(self) -> Iterator[str]:
        """The same piece by piece, so that a large table never stands in memory as a whole."""
        yield _lines([self.columns])
        if not isinstance(self.rows, BlockRows):
            yield _lines([_text(cell) for cell in row] for row in self.rows)
            return
        for block in self.rows.blocks():
            for first in range(0, len(block), _LINES_AT_ONCE):
                part = (block[name][first : first + _LINES_AT_ONCE] for name in self.columns)
                yield "\n".join(map(",".join, zip(*map(_texts, part), strict=True))) + "\n"

    def records(self) -> list[dict[str, Cell | None]]:
        """The rows by column name, for JSON: NaN as null, an infinity as text."""
        return [dict(zip(self.columns, map(json_number, row), strict=True)) for row in self.rows]

    def by_column(self) -> Records:
        """The table in memory by its columns. ValueError where a cell is not what its column holds."""
        return self.rows.records() if isinstance(self.rows, BlockRows) else records_of(self.columns, self.rows)


def json_number(cell: Cell) -> Cell | None:
    """A cell as JSON can hold it."""
    if not isinstance(cell, float) or math.isfinite(cell):
        return cell
    return None if math.isnan(cell) else str(cell)


def _lines(rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _text(cell: Cell) -> str:
    if not isinstance(cell, float):
        return str(cell)
    return "" if math.isnan(cell) else repr(float(cell))


def _texts(column: Column) -> Sequence[str]:
    """`_text` of every cell; names and words of a block hold nothing that CSV would have to quote."""
    cells: list[str] = column.tolist()
    if column.dtype == TEXT:
        return cells
    if column.dtype == np.int64:  # few numbers, again and again
        known = {number: str(number) for number in set(cells)}
        return [known[number] for number in cells]
    same = column.tobytes() == column[:1].tobytes() * len(column)
    texts = [repr(cells[0])] * len(cells) if same else list(map(repr, cells))
    return ["" if text == _NAN else text for text in texts] if _NAN in texts else texts
