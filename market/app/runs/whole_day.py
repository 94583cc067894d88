"""Fills the folder of a day of which only its record was kept: the day is solved again from where it began."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from market.app.results.day_record import RECORD, DayRecord, record_document, unreadable
from market.app.results.days_folder import day_of, finished, is_complete, need_one_day, read_header
from market.app.results.folder import RunFolder
from market.app.results.kept_scenario import SCENARIO_FOLDER, kept_scenario
from market.app.results.manifest import MANIFEST, RunSpec
from market.app.runs.day_end import Pasts, record_of
from market.app.runs.days_ways import day_in_process
from market.app.runs.many_days import DaysSpec, days_spec, one_day
from market.errors import Fault, ScenarioError
from market.model.disclosure import Disclosure


def fill_day(folder: Path) -> None:
    """Fill a folder that holds the record of a day alone; any other is left as it is.

    ScenarioError where it holds many days, or the day that follows is not the one of its record.
    """
    need_one_day(folder)
    if os.path.exists(folder / MANIFEST) or (found := day_of(folder)) is None:
        return
    run, record = found
    place = RunFolder(folder)
    with place.held():
        spec = kept_spec(run)
        window = spec.windows[record.number - 1]
        pasts = Pasts.after(spec.scenario, _before(run, spec, record))
        day = one_day(spec, window, pasts)
        result = day_in_process(day, place, lambda progress: None)
        again = record_of(spec.scenario, day.what.scenario, window, pasts, result)
        if record_document(again) != record_document(record):
            os.unlink(folder / MANIFEST)
            value = "another, by what it comes to"
            raise unreadable(folder / RECORD, "the day must be the one that follows from the day before", value)


def kept_spec(run: Path) -> DaysSpec:
    """What a run of many days was about, from its folder. ScenarioError where that does not tell."""
    header, scenario = read_header(run), kept_scenario(run)
    place = str(run / SCENARIO_FOLDER)
    if scenario is None or scenario.digest != header.scenario_digest:
        value = "none" if scenario is None else "another, by its digest"
        remedy = "put the scenario of the run back there, or begin a new run"
        raise ScenarioError([Fault("a run keeps the scenario that it was begun with", value, place, remedy)])
    started, audit = datetime.fromisoformat(header.started), Disclosure(header.audit)
    what = RunSpec(scenario, header.seed, header.in_process, started, audit, header.keep)
    spec = days_spec(what, whole=header.whole)
    return DaysSpec(what, spec.windows[: header.days], header.whole)


def _before(run: Path, spec: DaysSpec, record: DayRecord) -> DayRecord | None:
    """The day before, None for the first."""
    last = None
    for each in finished(run, len(spec.windows)):
        if each.number == record.number:
            return last
        last = each
    return last


def taken_up(run: Path) -> DaysSpec:
    """What a run of many days that broke off was about. ScenarioError if it has come to its end."""
    if is_complete(run):
        rule, value = "only a run that broke off can be taken up", "a run that is complete"
        remedy = f"look at {run / 'days.csv'}, or at one of its days"
        raise ScenarioError([Fault(rule, value, f"--resume {run}", remedy)])
    return kept_spec(run)
