"""The ways to run each of many days whose plants are all here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from market.app.results.day_record import DayRecord
from market.app.results.folder import RunFolder
from market.app.results.laws import laws_of_day
from market.app.results.manifest import RunSpec
from market.app.results.run_metadata import OnProgress, RunProgress
from market.app.runs.day_end import DayResult, Pasts, record_of
from market.app.runs.in_process import market_day, run_in_process
from market.app.runs.many_days import OneDay, RunOne, days_spec, of_day, one_day
from market.app.runs.run_day import run_day
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome
from market.settlement.settlement import settle


@contextmanager
def days_in_process() -> Iterator[RunOne]:
    """Every day in this process, without messages."""
    yield day_in_process


def unwritten_days(scenario: Scenario) -> Iterator[tuple[DayRecord, MarketOutcome]]:
    """All days of a scenario in this process, one after the other, of which nothing is written.

    Raises what a day raises, its number before it.
    """
    spec = days_spec(RunSpec(scenario, 0, True, datetime.now().astimezone()), whole=False)
    pasts = Pasts.after(scenario, None)
    for window in spec.windows:
        day = one_day(spec, window, pasts)
        with of_day(window):
            result = day_in_process(day, None, lambda progress: None)
            record = record_of(scenario, day.what.scenario, window, pasts, result)
        yield record, result.outcome
        pasts = Pasts(record.states, record.alone)


def day_in_process(day: OneDay, folder: RunFolder | None, on_progress: OnProgress) -> DayResult:
    """One day in this process; where no folder is to be filled, no more than is needed to go on."""
    if folder is not None:
        concluded = run_day(day.what, run_in_process, folder, on_progress, time.monotonic())
        return DayResult(concluded.outcome, tuple(concluded.broken_laws))
    scenario = day.what.scenario
    outcome = market_day(scenario, lambda number: on_progress(RunProgress("trading", rounds=number)))
    laws = laws_of_day(outcome, settle(outcome, scenario.public), scenario.public, scenario.vpps)
    return DayResult(outcome, tuple(map(str, laws.broken)))
