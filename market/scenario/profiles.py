"""Owns the CSV profiles: reading them, and checking every column and cell against what a scenario wants.

Knows nothing of plants or tariffs beyond the names of columns.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from market.errors import Fault
from market.scenario.faults import shown, suggestion
from market.scenario.files import read_text
from market.scenario.schema import MAX_POWER_MW, MAX_PRICE_CNY_PER_MWH

PERIOD = "period"
RETAIL = "retail_cny_per_mwh"
FEED_IN = "feed_in_cny_per_mwh"
ASSETS = ("load", "wt", "pv")
_TARIFFS = (RETAIL, FEED_IN)
_MAX_MEBIBYTES = 64
_MOST_FAULTS = 50
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_POWER_NAME = re.compile(rf"(?P<id>.+)_(?P<asset>{'|'.join(ASSETS)})_mw")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the profiles must hold. `periods` or `columns` is None where `scenario.yaml` does not tell."""

    files: tuple[str, ...]
    periods: int | None
    columns: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Profiles:
    """Columns by name, one number for each period. Where there are faults, columns may be missing or short."""

    columns: Mapping[str, tuple[float, ...]]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class _Table:
    """One CSV file: its rows, header first, each with the line it ends on; blank lines are left out."""

    name: str
    lines: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def header(self) -> tuple[str, ...]:
        return self.rows[0]

    def body(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        return islice(zip(self.lines, self.rows, strict=True), 1, None)

    def place(self, line: int, column: str = "") -> str:
        return f"{self.name}:{line} column {column}" if column else f"{self.name}:{line}"


def power_column(vpp_id: str, asset: str) -> str:
    """The column of a VPP's `load`, `wt` or `pv`, MW."""
    return f"{vpp_id}_{asset}_mw"


def read_profiles(folder: Path, wanted: Wanted) -> Profiles:
    """Read every file and check it against what is wanted; all faults at once, at most 50 told of one file."""
    readings = [_read_table(folder, name) for name in wanted.files]
    tables = [reading for reading in readings if isinstance(reading, _Table)]
    columns: dict[str, tuple[float, ...]] = {}
    faults = [reading for reading in readings if isinstance(reading, Fault)]
    for table in tables:
        found = [*_shape_faults(table, wanted.periods)]
        for index, name in enumerate(table.header):
            if name != PERIOD and (wanted.columns is None or name in wanted.columns):
                columns[name], broken = _numbers(table, index)
                found += broken
        faults += _shortened(found, table.name)
    if wanted.columns is not None:
        complete = len(tables) == len(wanted.files)
        faults += _unknown_columns(tables, wanted.columns)
        faults += _repeated_columns(tables)
        faults += _missing_columns(tables, wanted.columns) if complete else ()
    return Profiles(columns, tuple(faults))


def _read_table(folder: Path, name: str) -> _Table | Fault:
    text = read_text(folder / name, name, _MAX_MEBIBYTES)
    if isinstance(text, Fault):
        return text
    lines, rows = [], []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            if cells:
                lines.append(reader.line_num)
                rows.append(tuple(cell.strip() for cell in cells))
    except csv.Error as error:
        remedy = "correct the quotes of that line, or write the file without quotes"
        return Fault("must be readable CSV", str(error), f"{name}:{reader.line_num}", remedy)
    header = rows[0]
    if len(header) == 1 and re.search(r"[;\t|]", header[0]):
        remedy = "save the file with commas between columns and points in numbers"
        return Fault("commas must separate the columns", shown(header[0]), f"{name}:{lines[0]}", remedy)
    return _Table(name, tuple(lines), tuple(rows))


def _shape_faults(table: _Table, periods: int | None) -> Iterator[Fault]:
    """Rows as long as the header, as many as periods, numbered from 1."""
    width, count = len(table.header), len(table.rows) - 1
    for line, row in table.body():
        if len(row) != width:
            remedy = "complete the row (0 where there is nothing), or remove what is too much"
            yield Fault(
                f"must have {width} cells, like the header", f"{len(row)} cells", table.place(line), remedy
            )
    if periods is not None and count != periods:
        remedy = f"give {periods} rows below the header, or set horizon.periods in scenario.yaml to {count}"
        rule = f"must have a row for each of the {periods} periods of horizon.periods"
        yield Fault(rule, f"{count} rows", table.name, remedy)
    if PERIOD not in table.header:
        remedy = f"add a column {PERIOD} that counts 1, 2, 3 …"
        yield Fault(f"must have a column {PERIOD}", "none", table.place(table.lines[0]), remedy)
        return
    index = table.header.index(PERIOD)
    for number, (line, row) in enumerate(table.body(), start=1):
        if len(row) == width and row[index] != str(number):
            remedy = "number the rows 1, 2, 3 … in the order of time, none missing and none twice"
            yield Fault(f"must be {number} in this row", shown(row[index]), table.place(line, PERIOD), remedy)
            return


def _numbers(table: _Table, index: int) -> tuple[tuple[float, ...], list[Fault]]:
    """One column as numbers, and a fault for each cell that is none or is out of range."""
    name, width = table.header[index], len(table.header)
    low, high, unit = _limits(name)
    values, faults = [], []
    for line, row in table.body():
        if len(row) != width:
            continue
        cell = row[index]
        value = float(cell) if _NUMBER.fullmatch(cell) else math.nan
        if low <= value <= high:
            values.append(value)
            continue
        rule = f"must be a number from {low:.12g} to {high:.12g} {unit}"
        found = "an empty cell" if not cell else shown(cell)
        faults.append(Fault(rule, found, table.place(line, name), _cell_remedy(cell, value)))
    return tuple(values), faults


def _limits(column: str) -> tuple[float, float, str]:
    if column in _TARIFFS:
        return -MAX_PRICE_CNY_PER_MWH, MAX_PRICE_CNY_PER_MWH, "CNY/MWh"
    return 0.0, MAX_POWER_MW, "MW"


def _cell_remedy(cell: str, value: float) -> str:
    if not cell:
        return "fill it in; write 0 where there is nothing"
    if "," in cell:
        return "write a point as the decimal mark"
    if math.isnan(value):
        return "write a plain number, without unit or text"
    return "correct it; check the sign and the unit"


def _unknown_columns(tables: Sequence[_Table], wanted: frozenset[str]) -> Iterator[Fault]:
    for table in tables:
        for name in dict.fromkeys(table.header):
            if name != PERIOD and name not in wanted:
                rule = "must be a column that scenario.yaml calls for"
                remedy = _column_remedy(name, wanted)
                yield Fault(rule, shown(name), table.place(table.lines[0], name or "without a name"), remedy)


def _column_remedy(name: str, wanted: frozenset[str]) -> str:
    match = _POWER_NAME.fullmatch(name)
    if match and power_column(match["id"], "load") in wanted:
        return f"add `{match['asset']}: {{}}` to {match['id']} in scenario.yaml, or remove the column"
    if close := suggestion(name, sorted({*wanted, PERIOD})):
        return f"{close}if not, remove the column"
    return "remove the column, or add its VPP to scenario.yaml"


def _repeated_columns(tables: Sequence[_Table]) -> Iterator[Fault]:
    first: dict[str, str] = {}
    for table in tables:
        seen: set[str] = set()
        for name in table.header:
            home = table.name if name in seen else first.get(name, "")
            if home and (name != PERIOD or name in seen):
                place = table.place(table.lines[0], name or "without a name")
                yield Fault(
                    "must be given only once", f"{name} again, already in {home}", place, "remove one of them"
                )
            seen.add(name)
            first.setdefault(name, table.name)


def _missing_columns(tables: Sequence[_Table], wanted: frozenset[str]) -> Iterator[Fault]:
    present = {name for table in tables for name in table.header}
    files = " or ".join(table.name for table in tables)
    place = f"{files}:1" if len(tables) == 1 else files
    for name in sorted(wanted - present):
        match = _POWER_NAME.fullmatch(name)
        remedy = "add the column, in CNY/MWh"
        if match:
            without = (
                "zeros where it has none" if match["asset"] == "load" else "or remove the plant from scenario.yaml"
            )
            remedy = f"add the column, in MW; {without}"
        yield Fault("required column", "nothing", f"{place} column {name}", remedy)


def _shortened(faults: Sequence[Fault], name: str) -> list[Fault]:
    """The first faults of a file, and how many more there are."""
    if len(faults) <= _MOST_FAULTS:
        return list(faults)
    more = f"{len(faults) - _MOST_FAULTS} more faults"
    last = Fault("every cell must follow the rules above", more, name, "repair those above, then check again")
    return [*faults[:_MOST_FAULTS], last]
