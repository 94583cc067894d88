"""When each row of a table is: its stamps as moments, by the clocks of a zone, and faults for what is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

import numpy as np

from market.errors import Fault
from market.model.arrays import Array
from market.model.calendar import NoSuchTime, zone_of
from market.scenario.fields import Section
from market.scenario.series.table import CellTable
from market.scenario.shown_value import shown

_MOST = 3


@dataclass(frozen=True, slots=True)
class RowTimes:
    """Seconds since 1970 of each row, in their order, and the stamps as they are written."""

    seconds: Array
    written: Sequence[str]


def row_times(table: CellTable, source: Section, tz: str, where: str) -> RowTimes | list[Fault]:
    """The times of all rows, each later than the one before. where : the place in `scenario.yaml`"""
    names = source.time if isinstance(source.time, list) else [source.time]
    columns = [table.column(name, f"{where}.time") for name in names]
    if faults := [column for column in columns if isinstance(column, Fault)]:
        return faults
    cells = [column[1] for column in columns if not isinstance(column, Fault)]
    written = cells[0] if len(cells) == 1 else [" ".join(parts) for parts in zip(*cells, strict=True)]
    try:
        zone = zone_of(source.tz or tz)
    except NoSuchTime as error:
        return [Fault(error.rule, shown(source.tz), f"{where}.tz", error.remedy)]
    name = " ".join(map(str, names))
    found = _StampReader(table, name, zone, None if source.time_format == "iso" else source.time_format)
    seconds = found.read(written)
    return found.faults or RowTimes(seconds, written)


class _StampReader:
    """Reads one column of stamps; clocks that go back are told by their order."""

    def __init__(self, table: CellTable, column: str, zone: tzinfo, form: str | None) -> None:
        self._table, self._column, self._zone, self._form = table, column, zone, form
        self.faults = list[Fault]()

    def read(self, written: Sequence[str]) -> Array:
        seconds = np.full(len(written), np.nan)
        before: datetime | None = None
        second = False  # whether the clocks have been put back already
        for row, text in enumerate(written):
            when = self._stamp(text, row)
            if len(self.faults) >= _MOST:
                break
            if when is None:
                continue
            if when.tzinfo is None:
                if self._leapt(when):
                    rule = f"must be a time that the clocks of {self._zone} show; they leap over this one"
                    self._refuse(row, text, rule, "if the file keeps one time all year, say tz: +01:00 or tz: UTC")
                    continue
                first, again = (when.replace(tzinfo=self._zone, fold=fold) for fold in (0, 1))
                twice = first.utcoffset() != again.utcoffset()
                second = twice and (second or (before is not None and when <= before))
                before, when = when, again if second else first
            seconds[row] = when.timestamp()
        if not self.faults:
            self._order(seconds, written)
        return seconds

    def _stamp(self, text: str, row: int) -> datetime | None:
        try:
            if self._form == "unix":
                return datetime.fromtimestamp(float(text), UTC)
            return datetime.strptime(text, self._form) if self._form else datetime.fromisoformat(text)
        except (ValueError, OverflowError, OSError):
            told = f"as time_format {self._form}" if self._form else "in ISO 8601"
            example = "%d.%m.%Y %H:%M" if "." in text else "%m/%d/%Y %H:%M" if "/" in text else "%Y%m%d %H%M"
            remedy = "correct the cell, or time_format" if self._form else f'say time_format, such as "{example}"'
            self._refuse(row, text, f"must be a time {told}", remedy)
            return None

    def _leapt(self, naive: datetime) -> bool:
        there = naive.replace(tzinfo=self._zone)
        return there.astimezone(UTC).astimezone(self._zone).replace(tzinfo=None) != naive

    def _order(self, seconds: Array, written: Sequence[str]) -> None:
        for row in (np.flatnonzero(np.diff(seconds) <= 0) + 1).tolist():
            again = seconds[row] in seconds[:row]
            rule = "must be each time only once" if again else "must be in the order of time"
            remedy = "remove one of the two rows" if again else "sort the rows by time"
            if again and row + 1 < len(seconds):
                remedy += "; where clocks are put back the whole hour stands twice, one after the other"
            self._refuse(row, written[row], rule, remedy)
            if len(self.faults) >= _MOST:
                return

    def _refuse(self, row: int, text: str, rule: str, remedy: str) -> None:
        found: Any = "an empty cell" if not text else shown(text)
        self.faults.append(Fault(rule, found, self._table.place(row, self._column), remedy))
