"""Runs many days in a row: each an ordinary day that goes on from the one before, its record written last.

A run that breaks off is taken up after its last finished day; what that left decides all that follows, so the
tables are those of a run that nothing has disturbed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from market.app.results.day_record import RECORD, DayRecord, record_document
from market.app.results.days_folder import (
    HEADER,
    Header,
    day_folder,
    drop_unfinished,
    finished,
    header_document,
)
from market.app.results.days_manifest import days_document, days_document_of_abort
from market.app.results.days_tables import days_tables
from market.app.results.folder import RunFolder
from market.app.results.manifest import MANIFEST, RunSpec
from market.app.results.run_metadata import OnProgress, RunProgress
from market.app.results.scenario_copy import keep_scenario
from market.app.results.table import Table
from market.app.results.table_writer import write_table
from market.app.results.telling import telling_of
from market.app.results.written_files import FILES, digests
from market.app.runs.day_end import DayResult, Pasts, record_of
from market.app.runs.run_day import json_text
from market.errors import DispatchError, Fault, RunError, ScenarioError
from market.model.rules import Horizon
from market.rolling.cut import window_scenario
from market.rolling.plant_state import PlantState
from market.rolling.windows import PlanWindow, rolling_of, windows
from market.scenario.private import create_folder
from market.scenario.scenario import Scenario
from vpp_nodes.memory import peak_memory_mb

MOST_WHOLE_DAYS = 31
"""Days up to which each day's folder is written whole unasked; of more a record is kept, from which it follows."""


@dataclass(frozen=True, slots=True)
class OneDay:
    """A day to run: as an ordinary run, what is planned in it, and how each VPP begins it."""

    what: RunSpec
    window: PlanWindow
    states: Mapping[str, PlantState]


RunOne: TypeAlias = Callable[[OneDay, RunFolder | None, OnProgress], DayResult]
"""Runs one day, into its folder; None where the folder is not to be filled."""
Way: TypeAlias = Callable[[], AbstractContextManager[RunOne]]
"""A way of running days, open as long as the run goes on."""


@dataclass(frozen=True, slots=True)
class DaysSpec:
    """A run of many days. what : of the whole scenario · windows : its plans, as many as are run

    whole : whether each day's folder is filled with all that an ordinary run leaves
    """

    what: RunSpec
    windows: tuple[PlanWindow, ...]
    whole: bool

    @property
    def scenario(self) -> Scenario:
        """The whole scenario."""
        return self.what.scenario

    @property
    def horizon(self) -> Horizon:
        """The periods of the days that are run: those kept, of the whole horizon."""
        last = self.windows[-1]
        return replace(self.scenario.public.horizon, periods=last.first + last.kept)

    @property
    def header(self) -> Header:
        """What its folder says of it from the first."""
        what = self.what
        return Header(
            scenario_digest=what.scenario.digest,
            seed=what.seed,
            in_process=what.in_process,
            days=len(self.windows),
            whole=self.whole,
            audit=what.audit.value,
            started=what.started.isoformat(timespec="seconds"),
            keep=what.keep,
        )


@dataclass(frozen=True, slots=True)
class DaysReport:
    """A run of many days that came to its end. tables : `days`, `costs`, `periods`, as they are written"""

    spec: DaysSpec
    folder: Path
    manifest: Mapping[str, Any]
    tables: Mapping[str, Table]

    @property
    def scenario(self) -> Scenario:
        """The whole scenario."""
        return self.spec.scenario

    @property
    def broken_laws(self) -> list[str]:
        """The laws of settlement that a day does not obey."""
        laws: list[str] = self.manifest["broken_laws"]
        return laws


def days_spec(what: RunSpec, days: int | None = None, *, whole: bool | None = None) -> DaysSpec:
    """What is to be run: every day of the scenario, or its first so many.

    whole : None for what the number of days decides. ScenarioError where they do not fit its series.
    """
    found = windows(what.scenario.public.horizon, rolling_of(what.scenario), days)
    filled = len(found) <= MOST_WHOLE_DAYS or not what.in_process if whole is None else whole
    return DaysSpec(what, found, filled)


def run_days(spec: DaysSpec, way: Way, folder: RunFolder, on_progress: OnProgress, since: float) -> DaysReport:
    """Run all days that are not finished yet, and write the tables over all of them; the manifest last.

    since : `time.monotonic()` at the start of the command. Raises what a day raises, its number before it.
    """
    run = folder.path
    try:
        keep_scenario(spec.scenario, run)
        if not os.path.exists(run / HEADER):
            folder.write(HEADER, json_text(header_document(spec.header)))
        _go_on(spec, way, folder, on_progress)
        on_progress(RunProgress("writing the tables"))
        return _conclude(spec, folder, since)
    except BaseException as error:
        reason = "interrupted" if isinstance(error, KeyboardInterrupt) else str(error) or type(error).__name__
        with suppress(RunError, ScenarioError):  # what broke the run is what people are to see
            _write_tables(spec, folder)
            document = days_document_of_abort(spec.what, reason, time.monotonic() - since)
            folder.write(MANIFEST, json_text(telling_of(spec.scenario).document(document)))
        raise


def _go_on(spec: DaysSpec, way: Way, folder: RunFolder, on_progress: OnProgress) -> None:
    last = None
    for last in finished(folder.path, len(spec.windows)):
        _check(spec, last, folder.path)
    done = last.number if last else 0
    drop_unfinished(folder.path, done, len(spec.windows))
    pasts = Pasts.after(spec.scenario, last)
    if done == len(spec.windows):
        return
    with way() as run_one:
        clock = _DaysClock(on_progress, len(spec.windows) - done, done, len(spec.windows))
        for window in spec.windows[done:]:
            record = _run_day(spec, window, pasts, run_one, folder.path, clock.day(window.number))
            place = RunFolder(day_folder(folder.path, window.number, len(spec.windows)))
            place.write(RECORD, json_text(record_document(record)))
            pasts = Pasts(record.states, record.alone)


def _check(spec: DaysSpec, record: DayRecord, run: Path) -> None:
    """A record is of the day that this run would have at its place."""
    window = spec.windows[record.number - 1]
    if (record.first, record.kept) != (window.first, window.kept):
        value = f"{record.kept} periods from {record.first + 1}"
        rule = f"day {record.number} must be of {window.kept} periods from {window.first + 1}"
        raise ScenarioError(
            [Fault(rule, value, str(run), "take up the run with the scenario that it was begun with")]
        )


def one_day(spec: DaysSpec, window: PlanWindow, pasts: Pasts) -> OneDay:
    """One day of a run."""
    what = replace(spec.what, scenario=window_scenario(spec.scenario, window, pasts.states))
    return OneDay(what, window, pasts.states)


def _run_day(
    spec: DaysSpec, window: PlanWindow, pasts: Pasts, run_one: RunOne, run: Path, on_progress: OnProgress
) -> DayRecord:
    on_progress(RunProgress("planning"))
    day = one_day(spec, window, pasts)
    place = day_folder(run, window.number, len(spec.windows))
    create_folder(place)
    with of_day(window):
        result = run_one(day, RunFolder(place) if spec.whole else None, on_progress)
        return record_of(spec.scenario, day.what.scenario, window, pasts, result)


@contextmanager
def of_day(window: PlanWindow) -> Iterator[None]:
    """Errors of a day, with its number."""
    try:
        yield
    except DispatchError as error:
        raise DispatchError(f"day {window.number}: {error}") from None
    except RunError as error:
        raise RunError(f"day {window.number}: {error}") from None


def _conclude(spec: DaysSpec, folder: RunFolder, since: float) -> DaysReport:
    tables = _tables(spec, folder)
    names = _write_tables(spec, folder)
    facts = days_document(
        spec.what,
        lambda: finished(folder.path, len(spec.windows)),
        spec.header,
        time.monotonic() - since,
        peak_memory_mb(),
    )
    manifest = {**facts, FILES: digests(folder.path, names)}
    folder.write(MANIFEST, json_text(telling_of(spec.scenario).document(manifest)))
    return DaysReport(spec, folder.path, manifest, tables)


def _tables(spec: DaysSpec, folder: RunFolder) -> dict[str, Table]:
    found = days_tables(lambda: finished(folder.path, len(spec.windows)), spec.scenario)
    return {table.name: table for table in found}


def _write_tables(spec: DaysSpec, folder: RunFolder) -> list[str]:
    told = telling_of(spec.scenario)
    return [
        write_table(folder, told.table(table), spec.what.keep.format) for table in _tables(spec, folder).values()
    ]


@dataclass(slots=True)
class _DaysClock:
    """Tells people which day it is, and how long the rest will take at the pace of those run."""

    on_progress: OnProgress
    left: int
    done: int
    days: int
    since: float = field(default_factory=time.monotonic)

    def day(self, number: int) -> OnProgress:
        """Where the run stands, told with a day's own progress."""
        run = number - 1 - self.done
        rest_s = (time.monotonic() - self.since) / run * (self.left - run) if run else None
        rest = "" if rest_s is None else f", {duration(rest_s)} left"
        stage = f"day {number} of {self.days}{rest}"
        return lambda progress: self.on_progress(replace(progress, stage=f"{stage} · {progress.stage}"))


def duration(seconds: float) -> str:
    """A time for people, as coarse as it is long.

    >>> duration(12), duration(200), duration(8000)
    ('12 s', '3 min', '2.2 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
