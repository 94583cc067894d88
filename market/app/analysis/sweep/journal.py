"""The folder of a sweep: what it is to be, a line for each run as it ends, and the tables made of them.

A line is written before the next run is told of: whatever ends a sweep, what has ended is known, and is not run
again. The tables hold the same, ordered: they are made anew now and then, and in the end.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from market.app.analysis.sweep.kept_sweep import FORMAT, LINES, PLAN, ended_runs, sweep_document
from market.app.analysis.sweep.plan import SweepPlan, SweepRun
from market.app.analysis.sweep.row import EndedRun, Row, columns_of, told_row
from market.app.results.folder import RunFolder
from market.app.results.kept_scenario import kept_scenario
from market.app.results.scenario_copy import keep_scenario
from market.app.results.table import Table
from market.errors import Fault, RunError, ScenarioError
from market.scenario.private import FOLDER_MODE
from market.scenario.scenario import Scenario
from market.system_fault import reason_and_remedy

SCENARIOS: Final = "scenarios"
TABLE: Final = "sweep"
TIMING: Final = "timing"
_TIMES = ("run", "wall_s", "process_id")
_REFRESH_S = 5.0
_SHARE = 20  # of the time, one part in so many goes into making the tables anew


class Journal:
    """A sweep's folder, open for more runs. `ended`: all that have, by their numbers."""

    def __init__(self, folder: RunFolder, plan: SweepPlan, ended: Sequence[EndedRun] = ()) -> None:
        self.folder = folder
        self.plan = plan
        self.ended = {each.number: each for each in ended}
        self._columns = columns_of(plan)
        self._next_s = time.monotonic() + _REFRESH_S

    @classmethod
    def begun(cls, folder: RunFolder, plan: SweepPlan) -> Journal:
        """That of a new sweep. RunError if the disk does not take it."""
        document = {"format": FORMAT, "digest": plan.digest, **plan.document()}
        folder.write(PLAN, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        folder.write(LINES, "")
        for number, scenario in enumerate(plan.scenarios, 1):
            keep_scenario(scenario, _made(folder.path / SCENARIOS / str(number)))
        return cls(folder, plan)

    @classmethod
    def taken_up(cls, folder: RunFolder, plan: SweepPlan) -> Journal:
        """That of a sweep which broke off; a line that is not whole is cut off.

        ScenarioError if the folder holds none, or another one.
        """
        told = sweep_document(folder.path)
        if told.get("digest") != plan.digest:
            rule, remedy = "a sweep is taken up as it was begun", "name the same sweep, or begin a new one"
            raise ScenarioError([Fault(rule, "another scenario, other values or seeds", str(folder.path), remedy)])
        return cls(folder, plan, _whole_lines(folder.path / LINES, plan))

    def add(self, run: EndedRun) -> None:
        """Keep a run that has ended, told in the scenarios' currency. RunError if the disk does not take it."""
        run = replace(run, row=told_row(self.plan, run.row))
        line = json.dumps([run.number, run.wall_s, run.process_id, run.row], ensure_ascii=False) + "\n"
        try:
            descriptor = os.open(self.folder.path / LINES, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            with os.fdopen(descriptor, "wb") as file:
                file.write(line.encode("utf-8", "backslashreplace"))
        except OSError as error:
            raise RunError(f"{self.folder.path / LINES} cannot be written: {reason_and_remedy(error)}") from None
        self.ended[run.number] = run
        if (now := time.monotonic()) > self._next_s:
            self.write_tables()
            self._next_s = now + max(_REFRESH_S, _SHARE * (time.monotonic() - now))

    def write_tables(self) -> None:
        """Make the tables of all runs that have ended: CSV, and Parquet where pyarrow is there."""
        for table in (self.table(), self.timing()):
            self.folder.write(f"{table.name}.csv", table.csv_parts())
        if parquet_is_there():
            from market.app.results.parquet import fill_rows

            rows, columns = self.rows(), self._columns
            self.folder.fill(f"{TABLE}.parquet", lambda file: fill_rows(file, columns, rows))

    def rows(self) -> list[Row]:
        """What is told of each run, in the order of their numbers."""
        return [self.ended[number].row for number in sorted(self.ended)]

    def table(self) -> Table:
        """The same; equal sweeps have equal tables, whatever carried them out."""
        cells = (tuple(_cell(row.get(name)) for name in self._columns) for row in self.rows())
        return Table(TABLE, self._columns, tuple(cells))

    def timing(self) -> Table:
        """How long each run took, and in which process: what no two sweeps have in common."""
        rows = ((run.number, run.wall_s, run.process_id) for _, run in sorted(self.ended.items()))
        return Table(TIMING, _TIMES, tuple(rows))


def kept_plan(folder: Path) -> SweepPlan:
    """The plan of a sweep that was begun in a folder, with the scenarios that it keeps.

    ScenarioError if it holds none, or they are not those any more.
    """
    told = sweep_document(folder)
    named = [_kept(folder / SCENARIOS / str(number), **kept) for number, kept in enumerate(told["scenarios"], 1)]
    runs = tuple(
        SweepRun(number, place, tuple(changes.items()), seed)
        for number, (place, changes, seed) in enumerate(told["runs"], 1)
    )
    return SweepPlan(tuple(named), tuple(told["paths"]), runs, told["processes"])


def _kept(folder: Path, name: str, digest: str) -> Scenario:
    """A scenario that a sweep keeps. ScenarioError if it is not there, or another one."""
    found = kept_scenario(folder)
    if found is None or found.digest != digest:
        value = "nothing" if found is None else "another scenario"
        remedy = "put back what was there, or begin a new sweep"
        raise ScenarioError([Fault(f"the sweep keeps its scenario {name} here", value, str(folder), remedy)])
    return replace(found, name=name)


def _made(path: Path) -> Path:
    try:
        path.mkdir(mode=FOLDER_MODE, parents=True)
    except OSError as error:
        raise RunError(f"{path} cannot be made: {reason_and_remedy(error)}") from None
    return path


def parquet_is_there() -> bool:
    """Whether tables can be written as Parquet."""
    from market.extras import missing

    return missing("parquet", TABLE) is None


def _whole_lines(path: Path, plan: SweepPlan) -> list[EndedRun]:
    """The runs of all lines that are whole; what follows the last of them is cut off the file.

    ScenarioError, which leaves the file as it is, for a line that the sweep has not written.
    """
    try:
        data = path.read_bytes() if path.exists() else b""
        whole = data[: data.rfind(b"\n") + 1]
        found = ended_runs(path, whole, plan)
        with open(path, "wb" if not path.exists() else "r+b") as file:
            file.truncate(len(whole))
    except OSError as error:
        raise RunError(f"{path} cannot be read and written: {reason_and_remedy(error)}") from None
    return found


def _cell(value: Any) -> str | int | float:
    """A value as a cell of a table."""
    if value is None:
        return float("nan")
    return str(value).lower() if isinstance(value, bool) else value
