"""Reads a table of text cells: any CSV by what is said of its form; Parquet and Excel by the extra `tables`."""

from __future__ import annotations

import codecs
import csv
import io
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from market.errors import Fault
from market.extras import missing
from market.scenario.faults import suggestion
from market.scenario.fields import Section
from market.scenario.shown_value import shown
from market.system_fault import reason_of

MAX_MEBIBYTES = 256
EXTRA = "tables"
_EXCEL = (".xlsx", ".xlsm")
_PARQUET = (".parquet", ".pq")
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MARKS = {";": "a semicolon", "\t": "a tabulator", "|": "a stroke", ",": "a comma"}


@dataclass(frozen=True, slots=True)
class CellTable:
    """Cells as text by column, each row with the line that it stands on. name : of the file, for messages"""

    name: str
    header: tuple[str, ...]
    cells: Sequence[Sequence[str]]
    lines: Sequence[int]

    def place(self, row: int, column: str = "") -> str:
        """For messages."""
        return f"{self.name}:{self.lines[row]}{f' column {column}' if column else ''}"

    def column(self, wanted: str | int, where: str) -> tuple[str, list[str]] | Fault:
        """A column's name and cells, by its name or its number from 1; or that there is none, or two."""
        if isinstance(wanted, int):
            if not 1 <= wanted <= len(self.header):
                rule = f"must be the number of a column, 1 to {len(self.header)}"
                return Fault(rule, str(wanted), where, f"{self.name} has {_listed(self.header)}")
            place = wanted - 1
        else:
            found = [index for index, name in enumerate(self.header) if name == wanted]
            if len(found) != 1:
                remedy = f"{suggestion(wanted, self.header)}{self.name} has {_listed(self.header)}"
                rule = "must be a column of the file" if not found else "must be the name of one column only"
                return Fault(rule, shown(wanted), where, remedy if not found else "give its number from 1")
            place = found[0]
        return self.header[place], [row[place] for row in self.cells]


def read_table(folder: Path, source: Section, where: str) -> CellTable | Fault:
    """The table of a source's file. where : the place in `scenario.yaml` that names it"""
    root = folder / source.root if source.root else folder
    name = source.file if not source.root else f"{source.root.rstrip('/')}/{source.file}"
    path = root / source.file
    if source.root and not os.path.isdir(root):
        return Fault("must be a folder", "no such folder", f"{where}.root {source.root}", "correct the root")
    if not os.path.isfile(path):
        remedy = f"put it there, correct its name, or say root: where it is; looked for {name}"
        return Fault("must be a file", "no such file", f"{where}.file {source.file}", remedy)
    ending = path.suffix.lower()
    if ending in (*_EXCEL, *_PARQUET):
        return _workbook(path, name, source, where, excel=ending in _EXCEL)
    try:
        with path.open("rb") as file:
            data = file.read((MAX_MEBIBYTES << 20) + 1)
    except OSError as error:
        return Fault("must be readable", reason_of(error), name, "give yourself the right to read it")
    if len(data) > MAX_MEBIBYTES << 20:
        return Fault(f"must have at most {MAX_MEBIBYTES} MiB", "more", name, "split the file, or take Parquet")
    text = _decoded(data, name, source.encoding or "utf-8-sig", where)
    return text if isinstance(text, Fault) else _csv(text, name, source, where)


def _decoded(data: bytes, name: str, encoding: str, where: str) -> str | Fault:
    try:
        codecs.lookup(encoding)
        text = data.decode(encoding)
    except (LookupError, UnicodeEncodeError):
        return Fault(
            "must be a known encoding", shown(encoding), f"{where}.encoding", "say utf-8, latin-1 or cp1252"
        )
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{data[error.start]:02x}"
        known = "utf-16" if data[:2] in _UTF_16 else "latin-1, or cp1252, as the file has it"
        rule = f"must be text in {encoding.removesuffix('-sig')}"
        return Fault(rule, found, f"{name}:{line}", f"say encoding: {known}")
    return text.removeprefix("\ufeff")


def _csv(text: str, name: str, source: Section, where: str) -> CellTable | Fault:
    sep = source.sep or ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=sep, skipinitialspace=True, strict=True)
    rows, lines = list[list[str]](), list[int]()
    try:
        for row in reader:
            if row and any(cell.strip() for cell in row) and reader.line_num > (source.skip or 0):
                rows.append([cell.strip() for cell in row])
                lines.append(reader.line_num)
    except csv.Error as error:
        return Fault("must be readable CSV", str(error), f"{name}:{reader.line_num}", "correct the quotes there")
    if not rows:
        return Fault("must not be empty", "no rows", name, "give a file with a header and rows, or a smaller skip")
    if source.thousands == sep and not any(sep in cell for row in rows for cell in row):
        rule = "must not be the mark that stands between columns, unless cells have quotes"
        return Fault(rule, repr(sep), f"{where}.thousands", "correct thousands: or sep:")
    head = rows[0]
    if len(head) == 1 and (other := next((mark for mark in _MARKS if mark != sep and mark in head[0]), None)):
        rule = f"must have {_MARKS.get(sep, repr(sep))} between its columns, as the series or its defaults say"
        written = '"\\t"' if other == "\t" else f'"{other}"'
        return Fault(rule, shown(head[0]), f"{name}:{lines[0]}", f"say sep: {written}")
    named = source.header is not False
    header = tuple(head) if named else tuple(str(place) for place in range(1, len(head) + 1))
    while (
        named and len(header) > 1 and not header[-1] and all(len(r) < len(header) or not r[-1] for r in rows[1:])
    ):
        header, rows = header[:-1], [rows[0], *(row[: len(header) - 1] for row in rows[1:])]
    body, at = (rows[1:], lines[1:]) if named else (rows, lines)
    for row, line in zip(body, at, strict=True):
        if len(row) != len(header):
            return _uneven(row, header, f"{name}:{line}")
    return CellTable(name, header, body, at)


def _uneven(row: Sequence[str], header: Sequence[str], place: str) -> Fault:
    remedy = "complete the row; a decimal comma between cells parted by commas has to be told by sep"
    if len(header) == 1:
        remedy = "say skip: N if the first N lines stand above the header"
    return Fault(f"must have {len(header)} cells, like the header", f"{len(row)} cells", place, remedy)


def _workbook(path: Path, name: str, source: Section, where: str, *, excel: bool) -> CellTable | Fault:
    """A sheet or a Parquet file as text; numbers keep every digit."""
    if fault := missing(EXTRA, f"{where}.file {source.file}"):
        return fault
    from market.scenario.series.workbook import read_workbook

    try:
        header, cells = read_workbook(path, source.sheet, skip=source.skip or 0) if excel else read_workbook(path)
    except Exception as error:  # whatever its library raises for a file that is none
        found = re.sub(r"\s+", " ", f"{type(error).__name__}: {error}")[:200]
        kind = "Excel" if excel else "Parquet"
        return Fault(f"must be a readable {kind} file", found, name, "save it anew, or as CSV")
    return CellTable(name, header, cells, range(2 + (source.skip or 0), 2 + (source.skip or 0) + len(cells)))


def _listed(names: Sequence[str]) -> str:
    few = ", ".join(name or "''" for name in names[:12])
    return few + (f" and {len(names) - 12} more" if len(names) > 12 else "")
