"""Carries a sweep out: by processes of this machine, or on Ray, from where it stands."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final

from market.app.analysis.sweep.journal import Journal
from market.app.analysis.sweep.row import EndedRun, carried_out, tasks_of
from market.app.results.run_metadata import OnProgress, RunProgress
from market.app.runs.process_pool import solve_as_ready
from market.app.runs.system import on_linux
from market.errors import Fault, ScenarioError
from market.extras import need
from market.scenario.shown_value import shown

MOST_JOBS: Final = 4096


class Engine(StrEnum):
    """What carries the runs out."""

    LOCAL = "local"  # processes of this machine
    RAY = "ray"  # Ray, on this machine or a cluster


@dataclass(frozen=True, slots=True)
class Means:
    """With what a sweep is carried out.

    jobs : runs at once; None: one for each core · address : of a Ray cluster
    """

    engine: Engine = Engine.LOCAL
    jobs: int | None = None
    address: str | None = None


def check_means(means: Means) -> None:
    """ScenarioError if what they need is not there; to be asked before anything is made."""
    jobs = means.jobs
    if jobs is not None and (type(jobs) is not int or not 1 <= jobs <= MOST_JOBS):
        rule, remedy = f"must be a whole number from 1 to {MOST_JOBS}", "leave it out for one run on each core"
        raise ScenarioError([Fault(rule, shown(jobs), "jobs", remedy)])
    if means.engine is Engine.RAY:
        need("sweep", "--engine ray")
    elif means.address is not None:
        remedy = "leave the address out, or take Ray"
        raise ScenarioError([Fault("only Ray has an address", means.address, "--address", remedy)])


def carry_out(journal: Journal, means: Means, on_progress: OnProgress) -> None:
    """Carry out every run that has not ended yet, and make the tables.

    ScenarioError, RunError if there is no such engine, or it breaks; what has ended is kept.
    """
    tasks = list(tasks_of(journal.plan, frozenset(journal.ended)))
    told = _Told(len(journal.plan.runs), len(tasks), on_progress)
    told.of(len(tasks))

    def on_result(place: int, run: EndedRun) -> None:
        with _uninterrupted():  # a line is written whole
            journal.add(run)
        told.of(len(journal.plan.runs) - len(journal.ended))

    try:
        if tasks:
            _solver(means, told.waiting)(carried_out, tasks, on_result, means.jobs)
    finally:
        journal.write_tables()


def _uninterrupted() -> AbstractContextManager[None]:
    """A block that whatever asks this program to end waits for, where the system lets it."""
    if not on_linux():
        return nullcontext()
    from broker.process.launch import deaf_to_interrupts

    return deaf_to_interrupts()


def _solver(means: Means, on_wait: Callable[[int], None]) -> Callable[..., None]:
    if means.engine is Engine.LOCAL:
        return partial(solve_as_ready, on_wait=on_wait)
    from market.app.runs.ray_pool import solve_on_ray

    return partial(solve_on_ray, address=means.address)


class _Told:
    """Says how many runs have ended, and how long the others will take if they are like those."""

    def __init__(self, all_runs: int, to_do: int, on_progress: OnProgress) -> None:
        self._all, self._to_do, self._on_progress = all_runs, to_do, on_progress
        self._since = time.monotonic()
        self._newest: RunProgress | None = None

    def waiting(self, last: int) -> None:
        """Nothing has ended since. last : for so many runs a sweep still waits that breaks off, 0 before"""
        if last:
            runs = "1 run that has" if last == 1 else f"{last} runs that have"
            self._on_progress(RunProgress(f"waiting for {runs} begun; interrupt once more to drop them"))
        elif self._newest:
            self._on_progress(self._newest)

    def of(self, left: int) -> None:
        """So many runs have yet to end."""
        ended = self._to_do - left
        rest_s = (time.monotonic() - self._since) / ended * left if ended else None
        guess = f", about {duration(rest_s)} left" if rest_s is not None and left else ""
        self._newest = RunProgress(f"{self._all - left} of {self._all} runs{guess}")
        self._on_progress(self._newest)


def duration(seconds: float) -> str:
    """A time for people.

    >>> duration(42.3), duration(200), duration(9000)
    ('42 s', '3 min', '2 h 30 min')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
