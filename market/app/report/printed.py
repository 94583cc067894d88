"""Prints a study's tables in the terminal."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from typing import Final

from market.app.report.terminal.grid import Column, Grid
from market.app.report.terminal.lines import plain
from market.app.report.terminal.numbers import decimal
from market.app.report.terminal.page import drawn
from market.app.report.terminal.screen import Screen, screen_of
from market.app.results.table import Cell, Table

_DUST: Final = 5e-4


def printed(
    title: str, table: Table, columns: Sequence[str], headings: Sequence[str], screen: Screen | None = None
) -> str:
    """Some columns of a table under headings for people, the first in every part of it; numbers short.

    screen : that of standard output if no other is given
    """
    shown = [_column(table, name, heading) for name, heading in zip(columns, headings, strict=True)]
    return drawn([Grid(title, shown[:1], shown[1:], gap=2)], screen or screen_of(sys.stdout))


def _column(table: Table, name: str, heading: str) -> Column:
    """A column: numbers all with the same digits, of which the smallest needs most; words may be folded."""
    place = table.columns.index(name)
    cells = [row[place] for row in table.rows]
    numbers = [cell for cell in cells if isinstance(cell, float)]
    if not numbers:
        return Column(heading, [plain(str(cell)) for cell in cells], right=False, words=True)
    digits = column_digits(numbers)
    return Column(heading, [plain(_text(cell, digits)) for cell in cells])


def column_digits(numbers: Iterable[float]) -> int:
    """Digits behind the point for the numbers of one column.

    >>> column_digits([7580.1, 1.242]), column_digits([21736.0, 543.0]), column_digits([0.724, 0.0])
    (2, 0, 3)
    """
    sizes = [abs(number) for number in numbers if math.isfinite(number) and abs(number) >= _DUST]
    if not sizes:
        return 0
    smallest = min(sizes)
    return 0 if smallest >= 100.0 else 2 if smallest >= 1.0 or max(sizes) >= 1e4 else 3


def _text(cell: Cell, digits: int) -> str:
    if not isinstance(cell, float):
        return str(cell)
    return "" if math.isnan(cell) else decimal(cell, digits)
