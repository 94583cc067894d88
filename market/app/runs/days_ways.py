"""The ways to run each of many days whose plants are all here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from market.app.results.folder import RunFolder
from market.app.results.laws import laws_of_day
from market.app.results.run_metadata import OnProgress, RunProgress
from market.app.runs.in_process import market_day, run_in_process
from market.app.runs.many_days import DayResult, OneDay, RunOne
from market.app.runs.run_day import run_day
from market.settlement.settlement import settle


@contextmanager
def days_in_process() -> Iterator[RunOne]:
    """Every day in this process, without messages."""
    yield day_in_process


def day_in_process(day: OneDay, folder: RunFolder | None, on_progress: OnProgress) -> DayResult:
    """One day in this process; where no folder is to be filled, no more than is needed to go on."""
    if folder is not None:
        concluded = run_day(day.what, run_in_process, folder, on_progress, time.monotonic())
        return DayResult(concluded.outcome, tuple(concluded.broken_laws))
    scenario = day.what.scenario
    outcome = market_day(scenario, lambda number: on_progress(RunProgress("trading", rounds=number)))
    laws = laws_of_day(outcome, settle(outcome, scenario.public), scenario.public, scenario.vpps)
    return DayResult(outcome, tuple(map(str, laws.broken)))
