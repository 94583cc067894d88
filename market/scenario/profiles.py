"""Reads the CSV profiles, and checks every column and cell against what a scenario needs."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from market.errors import Fault
from market.model.parameter import Parameter, parameters_of
from market.model.rules import Tariff
from market.model.vpp import Renewable, Vpp
from market.scenario.faults import more_faults, suggestion
from market.scenario.files import read_text
from market.scenario.shown_value import shown

PERIOD = "period"
START = "start"
RETAIL = "retail_cny_per_mwh"
FEED_IN = "feed_in_cny_per_mwh"
ASSETS = ("load", "wt", "pv")
_TOLD = {entry.name: entry.parameter for owner in (Tariff, Renewable, Vpp) for entry in parameters_of(owner)}
MAX_MEBIBYTES = 64
_MOST_OF_COLUMN = 3
_MOST_OF_FILE = 50
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(?P<mark>[,.' \u00a0\u2009\u202f’])\d{3}((?P=mark)\d{3})*(?P<rest>[.,]\d+)?")
_UNNAMED = re.compile(r"|Unnamed: \d+")
_PLAIN_NAME = re.compile(r"[\w.-]{1,60}")
_POWER_NAME = re.compile(rf"(?P<id>.+)_(?P<asset>{'|'.join(ASSETS)})_mw")
_OWN_LOAD = re.compile(r".+_load_mw")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the profiles must hold. `periods` or `columns` is None where `scenario.yaml` does not tell.

    starts : when each period begins, which a column `start` may tell as well; empty where that is not known
    optional : columns that may be there · told : what is said of columns beside those of every VPP
    """

    files: tuple[str, ...]
    periods: int | None
    columns: frozenset[str] | None
    starts: tuple[str, ...] = ()
    optional: frozenset[str] = frozenset()
    told: Mapping[str, Parameter] = field(default_factory=dict)

    def wants(self, name: str) -> bool:
        """Whether a column is called for, or may be there."""
        return self.columns is None or name in self.columns or name in self.optional


@dataclass(frozen=True, slots=True)
class Profiles:
    """Columns by name, one number for each period. Where there are faults, columns may be missing or short."""

    columns: Mapping[str, tuple[float, ...]]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class _CsvFile:
    """One CSV file: its rows, header first, each with the line it ends on; blank lines are left out."""

    name: str
    lines: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def header(self) -> tuple[str, ...]:
        return self.rows[0]

    def body(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        return islice(zip(self.lines, self.rows, strict=True), 1, None)

    def place(self, line: int, column: str | None = None) -> str:
        """For messages; a column name that is not plain is shown in quotes."""
        if column is None:
            return f"{self.name}:{line}"
        return f"{self.name}:{line} column {column if _PLAIN_NAME.fullmatch(column) else shown(column)}"

    def header_place(self, column: str) -> str:
        """Where a column is named."""
        return self.place(self.lines[0], column)


def power_column(vpp_id: str, asset: str) -> str:
    """The column of a VPP's `load`, `wt` or `pv`, MW."""
    return f"{vpp_id}_{asset}_mw"


def read_profiles(folder: Path, wanted: Wanted) -> Profiles:
    """Read every file and check it against what is wanted; all faults at once, long lists of them cut short."""
    readings = [_read_table(folder, name) for name in wanted.files]
    tables = [reading for reading in readings if isinstance(reading, _CsvFile)]
    columns: dict[str, tuple[float, ...]] = {}
    faults = [reading for reading in readings if isinstance(reading, Fault)]
    for table in tables:
        found = [*_shape_faults(table, wanted.periods), *_start_faults(table, wanted.starts)]
        for index, name in enumerate(table.header):
            if name not in (PERIOD, START) and wanted.wants(name):
                columns[name], broken = _numbers(table, index, wanted.told.get(name))
                found += _shortened(broken, _MOST_OF_COLUMN, f"{table.name} column {name}")
        faults += _shortened(found, _MOST_OF_FILE, table.name)
    faults += _shortened(_repeated_columns(tables), _MOST_OF_FILE, "profiles")
    if wanted.columns is not None and len(tables) == len(wanted.files):
        present = {name for table in tables for name in table.header}
        missing = sorted(wanted.columns - present)
        known = wanted.columns | wanted.optional | ({START} if wanted.starts else set())
        loads = sorted(filter(_OWN_LOAD.fullmatch, wanted.optional - present))  # optional beside load units only
        lacking = [*missing, *loads, *({PERIOD} - present)]
        faults += _unknown_columns(tables, known, lacking)
        faults += _shortened(_missing_columns(tables, missing, wanted.told), _MOST_OF_FILE, "profiles")
    return Profiles(columns, tuple(faults))


def _read_table(folder: Path, name: str) -> _CsvFile | Fault:
    text = read_text(folder / name, name, MAX_MEBIBYTES)
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
    lines, rows = _filled(lines, rows)
    if not rows:
        return Fault("must not be empty", "cells without a letter", name, "give it a header and a row a period")
    header = rows[0]
    if len(header) == 1 and re.search(r"[;\t|]", header[0]):
        remedy = "save the file with commas between columns and points in numbers"
        return Fault("commas must separate the columns", shown(header[0]), f"{name}:{lines[0]}", remedy)
    return _CsvFile(name, tuple(lines), tuple(rows))


def _filled(lines: list[int], rows: list[tuple[str, ...]]) -> tuple[list[int], list[tuple[str, ...]]]:
    """The table without what spreadsheets and pandas leave round it, none of which says anything.

    That is: empty rows at the end, empty columns at the end, and a first column without a name that counts rows.
    """
    while rows and not any(rows[-1]):
        rows, lines = rows[:-1], lines[:-1]
    if not rows:
        return [], []
    width = len(rows[0])
    while width > 1 and not rows[0][width - 1] and not any(any(row[width - 1 :]) for row in rows):
        width -= 1
    first = 1 if _counts_rows([row[0] for row in rows]) else 0
    return lines, [row[first:] if any(row[width:]) else row[first:width] for row in rows]


def _counts_rows(column: Sequence[str]) -> bool:
    """Whether a column is an index as pandas writes it: without a name, counting from 0 or 1."""
    name, *cells = column
    if not _UNNAMED.fullmatch(name):
        return False
    return cells in ([str(n) for n in range(len(cells))], [str(n) for n in range(1, len(cells) + 1)])


def _shape_faults(table: _CsvFile, periods: int | None) -> Iterator[Fault]:
    """Rows as long as the header, as many as periods, numbered from 1."""
    width, count = len(table.header), len(table.rows) - 1
    for line, row in table.body():
        if len(row) != width:
            remedy = "complete the row (0 where there is nothing), or remove what is too much"
            if len(row) > width:
                remedy += "; a comma in a number, for thousands or decimals, makes two cells of it"
            yield Fault(
                f"must have {width} cells, like the header", f"{len(row)} cells", table.place(line), remedy
            )
    if periods is not None and count != periods:
        remedy = f"give {periods} rows below the header"
        if count:
            remedy += f", or set horizon.periods in scenario.yaml to {count}"
        rule = f"must have a row for each of the {periods} periods of horizon.periods"
        yield Fault(rule, f"{count} rows", table.name, remedy)
    if PERIOD not in table.header:
        remedy = f"add a column {PERIOD} that counts 1, 2, 3 …"
        yield Fault(f"must have a column {PERIOD}", "none", table.place(table.lines[0]), remedy)
        return
    index = table.header.index(PERIOD)
    for number, (line, row) in enumerate(table.body(), start=1):
        if len(row) == width and not _is_number(row[index], number):
            remedy = "number the rows 1, 2, 3 … in the order of time, none missing and none twice"
            yield Fault(f"must be {number} in this row", shown(row[index]), table.place(line, PERIOD), remedy)
            return


def _is_number(cell: str, number: int) -> bool:
    """Whether a cell is that whole number, as 1, or as 1.0, which programs write that know no whole numbers."""
    return cell == str(number) or (_NUMBER.fullmatch(cell) is not None and float(cell) == number)


def _start_faults(table: _CsvFile, starts: tuple[str, ...]) -> Iterator[Fault]:
    """A column `start`, where there is one, tells when each period begins."""
    if not starts or START not in table.header:
        return
    index = table.header.index(START)
    for stamp, (line, row) in zip(starts, table.body(), strict=False):
        if len(row) > index and row[index] != stamp:
            remedy = "correct horizon.start, or the rows; the column may be left out"
            yield Fault(f"must be {stamp}, as horizon has it", shown(row[index]), table.place(line, START), remedy)
            return


def _numbers(table: _CsvFile, index: int, told: Parameter | None) -> tuple[tuple[float, ...], list[Fault]]:
    """One column as numbers, and a fault for each cell that is none or is out of range."""
    name, width = table.header[index], len(table.header)
    limits = told or parameter_of_column(name)
    values, faults = [], []
    for line, row in table.body():
        if len(row) != width:
            continue
        cell = row[index]
        value = float(cell) if _NUMBER.fullmatch(cell) else math.nan
        if limits.holds(value):
            values.append(value)
            continue
        rule = f"must be a number from {limits.ge:.12g} to {limits.le:.12g} {limits.unit}"
        found = "an empty cell" if not cell else shown(cell)
        faults.append(Fault(rule, found, table.place(line, name), _cell_remedy(cell, value)))
    return tuple(values), faults


def parameter_of_column(column: str) -> Parameter:
    """What is said of the field that a column is for; where a file has columns of no use, a plant's load."""
    column = re.sub(r"_[a-z]{3}_per_mwh$", "_cny_per_mwh", column)
    asset = column.rpartition("_mw")[0].rpartition("_")[2]
    return _TOLD.get(column) or _TOLD["forecast_mw" if asset in ("wt", "pv") else "load_mw"]


def _cell_remedy(cell: str, value: float) -> str:
    if not cell:
        return "fill it in; write 0 where there is nothing"
    if math.isnan(value) and (match := _THOUSANDS.fullmatch(cell)):
        return _thousands_remedy(cell, match)
    if "," in cell:
        return "write a point as the decimal mark"
    if math.isnan(value):
        return "write a plain number, without unit or text"
    return "correct it; check the sign and the unit"


def _thousands_remedy(cell: str, match: re.Match[str]) -> str:
    """What to write for a number with thousands apart; where it may be a decimal mark, both are told."""
    mark, rest = match["mark"], match["rest"] or ""
    whole = cell.removesuffix(rest).replace(mark, "")
    if rest or mark not in ",." or cell.count(mark) > 1:
        return f"write {whole}{rest.replace(',', '.')}: no thousands separator, and a point as the decimal mark"
    return f"write {whole} if {mark!r} parts thousands, or {cell.replace(mark, '.')} if it is the decimal mark"


def _unknown_columns(tables: Sequence[_CsvFile], wanted: frozenset[str], missing: Sequence[str]) -> list[Fault]:
    unknown = [
        (table, name)
        for table in tables
        for name in dict.fromkeys(table.header)
        if name != PERIOD and name not in wanted
    ]
    rule = "must be a column that scenario.yaml calls for"
    found = [
        Fault(rule, shown(name), table.header_place(name), _column_remedy(name, wanted, missing))
        for table, name in unknown[:_MOST_OF_FILE]
    ]
    return found + more_faults(len(unknown) - _MOST_OF_FILE, "profiles")


def _column_remedy(name: str, wanted: frozenset[str], missing: Sequence[str]) -> str:
    match = _POWER_NAME.fullmatch(name)
    if close := suggestion(name, missing):
        return f"{close}if not, remove the column"
    if match and power_column(match["id"], "load") in wanted:
        return f"add `{match['asset']}: {{}}` to {match['id']} in scenario.yaml, or remove the column"
    if match:
        return f"add a VPP {shown(match['id'])} to scenario.yaml, or remove the column"
    return "remove the column"


def _repeated_columns(tables: Sequence[_CsvFile]) -> Iterator[Fault]:
    home: dict[str, str] = {}
    for table in tables:
        seen: set[str] = set()
        for name in table.header:
            if name in seen or (name not in (PERIOD, START) and name in home):
                value = f"{shown(name)} again, already in {home[name]}"
                yield Fault("must be given only once", value, table.header_place(name), "remove one of them")
            seen.add(name)
            home.setdefault(name, table.name)


def _missing_columns(
    tables: Sequence[_CsvFile], missing: Sequence[str], told: Mapping[str, Parameter]
) -> Iterator[Fault]:
    place = " or ".join(table.name for table in tables) + (":1" if len(tables) == 1 else "")
    remedies = {
        "load": "add the column, in MW; zeros where there is no load",
        "wt": "add the column, in MW, or take `wt` out of scenario.yaml",
        "pv": "add the column, in MW, or take `pv` out of scenario.yaml",
    }
    for name in missing:
        match = _POWER_NAME.fullmatch(name)
        remedy = remedies[match["asset"]] if match else "add the column, in CNY/MWh"
        if name in told:
            remedy = f"add the column, in {told[name].unit}, or take what calls for it out of scenario.yaml"
        yield Fault("required column", "nothing", f"{place} column {name}", remedy)


def _shortened(faults: Iterable[Fault], most: int, place: str) -> list[Fault]:
    """The first faults of a column or a file, and how many more there are."""
    found = iter(faults)
    return [*islice(found, most), *more_faults(sum(1 for _ in found), place)]
