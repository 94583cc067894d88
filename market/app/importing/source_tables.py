"""Reads the tables of a source, by the one reader of the house, and tells what is wrong in one message each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from market.errors import Fault, ScenarioError
from market.scenario.faults import suggestion
from market.scenario.fields import Section
from market.scenario.series.source import SourceSection
from market.scenario.series.table import CellTable, read_table
from market.scenario.shown_value import shown


def refuse(rule: str, value: object, place: str, remedy: str) -> NoReturn:
    """ScenarioError of one fault."""
    raise ScenarioError([Fault(rule, value if isinstance(value, str) else shown(value), place, remedy)])


def table_of(path: Path, **form: object) -> CellTable:
    """The table of a file. form : as a series says it, such as sep or header · ScenarioError if it has none"""
    source: Section = SourceSection.model_validate({"file": path.name, **form})
    found = read_table(path.parent, source, str(path.parent))
    if isinstance(found, Fault):
        raise ScenarioError([found])
    return found


def bytes_of(path: Path) -> bytes:
    """The bytes of a file. ScenarioError if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        refuse("must be a file that can be read", error.strerror or "not", str(path), "correct its name")


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A row of a table by the names of its columns. place : for messages"""

    cells: Mapping[str, str]
    place: str

    def text(self, *names: str, default: str | None = None) -> str:
        """What stands in the first of these columns that there is; without a default it has to be there."""
        found = next((self.cells[name] for name in names if self.cells.get(name)), default)
        if found is None:
            known = list(self.cells)
            hint = suggestion(names[0], known)
            refuse(f"must have a column {names[0]}", f"only {', '.join(known[:12])}", self.place, f"{hint}add it")
        return found

    def number(self, *names: str, default: float | None = None, least: float | None = None) -> float:
        """The same as a number, at least `least`."""
        told = self.text(*names, default=None if default is None else repr(default))
        try:
            value = float(told)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or (least is not None and value < least):
            limit = "" if least is None else f", at least {least:g}"
            refuse(f"must be a number{limit}", shown(told), f"{self.place} column {names[0]}", "correct the cell")
        return value


def rows_of(table: CellTable) -> Iterator[SourceRow]:
    """Its rows."""
    for place, cells in enumerate(table.cells):
        yield SourceRow(dict(zip(table.header, cells, strict=True)), table.place(place))
