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

from market.app.results.day_record import RECORD, DayRecord, ending, record_document, traded_of
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
from market.app.runs.run_day import json_text
from market.errors import DispatchError, Fault, RunError, ScenarioError
from market.model.plan import DispatchPlan
from market.rolling.carry import state_after
from market.rolling.cut import window_plant, window_scenario
from market.rolling.kept import kept_account, stored_mwh
from market.rolling.plant_state import PlantState, state_of
from market.rolling.windows import PlanWindow, rolling_of, windows
from market.scenario.private import create_folder
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome
from market.settlement.settlement import net_payment_cny
from vpp_nodes.dispatch import dispatch
from vpp_nodes.memory import peak_memory_mb

MOST_WHOLE_DAYS = 31
"""Days up to which each day's folder is written whole unasked; of more a record is kept, from which it follows."""


@dataclass(frozen=True, slots=True)
class DayResult:
    """A day that was run. broken_laws : those of settlement that it does not obey"""

    outcome: MarketOutcome
    broken_laws: tuple[str, ...]


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

    whole : None for what the number of days decides. ScenarioError where they do not fit its series, or where the
    scenario has a reality beside its forecasts: what a day leaves to the next would be that of the forecast.
    """
    if what.scenario.public.imbalance is not None:
        rule, found_here = "days in a row are of forecasts alone", "a scenario with what came true"
        remedy = "take realised, forecast and imbalance out, or run one day"
        raise ScenarioError([Fault(rule, found_here, f"scenario {what.scenario.name}", remedy)])
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


@dataclass(frozen=True, slots=True)
class Pasts:
    """How each VPP begins a day: in the market, and alone with the grid."""

    states: Mapping[str, PlantState]
    alone: Mapping[str, PlantState]

    @classmethod
    def after(cls, scenario: Scenario, record: DayRecord | None) -> Pasts:
        """Those after a day, or before the first."""
        if record is not None:
            return cls(record.states, record.alone)
        first = {vpp.id: state_of(vpp) for vpp in scenario.vpps}
        return cls(first, first)


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
    with _of_day(window):
        result = run_one(day, RunFolder(place) if spec.whole else None, on_progress)
        return record_of(spec, day, pasts, result)


def record_of(spec: DaysSpec, day: OneDay, pasts: Pasts, result: DayResult) -> DayRecord:
    """What is kept of a day. RunError where a VPP had no part in its end."""
    scenario, window = day.what.scenario, day.window
    outcome, public, kept = result.outcome, scenario.public, window.kept
    periods = outcome.periods[:kept]
    game, grid_only, states, alone = [], [], {}, {}
    stored, stored_alone = {}, {}
    whole, rolling = spec.scenario, rolling_of(spec.scenario)
    plans = {own.declaration.vpp: own for own in outcome.days}
    if lost := [vpp.id for vpp in scenario.vpps if vpp.id not in plans]:
        raise RunError(f"{', '.join(lost)} had no part in the end; days go on only with everybody")
    for vpp in scenario.vpps:
        after = _shown(vpp.id, plans[vpp.id].after)
        other = window_plant(whole.vpp(vpp.id), whole.public.horizon, rolling, window, pasts.alone[vpp.id])
        same = pasts.alone[vpp.id] == pasts.states[vpp.id]
        before = _shown(vpp.id, plans[vpp.id].before) if same else dispatch(other, public, None)
        game.append(kept_account(vpp, public, after, kept, net_payment_cny(vpp.id, periods)))
        grid_only.append(kept_account(other, public, before, kept, 0.0))
        states[vpp.id] = state_after(vpp, public, after, kept)
        alone[vpp.id] = state_after(other, public, before, kept)
        stored[vpp.id] = stored_mwh(vpp, after, kept)
        stored_alone[vpp.id] = stored_mwh(other, before, kept)
    verdict, epsilon_cny = ending(periods)
    traded_mw, price = traded_of(periods)
    return DayRecord(
        number=window.number,
        first=window.first,
        kept=kept,
        verdict=verdict,
        epsilon_cny=epsilon_cny,
        broken_laws=result.broken_laws,
        game=tuple(game),
        grid_only=tuple(grid_only),
        stored_mwh=stored,
        stored_alone_mwh=stored_alone,
        verdicts=tuple(period.verdict for period in periods),
        traded_mw=traded_mw,
        price_cny_per_mwh=price,
        states=states,
        alone=alone,
        digest=scenario.digest,
    )


def _shown(vpp: str, plan: object) -> DispatchPlan:
    """A plan that its owner shows: without it nobody knows what the next day begins with."""
    if isinstance(plan, DispatchPlan):
        return plan
    rule, remedy = "days go on from plans that are shown", "run it with --audit full, or audit: full"
    raise ScenarioError([Fault(rule, "a plan that is not shown", vpp, remedy)])


@contextmanager
def _of_day(window: PlanWindow) -> Iterator[None]:
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
    public = spec.scenario.public
    found = days_tables(lambda: finished(folder.path, len(spec.windows)), public.horizon, public.tariff)
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
