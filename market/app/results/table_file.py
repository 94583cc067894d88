"""Reads a table of a run folder from its CSV file, or refuses it: by its columns and the values in them."""

from __future__ import annotations

import csv
import io
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np

from market.app.results.columns import COLUMNS, NAMES, TEXTS, WORDS, forms_of, words_of
from market.app.results.document import refused
from market.app.results.kept import TableFormat
from market.app.results.manifest_shape import REMEDY
from market.app.results.records import TEXT, Records, records_of_columns
from market.app.results.shapes import LARGEST
from market.app.results.table import Table
from market.app.results.table_writer import file_of
from market.app.results.telling import START, Telling
from market.errors import ScenarioError
from market.extras import need
from market.scenario.private import AT_ONCE

_NOBODY = ("", "system")  # whom a name may mean beside VPPs


@dataclass(frozen=True, slots=True)
class Place:
    """What rows may speak of: the VPPs of the run, and its periods, from 1 to so many; and how they are told."""

    vpps: tuple[str, ...]
    periods: int
    told: Telling = field(default_factory=Telling)


def read_table(folder: Path, name: str, place: Place, format: TableFormat = TableFormat.CSV) -> Records:
    """A table. ScenarioError if it is not what a run leaves, naming the first column that is not."""
    path = folder / file_of(name, format)
    records = (_from_csv if format is TableFormat.CSV else _from_parquet)(path, name, place)
    for column, rule, value in _misfits(name, records, place):
        raise _refused(f"{path}: {column}", rule, value)
    return records


def _from_csv(path: Path, name: str, place: Place) -> Records:
    try:
        header, cells, widths = _cells(_text(path))
    except (OSError, ValueError, csv.Error) as error:
        raise _refused(path, "a run folder holds this table", _reason(error)) from None
    own, wanted = _checked_header(path, name, header, place)
    if widths - {len(header)}:
        raise _refused(path, "every row has a cell for each column", "a row that has not")
    columns = [cells[at :: len(header)] for at in range(len(header))]
    if START in wanted:
        _check_starts(columns, wanted.index(START), place.told.starts, path)
        del columns[wanted.index(START)]
    try:
        return records_of_columns(list(own), columns)
    except (ValueError, OverflowError) as error:
        raise _refused(path, "numbers stand where numbers belong", str(error)[:200]) from None


def _from_parquet(path: Path, name: str, place: Place) -> Records:
    need("parquet", f"the Parquet tables of {path.parent}")
    from market.app.results.parquet import read_parquet

    try:
        header, records = read_parquet(path)
    except (OSError, ValueError) as error:
        raise _refused(path, "a run folder holds this table", _reason(error)) from None
    own, wanted = _checked_header(path, name, header, place)
    if START in wanted:
        stamps = np.array(["", *place.told.starts], dtype=TEXT)
        number = np.where(records["period"] <= place.periods, np.maximum(records["period"], 0), 0)
        other = np.flatnonzero(records[START] != stamps[number])
        if other.size:
            rule = "must be when its period begins"
            raise _refused(f"{path}: {START}", rule, repr(records[START][other[0]])[:60])
    kept = (column for column in wanted if column != START)
    return Records({ours: records[theirs] for ours, theirs in zip(own, kept, strict=True)})


def _check_starts(columns: Sequence[Sequence[str]], at: int, starts: tuple[str, ...], path: Path) -> None:
    """The time that each row's period begins at is that of the run's horizon."""
    for number, told in zip(columns[at - 1], columns[at], strict=True):
        known = number.isascii() and number.isdigit() and 0 < int(number) <= len(starts)
        wanted = starts[int(number) - 1] if known else ""
        if told != wanted:
            raise _refused(f"{path}: {START}", f"must be {wanted} in period {number[:20]}", repr(told)[:60])


def _cells(text: str) -> tuple[list[str], list[str], set[int]]:
    """Header, all cells below it one after the other, and the lengths of their rows. ValueError if there is none.

    Long tables are read in half the time where no row of theirs is kept as a list.
    """
    widths: set[int] = set()

    def counted(row: list[str]) -> list[str]:
        widths.add(len(row))
        return row

    reader = csv.reader(io.StringIO(text))
    header = next(reader, None)
    if header is None:
        raise ValueError("an empty file")
    return header, list(chain.from_iterable(map(counted, reader))), widths


def _checked_header(
    path: Path, name: str, header: Sequence[str], place: Place
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns that a table has, and the same as they are written."""
    for columns in forms_of(name):
        if tuple(header) == (wanted := place.told.columns(columns)):
            return columns, wanted
    first = ", ".join(place.told.columns(COLUMNS[name]))
    raise _refused(path, f"its columns must be {first}", ", ".join(header)[:200])


def _text(path: Path) -> str:
    """The text of an ordinary file: a pipe would hold us up."""
    descriptor = os.open(path, os.O_RDONLY | AT_ONCE)
    with os.fdopen(descriptor, encoding="utf-8", newline="") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("something that is no ordinary file")
        return file.read()


def text_of(path: Path) -> str:
    """A table's file as CSV, whatever its format. OSError or ValueError if it is none."""
    if path.suffix != f".{TableFormat.PARQUET.value}":
        return path.read_text(encoding="utf-8")
    need("parquet", str(path))
    from market.app.results.parquet import read_parquet

    header, records = read_parquet(path)
    return Table.of_blocks(path.stem, header, lambda: iter([records])).csv()


def _misfits(table: str, records: Records, place: Place) -> Iterator[tuple[str, str, str]]:
    """Each column that holds what it cannot, with the rule and the first such value."""
    who = frozenset((*place.vpps, *_NOBODY))
    for name, column in records.columns.items():
        if name in TEXTS:
            continue
        if name in NAMES or name in WORDS:
            known = who if name in NAMES else words_of(table, name)
            if strangers := [value for value in column.tolist() if value not in known]:
                words = ", ".join(sorted(known))
                rule = "must name VPPs of the run" if name in NAMES else f"must be one of {words}"
                yield name, rule, repr(strangers[0])[:60]
            continue
        low, high = _limits(name, place)
        outside = (column < low) | (column > high)
        if outside.any():
            yield name, f"must be of {low:g} to {high:g}", str(column[np.argmax(outside)])


def _limits(name: str, place: Place) -> tuple[float, float]:
    if name == "period":
        return 1, place.periods
    if name == "stage":
        return 1, 5
    return (-np.inf, np.inf) if name == "sdr" else (-LARGEST, LARGEST)  # a VPP with no demand


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or "an empty file").lower()


def _refused(place: Path | str, rule: str, value: str) -> ScenarioError:
    return refused(place, rule, value, REMEDY)
