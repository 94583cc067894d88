"""Runs many days in a row from Python, and opens a run of many that was written before."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from market.api.arguments import folder_at, told, yes_or_no
from market.api.day import check_changes, keep_of
from market.api.results import Run
from market.app.results.run_metadata import RunProgress
from market.errors import Fault, ScenarioError
from market.scenario import DEFAULT_CASE, load_scenario, require_plants
from market.scenario.overrides import require_changes
from market.scenario.plain_value import plain_value
from market.scenario.scenario import Scenario
from market.system_fault import as_run_error

if TYPE_CHECKING:
    import pandas

    from market.app.results.table import Table
    from market.app.runs.many_days import DaysSpec, Way


@dataclass(frozen=True, repr=False, eq=False)  # no slots: tables are kept once made
class ManyDays:
    """Many days in a row that came to their end.

    manifest : what was run, how, and what it came to · folder : None where nothing was written

    >>> import market
    >>> steps = market.run_days("two_vpp", changes={"rolling.plan_h": 8, "rolling.commit_h": 4})
    >>> len(steps.days), steps.verdict
    (6, 'equilibrium')
    """

    manifest: Mapping[str, Any]
    folder: Path | None
    _tables: Mapping[str, pandas.DataFrame]

    @property
    def verdict(self) -> str:
        """How the worst day ended."""
        return str(self.manifest["verdict"])

    @property
    def saving_cny(self) -> float:
        """What trading saves all VPPs over all days, each of which would go on from its own day without trade."""
        return float(self.manifest["totals"]["saving_cny"])

    @property
    def broken_laws(self) -> list[str]:
        """The laws of settlement that a day does not obey; where there are any, do not rely on it."""
        return list(self.manifest["broken_laws"])

    @property
    def days(self) -> pandas.DataFrame:
        """A row for each day."""
        return self._tables["days"]

    @property
    def costs(self) -> pandas.DataFrame:
        """A row for each day, VPP and way: with the market, and with the grid only."""
        return self._tables["costs"]

    @property
    def periods(self) -> pandas.DataFrame:
        """A row for each period: its prices and what was traded."""
        return self._tables["periods"]

    def day(self, number: int) -> Run:
        """A day as a run of its own, from 1. ScenarioError where nothing was written, or there is no such day."""
        from market.app.results.days_folder import day_folder

        days = int(self.manifest["days"])
        number = plain_value(number)
        if self.folder is None or type(number) is not int or not 1 <= number <= days:
            rule = f"must be a day of a run that was written, 1 to {days}"
            raise ScenarioError([Fault(rule, repr(number), "day", "run the days with out=, and name one of them")])
        return Run.at(day_folder(self.folder, number, days))

    @cached_property
    def _lines(self) -> tuple[str, ...]:
        where = f"folder: {self.folder}" if self.folder else "nothing was written"
        currency = self.manifest.get("currency", "CNY")
        saved = f"saves {self.saving_cny:,.2f} {currency}"
        return (f"{self.manifest['scenario']}: {self.verdict}", f"{self.manifest['days']} days, {saved}", where)

    def __repr__(self) -> str:
        return "\n".join(["<market.ManyDays", *(f"  {line}" for line in self._lines), ">"])


def run_days(
    scenario: str | Path | Scenario = DEFAULT_CASE,
    days: int | None = None,
    changes: Mapping[str, object] | None = None,
    *,
    seed: int = 0,
    out: str | Path | None = None,
    whole: bool | None = None,
    trace: str | None = None,
    format: str = "csv",
    on_progress: Callable[[RunProgress], None] | None = None,
) -> ManyDays:
    """Run many days in a row, each of which goes on from the one before, and wait for their end.

    days : how many of the scenario's; None for all · whole : whether each day's folder holds all that an ordinary
    run leaves, or what it follows from; None: by their number. The other arguments are those of `run`. How far
    plans look ahead, and what stores end with, is the scenario's section `rolling`, or a change such as
    {"rolling.plan_h": 48}.
    Raises as `run` does, and ScenarioError where the scenario's series have fewer days.

    >>> import market
    >>> week = market.run_days("two_vpp", 1)
    >>> week.verdict, len(week.days)
    ('equilibrium', 1)
    """
    from market.app.results.manifest import RunSpec
    from market.app.runs.days_ways import days_in_process
    from market.app.runs.many_days import days_spec
    from market.model.disclosure import Disclosure

    since, started = time.monotonic(), datetime.now().astimezone()
    days, seed = plain_value(days), plain_value(seed)
    if days is not None and (type(days) is not int or days < 1):
        raise ScenarioError(
            [Fault("must be a whole number of 1 or more", repr(days), "days", "None stands for all")]
        )
    asked, listener = whole if whole is None else yes_or_no(whole, "whole"), told(on_progress)
    chosen = require_plants(scenario if isinstance(scenario, Scenario) else load_scenario(scenario))
    changes = require_changes({} if changes is None else changes)
    check_changes(changes, seed, processes=False)
    if changes:
        chosen = chosen.with_(changes)
    with as_run_error():
        what = RunSpec(chosen, seed, True, started, Disclosure.FULL, keep_of(trace, format))
        spec = days_spec(what, days, whole=False if out is None and asked is None else asked)
        return _carried_out(spec, days_in_process, out, listener, since)


def open_days(folder: str | Path) -> ManyDays:
    """Many days that were run before, by `run_days` or by the command. ScenarioError if the folder holds none.

    >>> import market
    >>> days = market.run_days("two_vpp", changes={"rolling.plan_h": 8, "rolling.commit_h": 4}, out="runs/days")
    >>> market.open_days("runs/days").days.equals(days.days)
    True
    """
    from market.app.results.days_folder import days_manifest, finished, is_complete, read_header
    from market.app.results.days_tables import days_tables
    from market.app.results.telling import Telling
    from market.app.runs.whole_day import kept_spec

    run = folder_at(folder, "folder")
    header = read_header(run)
    if not is_complete(run):
        rule, remedy = "a run of many days must have come to its end", f"vppmarket run --resume {run}"
        raise ScenarioError([Fault(rule, "one that broke off", str(run), remedy)])
    spec = kept_spec(run)
    public = spec.scenario.public
    tables = days_tables(lambda: finished(run, header.days), spec.scenario)
    manifest = days_manifest(run)
    assert manifest is not None
    names = tuple(spec.scenario.roster)
    plain = Telling(public.currency, names=names).plain_document(manifest)
    return ManyDays(plain, run.absolute(), _frames(spec, {table.name: table for table in tables}))


def _carried_out(
    spec: DaysSpec,
    way: Way,
    out: str | Path | None,
    on_progress: Callable[[RunProgress], None],
    since: float,
) -> ManyDays:
    from market.app.results.folder import new_run_folder
    from market.app.runs.many_days import run_days as run_all

    with _place(out) as path:
        folder = new_run_folder(path, spec.scenario.name, spec.what.started)
        with folder.held():
            report = run_all(spec, way, folder, on_progress, since)
            tables = _frames(spec, report.tables)
        return ManyDays(report.manifest, None if out is None else folder.path.absolute(), tables)


def _frames(spec: DaysSpec, tables: Mapping[str, Table]) -> dict[str, pandas.DataFrame]:
    from market.app.results.frames import data_frame
    from market.app.results.telling import telling_of

    return {name: data_frame(table.by_column(), telling_of(spec.scenario)) for name, table in tables.items()}


@contextmanager
def _place(out: str | Path | None) -> Iterator[Path]:
    """Where the days are written: where people want them, or a folder that is gone in the end."""
    if out is not None:
        yield folder_at(out, "out")
        return
    with tempfile.TemporaryDirectory(prefix="vppmarket-") as folder:
        yield Path(folder)
