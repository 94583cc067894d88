"""The numbers of a column by its marks; NaN where a cell says that there is none."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from market.errors import Fault
from market.model.arrays import Array
from market.scenario.fields import Section
from market.scenario.series.marks import plain_marks, untold_thousands
from market.scenario.series.table import CellTable
from market.scenario.shown_value import shown

_NOTHING = frozenset({"", "-", "nan", "na", "n/a", "null", "none", "#n/a"})
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_MOST = 3


def numbers(
    table: CellTable, column: str, cells: Sequence[str], source: Section, wanted: Sequence[int]
) -> Array | list[Fault]:
    """The numbers in the rows that are wanted, in their order; faults for cells that are none."""
    values, faults = np.full(len(wanted), np.nan), list[Fault]()
    decimal, thousands = source.decimal or ".", source.thousands
    for place, row in enumerate(wanted):
        cell = cells[row]
        if cell.lower() in _NOTHING:
            continue
        plain = _joined(cell, thousands, decimal) if thousands else cell
        if decimal == ",":
            plain = plain.replace(".", "\0").replace(",", ".")
        if _NUMBER.fullmatch(plain):
            values[place] = float(plain)
            continue
        found = table.place(row, column)
        if untold := None if thousands else untold_thousands(cell, decimal):
            return [Fault("must be a number without marks that are not told", untold[0], found, untold[1])]
        faults.append(Fault(f"must be a number with {decimal!r} as decimal mark", shown(cell), found,
                            _remedy(cell, decimal)))  # fmt: skip
        if len(faults) >= _MOST:
            break
    return faults or values


def _joined(cell: str, thousands: str, decimal: str) -> str:
    """The cell without the marks between its thousands, where they part it as they should."""
    cell, mark = plain_marks(cell), plain_marks(thousands)
    return cell.replace(mark, "") if _grouped(cell, mark, decimal) else cell


def _grouped(cell: str, mark: str, decimal: str) -> bool:
    """Whether thousands are parted by the mark as they should be: three digits in each group."""
    return re.fullmatch(rf"[-+]?\d{{1,3}}({re.escape(mark)}\d{{3}})*({re.escape(decimal)}\d*)?", cell) is not None


def _remedy(cell: str, decimal: str) -> str:
    other = "," if decimal == "." else "."
    if decimal in cell and other in cell:
        if cell.rindex(other) > cell.rindex(decimal):
            return f'say decimal: "{other}", thousands: "{decimal}" if that is how the whole file is written'
        between = f"if {other!r} stands between thousands, say thousands: {other!r}"
        return f"take one decimal mark in the whole file; {between}"
    if re.fullmatch(rf"[-+]?[1-9]\d{{0,2}}({re.escape(other)}\d{{3}})+", cell):
        return f"say thousands: {other!r} if that parts thousands, or decimal: {other!r} if it is the decimal mark"
    if re.fullmatch(rf"[-+]?\d+{re.escape(other)}\d+", cell):
        return f"say decimal: {other!r}, or write this cell like the others"
    if re.search(r"[A-Za-z%€$]", cell):
        return "leave units and words out of the cells; the unit of a column is told by unit:"
    return "correct the cell; nothing, NaN or NA stands for a gap"
