"""Guesses the form of a CSV file where it is not said: its marks, its column of times, and how those are written.

A guess is made only where one answer fits; it is written into the scenario, where it can be corrected.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Final, NoReturn

from market.app.importing.draft import Fields
from market.app.importing.source_tables import refuse
from market.scenario.series.marks import broken_marks, plain_marks
from market.scenario.series.table import CellTable
from market.scenario.shown_value import shown

FORMATS: Final = (
    *("%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M:%S"),
    *("%m/%d/%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%Y/%m/%d %H:%M", "%Y%m%d%H%M", "%Y%m%d %H%M", "%Y%m%d%H"),
)
_KNOWN: Final = ("iso", *FORMATS)
_SAY_HOW: Final = "say --time and --time-format, such as '%d.%m.%Y %H:%M'"
_WIDTHS: Final = {"%Y%m%d%H%M": 12, "%Y%m%d %H%M": 13, "%Y%m%d%H": 10}
_MARKS: Final = ";\t|,"
_SAMPLE: Final = 2000


@dataclass(frozen=True, slots=True)
class CsvForm:
    """The form of a file, as a series says it; what is None is still to be guessed."""

    sep: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None
    skip: int | None = None
    time: str | None = None
    time_format: str | None = None
    stamp: str | None = None
    gaps: str | None = None
    longest_gap: str | None = None
    clip: str | None = None

    def table_fields(self) -> Fields:
        """What tells how to cut the file into cells."""
        return {name: value for name in ("sep", "encoding", "skip") if (value := getattr(self, name)) is not None}

    def fields(self) -> Fields:
        """What a series says of its file; what is usual is left out."""
        usual = {"sep": ",", "decimal": ".", "time_format": "iso", "stamp": "start"}
        names = ("sep", "decimal", "thousands", "encoding", "skip", "time", "time_format", "stamp", "gaps")
        told = {name: getattr(self, name) for name in (*names, "longest_gap", "clip")}
        return {name: value for name, value in told.items() if value is not None and usual.get(name) != value}


def check_marks(form: CsvForm) -> None:
    """ScenarioError where marks that are said cannot be."""
    for broken in broken_marks(form.sep, form.decimal, form.thousands):
        refuse(broken.rule, broken.value, f"--{broken.field}", broken.remedy)


def with_sep(form: CsvForm, text: str) -> CsvForm:
    """The form with the mark between its columns: the one that the header has most of.

    A first line such as `sep=;`, by which Excel is told, is no header.
    """
    if form.sep is not None:
        return form
    if form.skip is None and (said := re.match(r"sep=(.)\r?\n", text)):
        return replace(form, sep=said[1], skip=1)
    header = next((line for line in text.splitlines()[form.skip or 0 :] if line.strip()), "")
    return replace(form, sep=max(_MARKS, key=lambda mark: (header.count(mark), -_MARKS.index(mark))))


def with_marks_and_time(form: CsvForm, table: CellTable, wanted: Sequence[str], place: str) -> CsvForm:
    """The form with its marks, its column of times and how they are written. wanted : columns of numbers"""
    decimal, thousands = _marks(form, table, wanted)
    check_marks(replace(form, sep=None, decimal=decimal, thousands=thousands))
    time = form.time or table.header[0]
    if time not in table.header:
        refuse(
            "must be a column of the file", shown(time), "--time", f"{place} has {', '.join(table.header[:12])}"
        )
    written = form.time_format or _format(table, time)
    return replace(form, decimal=decimal, thousands=thousands, time=time, time_format=written)


def moments(form: CsvForm, table: CellTable) -> list[datetime]:
    """The times of the rows as the file writes them."""
    assert form.time is not None
    column = table.header.index(form.time)
    rows = [(number, row[column]) for number, row in enumerate(table.cells) if row[column]]
    text = form.time_format or "iso"
    for number, cell in rows:
        if not _fits(cell, text):
            remedy = "correct the cell, or say --time-format as the file has it, such as '%d.%m.%Y %H:%M'"
            refuse(f"must be a time written as {text}", shown(cell), table.place(number, form.time), remedy)
    return [_parsed(cell, text) for _, cell in rows]


def usual_step_s(times: Sequence[datetime]) -> float:
    """The most frequent distance of two rows."""
    steps = [(after - before).total_seconds() for before, after in pairwise(times)]
    return max(sorted(set(steps)), key=steps.count) if steps else 0.0


def refuse_steps(times: Sequence[datetime], place: str) -> NoReturn:
    """ScenarioError for times that tell no distance of rows: too few, or not ascending."""
    if len(times) < 2:
        refuse("must have two rows or more", f"{len(times)}", place, "give the whole series")
    wrong = next((early, late) for early, late in pairwise(times) if late <= early)
    found = " and then ".join(time.isoformat(" ", "minutes") for time in wrong)
    refuse("must have times that ascend", found, place, "sort the rows by time, the earliest first")


def _marks(form: CsvForm, table: CellTable, wanted: Sequence[str]) -> tuple[str, str | None]:
    """The decimal mark and that between thousands; a number with both, such as 1.200,5, tells which is which."""
    columns = [index for index, name in enumerate(table.header) if name in wanted]
    cells = [row[index] for row in table.cells[:_SAMPLE] for index in columns]
    for decimal, thousands in ((",", "."), (".", ",")):
        both = re.compile(rf"-?\d{{1,3}}({re.escape(thousands)}\d{{3}})+{re.escape(decimal)}\d+")
        if (
            form.thousands in (None, thousands)
            and form.decimal in (None, decimal)
            and any(map(both.fullmatch, cells))
        ):
            return decimal, thousands
    if form.decimal is None and form.thousands is None and form.sep in (";", "\t"):
        _refuse_two_readings([row[index] for row in table.cells for index in columns], table.name)
    return form.decimal or _decimal(form, cells), form.thousands


def _refuse_two_readings(cells: Sequence[str], place: str) -> None:
    """ScenarioError where points may part thousands or be decimal marks: each has three digits behind it.

    Between commas a point is the decimal mark, and below 1, as in 0.125, no thousands are parted.
    """
    pointed = [cell for cell in cells if "." in cell]
    if not pointed or any("," in cell for cell in cells):
        return
    if all(re.fullmatch(r"[-+]?[1-9]\d{0,2}\.\d{3}", cell) for cell in pointed):
        rule = "must have numbers that can be read in one way"
        remedy = "say --decimal . if the point is the decimal mark, or --thousands . if it parts thousands"
        refuse(rule, shown(pointed[0]), place, remedy)


def _decimal(form: CsvForm, cells: Sequence[str]) -> str:
    if form.thousands == ".":
        return ","
    if form.sep == "," or form.thousands == ",":
        return "."
    return "," if any(re.fullmatch(r"-?[\d' ]*,\d+", plain_marks(cell)) for cell in cells) else "."


def _format(table: CellTable, column: str) -> str:
    index = table.header.index(column)
    cells = [(number, row[index]) for number, row in enumerate(table.cells) if row[index]]
    sample = dict((*cells[:_SAMPLE], *cells[-_SAMPLE:]))
    fits = [text for text in _KNOWN if sample and all(_fits(cell, text) for cell in sample.values())]
    if len(fits) > 1:
        rule, place = "must be times that can be read in one way", f"{table.name} column {column}"
        refuse(rule, " or ".join(fits), place, _SAY_HOW)
    if not fits:
        _refuse_times(table, column, sample)
    return fits[0]


def _refuse_times(table: CellTable, column: str, sample: Mapping[int, str]) -> NoReturn:
    """ScenarioError with a time that is not of the form of the others, and its line."""
    usual = max(_KNOWN, key=lambda text: sum(_fits(cell, text) for cell in sample.values()))
    odd = [number for number, cell in sample.items() if not _fits(cell, usual)]
    if not odd:
        refuse("must hold times", "none", f"{table.name} column {column}", _SAY_HOW)
    cell, remedy = sample[odd[0]], _SAY_HOW
    if re.match(r"\d{4}-\d{2}-\d{2}", cell):
        remedy = "correct it: no calendar has it; 24:00 is 00:00 of the next day"
    elif len(odd) < len(sample) / 2:
        remedy = f"correct it, or take the row out if it is none of the series; the others are {_told(usual)}"
    elif re.fullmatch(r"\d{9,10}(\.\d+)?", cell):
        remedy = "say --time-format unix if they are seconds since 1970"
    elif re.fullmatch(r"\d{12,13}", cell):
        remedy = "divide them by 1000 if they are milliseconds since 1970, and say --time-format unix"
    refuse("must be a time of a form that is known", repr(cell), table.place(odd[0], column), remedy)


def _told(text: str) -> str:
    return "in ISO 8601" if text == "iso" else f"written as {text}"


def _fits(cell: str, text: str) -> bool:
    try:
        _parsed(cell, text)
    except (ValueError, OverflowError, OSError):
        return False
    return True


def _parsed(cell: str, text: str) -> datetime:
    if text == "iso":
        if not re.match(r"\d{4}-\d{2}-\d{2}", cell):
            raise ValueError(cell)
        return datetime.fromisoformat(cell)
    if text == "unix":
        return datetime.fromtimestamp(float(cell)).astimezone()
    if len(cell) < _WIDTHS.get(text, 0):
        raise ValueError(cell)  # strptime would take 2024050110 for ten past one
    return datetime.strptime(cell, text)
