"""Prints a study's tables in the terminal."""

from __future__ import annotations

import io
import math
import sys
from collections.abc import Sequence

from rich.console import Console

from market.app.report.summary.style import new_table, plain, titled
from market.app.results.table import Cell, Table

PIPED_WIDTH = 140


def printed(title: str, table: Table, columns: Sequence[str], headings: Sequence[str]) -> str:
    """Some columns of a table under headings for people; numbers short, words cut by nothing."""
    shown = new_table()
    for name, heading in zip(columns, headings, strict=True):
        number = any(isinstance(row[table.columns.index(name)], float) for row in table.rows)
        shown.add_column(heading, justify="right" if number else "left", no_wrap=number)
    places = [table.columns.index(name) for name in columns]
    for row in table.rows:
        shown.add_row(*(plain(short(row[place])) for place in places))
    person = sys.stdout.isatty()
    console = Console(
        file=io.StringIO(),
        force_terminal=person,
        width=None if person else PIPED_WIDTH,
        legacy_windows=False,
        highlight=False,
    )
    console.print(titled(title, shown))
    text: str = console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO above
    return text if person else "\n".join(line.rstrip() for line in text.split("\n"))


def short(cell: Cell) -> str:
    """A cell for people: thousands apart, as many digits as say something, nothing for NaN.

    >>> short(-12345.678), short(0.58217), short(3), short(float("nan"))
    ('-12,346', '0.582', '3', '')
    """
    if not isinstance(cell, float):
        return str(cell)
    if math.isnan(cell):
        return ""
    cell = cell if abs(cell) >= 5e-4 else 0.0
    return f"{cell:,.0f}" if abs(cell) >= 1000.0 else f"{cell:,.2f}" if abs(cell) >= 10.0 else f"{cell:.3f}"
