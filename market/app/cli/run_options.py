"""The flags of `run` and `broker` as one value, and which of them contradict each other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from market.app.results.kept import UNASKED, Keep, TableFormat
from market.app.runs.system import missing_linux
from market.errors import Fault, ScenarioError
from market.extras import missing
from market.model.disclosure import Disclosure
from market.scenario.changes import SET
from market.scenario.network_flags import NetworkFlags


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The flags of `run`, as given."""

    scenario: str | None
    out: Path | None
    in_process: bool
    network: NetworkFlags
    seed: int | None
    as_json: bool
    quiet: bool
    port: int = 0
    figures: bool = False
    report: bool = False
    restarts: int = 0
    watch: bool = False
    keys: Path | None = None
    resume: Path | None = None
    audit: Disclosure | None = None
    join_s: float = 30.0
    settings: tuple[str, ...] = ()
    day_certificate: bool = False
    viewer_s: float = 0.0
    view: bool = False
    keep: Keep = UNASKED
    processes: int | None = None
    days: int | None = None
    day_folders: str | None = None


def check_flags(options: RunOptions) -> None:
    """ScenarioError with every flag that cannot be had here, or together with another."""
    faults = [
        *_over_the_bus(options),
        *_alone(options),
        *_as_it_was(options),
        *_drawn(options),
        *_looked_at(options),
        *_written(options),
    ]
    if faults:
        raise ScenarioError(faults)


def _over_the_bus(options: RunOptions) -> Iterator[Fault]:
    """What only some systems have."""
    if not options.in_process and (fault := missing_linux("a run with a process for each plant")):
        yield fault


def _alone(options: RunOptions) -> Iterator[Fault]:
    """What a day in one process has no use for."""
    if not options.in_process:
        return
    for flag, text in options.network.given():
        yield Fault("one process has no network", repr(text), flag, f"leave out {flag} or --in-process")
    others = (
        ("--port", options.port, "one process listens nowhere"),
        ("--restart", options.restarts, "one process starts no others"),
        ("--processes", options.processes, "one process starts no others"),
        ("--keys", options.keys, "one process has nobody to keep out"),
        ("--audit", options.audit, "one process keeps nothing from itself"),
        ("--resume", options.resume, "one process has no tape to take up"),
    )
    for flag, value, rule in others:
        if value:
            yield Fault(rule, str(value), flag, f"leave out {flag} or --in-process")
    if options.watch:
        remedy = "leave out --watch or --in-process; vppmarket view SCENARIO shows a market in one process"
        yield Fault("one process cannot be watched", "--in-process", "--watch", remedy)


def _looked_at(options: RunOptions) -> Iterator[Fault]:
    """What looking on needs."""
    if options.viewer_s and not options.watch:
        remedy = "add --watch, or leave it out"
        yield Fault("who is to look on has to be told how", f"{options.viewer_s:g}", "--await-viewer", remedy)
    if options.view and options.in_process:
        remedy = "leave out --view or --in-process; vppmarket view SCENARIO shows a market in one process"
        yield Fault("one process leaves no tape to show", "--in-process", "--view", remedy)
    if options.view and (fault := missing("view", "--view")):
        yield fault


def _drawn(options: RunOptions) -> Iterator[Fault]:
    """What pictures need, told before the run and not after it."""
    flag = "--report" if options.report else "--figures"
    if (options.figures or options.report) and (fault := missing("figures", flag)):
        yield fault


def _written(options: RunOptions) -> Iterator[Fault]:
    """What a format needs, told before the run and not after it."""
    if options.keep.format is TableFormat.PARQUET and (fault := missing("parquet", "--format parquet")):
        yield fault


def _as_it_was(options: RunOptions) -> Iterator[Fault]:
    """What a run that is taken up has settled already."""
    if options.resume is None:
        return
    from broker.tape import TAPE_NAME

    if not os.path.exists(options.resume / TAPE_NAME):  # unlike Path.exists, never raises
        found = "a folder without one" if os.path.isdir(options.resume) else "no such folder"
        rule, remedy = (
            f"a run that is taken up has a {TAPE_NAME}",
            "name the folder of a run that broke off; one that broke off before its tape was begun begins anew",
        )
        yield Fault(rule, found, f"--resume {options.resume}", remedy)
    yield from check_taken_up(options)


def check_taken_up(options: RunOptions) -> Iterator[Fault]:
    """What would change a run that is taken up."""
    given = [
        ("SCENARIO", options.scenario),
        ("--out", options.out),
        ("--seed", options.seed),
        ("--audit", options.audit),
        ("--day-certificate", options.day_certificate or None),
        ("--days", options.days),
        ("--day-folders", options.day_folders),
    ]
    settings = [(SET, text) for text in options.settings]
    for flag, value in (*given, *options.network.given(), *settings):
        if value is not None:
            rule = "a run is taken up as it was begun"
            yield Fault(rule, str(value), flag, f"leave out {flag}, or begin a new run")
