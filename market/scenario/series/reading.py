"""One source on the periods of a horizon: rows taken, gaps filled, resampled; and what was done, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from market.errors import Fault
from market.model.arrays import Array
from market.model.calendar import starts, zone_of
from market.model.rules import Horizon
from market.model.units import Dimension
from market.scenario.fields import Section
from market.scenario.scenario import STAMPED
from market.scenario.series.clock import RowTimes, row_times
from market.scenario.series.marks import broken_marks
from market.scenario.series.numbers import numbers
from market.scenario.series.resample import filled, held, mean_of_instants, mean_of_intervals, runs
from market.scenario.series.source import LONGEST_GAP_H, Gaps, Resample, Stamp
from market.scenario.series.table import CellTable, read_table

_ENERGY: Dimension = (0, 1, 1, 0, 0)
_PRICE: Dimension = (1, -1, -1, 0, 0)
_UNFILLED = {Gaps.HOLD: ", none at its beginning", Gaps.LINEAR: ", none at its ends", Gaps.ZERO: ""}
_MOST = 5
_NEAR_S = 1e-3


@dataclass(frozen=True, slots=True)
class OnPeriods:
    """Numbers of a source, one for each period, in its own unit; of energy, for each hour. told : what was done"""

    values: Array
    resample: Resample
    told: str


@dataclass(slots=True)
class FileReader:
    """Reads sources of one scenario; tables and their times are kept, since many series share a file."""

    folder: Path
    horizon: Horizon
    faults: list[Fault] = field(default_factory=list)
    _tables: dict[Any, CellTable | Fault] = field(default_factory=dict)
    _times: dict[Any, RowTimes | list[Fault]] = field(default_factory=dict)

    def read(self, source: Section, dimension: Dimension, where: str) -> OnPeriods | None:
        """A source's numbers, or None where there are faults. dimension : of its unit"""
        before = len(self.faults)
        table = self._table(source, where)
        if table is None or not self._apart(source, where):
            return None
        if source.column is None:
            listed = ", ".join(table.header[:12])
            self.faults.append(
                Fault("must say which column", "nothing", f"{where}.column", f"the file has {listed}")
            )
            return None
        column = table.column(source.column, f"{where}.column")
        if isinstance(column, Fault):
            self.faults.append(column)
            return None
        how = source.resample or _usual(dimension)
        if how is Resample.SUM and dimension != _ENERGY:
            rule, remedy = (
                "must be mean or hold for what is no energy",
                "give the unit as Wh, kWh or MWh, or take mean",
            )
            self.faults.append(Fault(rule, "sum", f"{where}.resample", remedy))
            return None
        if how is not Resample.SUM and dimension == _ENERGY:
            rule = "must be sum for energy of each interval"
            self.faults.append(
                Fault(rule, how.value, f"{where}.resample", "leave it out, or give the unit as kW or MW")
            )
            return None
        if source.time is None:
            found = self._in_order(table, column, source, how, where)
        else:
            found = self._by_time(table, column, source, how, where)
        return found if len(self.faults) == before else None

    def _table(self, source: Section, where: str) -> CellTable | None:
        cut = (source.sep, source.thousands, source.encoding, source.skip, source.header)
        key = (source.root, source.file, source.sheet, *cut)
        if key not in self._tables:
            self._tables[key] = read_table(self.folder, source, where)
            if isinstance(fault := self._tables[key], Fault):
                self.faults.append(fault)
        table = self._tables[key]
        return None if isinstance(table, Fault) else table

    def _apart(self, source: Section, where: str) -> bool:
        """Whether the marks of numbers are two, with what the defaults say, and a point where nothing does."""
        found = list(broken_marks(None, source.decimal or ".", source.thousands))
        self.faults += [Fault(each.rule, each.value, f"{where}.{each.field}", each.remedy) for each in found]
        return not found

    def _in_order(
        self, table: CellTable, column: tuple[str, list[str]], source: Section, how: Resample, where: str
    ) -> OnPeriods | None:
        """A row for each period."""
        name, cells = column
        if len(cells) != self.horizon.periods:
            rule = f"must have a row for each of the {self.horizon.periods} periods, where no time column is named"
            remedy = f"say time: and which of {', '.join(table.header[:8])} holds it, or give as many rows"
            self.faults.append(Fault(rule, f"{len(cells)} rows", f"{table.name} ({where})", remedy))
            return None
        values = self._numbers(table, name, cells, source, range(len(cells)))
        if values is None:
            return None
        missing = np.isnan(values)
        places = [table.place(start, name) for start, _ in runs(missing)]
        values = self._filled(values, source, self.horizon.period_h, places, f"{table.name} ({where})")
        if how is Resample.SUM:
            values = values / self.horizon.period_h
        return OnPeriods(values, how, f"{table.name} {name}, a row a period{_told_gaps(missing, source)}")

    def _by_time(
        self, table: CellTable, column: tuple[str, list[str]], source: Section, how: Resample, where: str
    ) -> OnPeriods | None:
        if not self.horizon.start:
            remedy = (
                "say when the periods begin: horizon: {start: 2016-06-15, days: 1, step: 15min, tz: Europe/Berlin}"
            )
            rule = "must come with horizon.start, since its rows have times"
            self.faults.append(Fault(rule, "no start", f"{where}.time", remedy))
            return None
        times = self._row_times(table, source, where)
        if times is None or not self._several(times, table, where):
            return None
        step_s = source.step_h * 3600.0 if source.step_h else _usual_step_s(times.seconds)
        instant, end = source.stamp is Stamp.INSTANT, source.stamp is Stamp.END
        begins = times.seconds - (step_s if end else 0.0)
        edges = self._edges()
        wanted = _rows_for(begins, step_s, edges, instant)
        values = self._numbers(table, column[0], column[1], source, wanted)
        if values is None or not self._regular(table, times, begins, wanted, step_s, where):
            return None
        slots = _slots(begins, wanted, values, step_s, edges, instant)
        missing = np.isnan(slots.values)
        places = [self._clock(slots.first_s + at * step_s) for at, _ in runs(missing)]
        hint = _shifted(begins, step_s, edges, end, instant) or self._short(begins, step_s, edges, instant)
        filled_values = self._filled(
            slots.values, source, step_s / 3600.0, places, f"{table.name} ({where})", hint
        )
        if np.isnan(filled_values).any():
            return None
        if how is Resample.HOLD and step_s < (edges[1] - edges[0]) - _NEAR_S and not instant:
            rule = "must not leave numbers out: rows are nearer than periods"
            remedy = "say resample: mean, or take a shorter step"
            self.faults.append(Fault(rule, f"hold, rows every {_length(step_s)}", f"{where}.resample", remedy))
            return None
        made = _on_periods(slots, filled_values, step_s, edges, how, instant)
        rows = (
            f"{len(wanted)} rows of {_length(step_s)} from {times.written[wanted[0]] if len(wanted) else 'none'}"
        )
        stamp = (source.stamp or Stamp.START).value
        told = f"{table.name} {column[0]}, {rows}, {STAMPED} {stamp}, {how.value}{_told_gaps(missing, source)}"
        return OnPeriods(made, how, told)

    def _row_times(self, table: CellTable, source: Section, where: str) -> RowTimes | None:
        key = (table.name, source.sheet, str(source.time), source.time_format, source.tz, source.skip)
        if key not in self._times:
            self._times[key] = row_times(table, source, self.horizon.tz, where)
            if isinstance(found := self._times[key], list):
                self.faults += found
        times = self._times[key]
        return None if isinstance(times, list) else times

    def _several(self, times: RowTimes, table: CellTable, where: str) -> bool:
        if len(times.seconds) >= 2:
            return True
        rule, remedy = "must have two rows or more, by which they tell their distance", "give the whole series"
        self.faults.append(Fault(rule, f"{len(times.seconds)} rows", f"{table.name} ({where})", remedy))
        return False

    def _numbers(
        self, table: CellTable, name: str, cells: Sequence[str], source: Section, wanted: Sequence[int]
    ) -> Array | None:
        found = numbers(table, name, cells, source, wanted)
        if isinstance(found, list):
            self.faults += found
            return None
        return found

    def _regular(
        self,
        table: CellTable,
        times: RowTimes,
        begins: Array,
        wanted: Sequence[int],
        step_s: float,
        where: str,
    ) -> bool:
        """Whether rows stand at multiples of their distance."""
        if not len(wanted):
            return True
        off = np.abs((begins[wanted] - begins[wanted[0]]) / step_s % 1.0)
        for row in [wanted[at] for at in np.flatnonzero(np.minimum(off, 1.0 - off) > 1e-6)[:1]]:
            rule = f"must be a multiple of {_length(step_s)} from the row before"
            remedy = "correct the time, or say step: if rows have another distance"
            self.faults.append(Fault(rule, repr(times.written[row]), table.place(row), remedy))
            return False
        return True

    def _filled(
        self, values: Array, source: Section, step_h: float, places: Sequence[str], where: str, hint: str = ""
    ) -> Array:
        """The numbers without gaps; a fault where they have some that may not be filled."""
        missing = np.isnan(values)
        if not missing.any():
            return values
        rule = source.gaps or Gaps.REFUSE
        longest_h = LONGEST_GAP_H if source.longest_gap_h is None else source.longest_gap_h
        found = runs(missing)
        refused = [
            (place, length)
            for place, (_, length) in zip(places, found, strict=True)
            if rule is Gaps.REFUSE or length * step_h > longest_h + 1e-9
        ]
        made = values if rule is Gaps.REFUSE else filled(values, rule.value)
        if refused or np.isnan(made).any():
            named = refused or list(zip(places, (length for _, length in found), strict=True))
            listed = ", ".join(f"{place} ({length} missing)" for place, length in named[:_MOST])
            more = f" and {len(named) - _MOST} more gaps" if len(named) > _MOST else ""
            told = "have no gaps"
            if rule is not Gaps.REFUSE:
                told += f" longer than {longest_h:g} h{_UNFILLED[rule]}"
            needed_h = step_h * max(length for _, length in found)
            longer = f", and longest_gap: {needed_h:g} h" if needed_h > longest_h else ""
            remedy = hint or f"complete the file, or say gaps: hold, linear or zero{longer}"
            self.faults.append(Fault(f"must {told}", f"{listed}{more}", where, remedy))
        return made

    def _short(self, begins: Array, step_s: float, edges: Array, instant: bool) -> str:
        """A hint where the file ends before the horizon does, or begins after it."""
        if not len(begins):
            return ""
        first, last = float(begins.min()), float(begins.max()) + (0.0 if instant else step_s)
        if first <= edges[0] + _NEAR_S and last >= edges[-1] - (step_s if instant else 0.0) - _NEAR_S:
            return ""
        spans = (
            f"{self._clock(first)} to {self._clock(last)}",
            f"{self._clock(edges[0])} to {self._clock(edges[-1])}",
        )
        return (
            f"the file covers {spans[0]}, the horizon {spans[1]}: give a longer file or another horizon, "
            "or say gaps: hold or zero with a longest_gap as long as what is missing"
        )

    def _edges(self) -> Array:
        first = np.array([each.timestamp() for each in starts(self.horizon)])
        return np.append(first, first[-1] + self.horizon.period_h * 3600.0)

    def _clock(self, seconds: float) -> str:
        return (
            datetime.fromtimestamp(round(seconds), UTC)
            .astimezone(zone_of(self.horizon.tz))
            .isoformat(timespec="minutes")
        )


@dataclass(frozen=True, slots=True)
class _Slots:
    """Numbers at equal distances, NaN where there is none; when the first of them begins."""

    first_s: float
    values: Array


def _usual(dimension: Dimension) -> Resample:
    if dimension == _ENERGY:
        return Resample.SUM
    return Resample.HOLD if dimension == _PRICE else Resample.MEAN


def _usual_step_s(seconds: Array) -> float:
    lengths, counts = np.unique(np.round(np.diff(seconds), 3), return_counts=True)
    return float(lengths[np.argmax(counts)])


def _rows_for(begins: Array, step_s: float, edges: Array, instant: bool) -> list[int]:
    """The rows that anything of the horizon depends on."""
    if instant:
        inside = (begins > edges[0] - step_s + _NEAR_S) & (begins < edges[-1] + step_s - _NEAR_S)
    else:
        inside = (begins + step_s > edges[0] + _NEAR_S) & (begins < edges[-1] - _NEAR_S)
    return [int(row) for row in np.flatnonzero(inside)]


def _slots(
    begins: Array, wanted: Sequence[int], values: Array, step_s: float, edges: Array, instant: bool
) -> _Slots:
    """Every interval, or instant, that the horizon needs, in order."""
    phase = begins[wanted[0]] % step_s if len(wanted) else edges[0] % step_s
    first_s = edges[0] - ((edges[0] - phase) % step_s)
    if step_s - ((edges[0] - phase) % step_s) < _NEAR_S:
        first_s = edges[0]
    count = int(np.ceil((edges[-1] - first_s) / step_s - 1e-6))
    if instant and len(wanted) and begins[wanted[-1]] >= edges[-1] - _NEAR_S:
        count += 1
    made = np.full(count, np.nan)
    for row, value in zip(wanted, values, strict=True):
        at = round((begins[row] - first_s) / step_s)
        if 0 <= at < count:
            made[at] = value
    return _Slots(float(first_s), made)


def _on_periods(slots: _Slots, values: Array, step_s: float, edges: Array, how: Resample, instant: bool) -> Array:
    if how is Resample.HOLD:
        return held(slots.first_s, step_s, values, edges)
    if instant:
        return mean_of_instants(slots.first_s + step_s * np.arange(float(len(values))), values, edges)
    made = mean_of_intervals(slots.first_s, step_s, values, edges)
    return made / (step_s / 3600.0) if how is Resample.SUM else made


def _shifted(begins: Array, step_s: float, edges: Array, end: bool, instant: bool) -> str:
    """A hint where rows are off by just one interval: ends taken for starts, or the other way round."""
    if instant or not len(begins):
        return ""
    late = abs(begins[0] - edges[0] - step_s) < _NEAR_S and begins[-1] + step_s > edges[-1] + _NEAR_S
    early = abs(begins[-1] + 2 * step_s - edges[-1]) < _NEAR_S and begins[0] < edges[0] - _NEAR_S
    if late and not end:
        return "if its times are the ends of intervals, say stamp: end"
    return "if its times are the starts of intervals, say stamp: start" if early and end else ""


def _length(seconds: float) -> str:
    minutes = seconds / 60.0
    if minutes < 1.0:
        return f"{seconds:g} s"
    return f"{minutes:g} min" if minutes < 60.0 or minutes % 60.0 else f"{minutes / 60.0:g} h"


def _told_gaps(missing: Any, source: Section) -> str:
    count = int(missing.sum())
    return f", {count} gaps filled: {source.gaps.value}" if count and source.gaps is not None else ""
