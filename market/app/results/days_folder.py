"""The folder of a run of many days: what it is about, a folder a day, its tables over all days, its manifest."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from market.app.results.day_record import RECORD, DayRecord, read_record, unreadable
from market.app.results.document import NoJson, read_document, refused
from market.app.results.kept import Keep, TableFormat, TraceLevel
from market.app.results.manifest import MANIFEST
from market.app.results.manifest_shape import DAYS_KIND
from market.errors import ScenarioError
from market.game.result import Verdict

HEADER: Final = "days.json"
"""What a run of many days is about, written first: with it a run that broke off can be taken up."""
FOLDER: Final = "days"
_REMEDY: Final = "name the folder of a run of many days"


@dataclass(frozen=True, slots=True)
class Header:
    """What does not change while a run of many days goes on.

    days : how many plans are kept, one after the other · whole : whether each day's folder has all its files
    audit : what VPPs are asked to show · keep : what each day's folder holds
    """

    scenario_digest: str
    seed: int
    in_process: bool
    days: int
    whole: bool
    audit: str
    started: str
    keep: Keep


def day_folder(run: Path, number: int, days: int) -> Path:
    """The folder of a day, from 1."""
    return run / FOLDER / f"{number:0{max(3, len(str(days)))}d}"


def header_document(header: Header) -> dict[str, Any]:
    """For JSON."""
    return {
        "format": 1,
        "scenario_digest": header.scenario_digest,
        "seed": header.seed,
        "in_process": header.in_process,
        "days": header.days,
        "whole": header.whole,
        "audit": header.audit,
        "started": header.started,
        "trace": None if header.keep.trace is None else header.keep.trace.value,
        "table_format": header.keep.format.value,
    }


def is_run_of_days(run: Path) -> bool:
    """Whether a folder holds a run of many days."""
    return os.path.isfile(run / HEADER)


def need_one_day(folder: Path) -> None:
    """ScenarioError where a folder holds many days and one is asked for."""
    if is_run_of_days(folder):
        remedy = f"name a day: {folder / FOLDER / '001'}"
        raise refused(folder, "it must be the run of one day", "a run of many days", remedy)


def read_header(run: Path) -> Header:
    """What a run is about. ScenarioError where the folder does not tell."""
    path = run / HEADER
    try:
        told = read_document(path, _REMEDY)
    except FileNotFoundError:
        raise refused(run, "it must hold a run of many days", f"a folder without {HEADER}", _REMEDY) from None
    try:
        trace = None if told["trace"] is None else TraceLevel(told["trace"])
        return Header(
            scenario_digest=str(told["scenario_digest"]),
            seed=int(told["seed"]),
            in_process=bool(told["in_process"]),
            days=int(told["days"]),
            whole=bool(told["whole"]),
            audit=str(told["audit"]),
            started=str(told["started"]),
            keep=Keep(trace, TableFormat(told["table_format"])),
        )
    except (KeyError, TypeError, ValueError) as error:
        value = f"{type(error).__name__}: {error}"[:100]
        raise refused(path, "it must say what the run is about", value, _REMEDY) from None


def finished(run: Path, days: int) -> Iterator[DayRecord]:
    """The records of the days that are finished, from the first on. ScenarioError where one cannot be read."""
    for number in range(1, days + 1):
        folder = day_folder(run, number, days)
        record = read_record(folder)
        if record is None:
            return
        if record.number != number:
            raise unreadable(folder / RECORD, f"it must be that of day {number}", f"day {record.number}")
        yield record


def drop_unfinished(run: Path, done: int, days: int) -> None:
    """Take away what the days after `done` have left."""
    for number in range(done + 1, days + 1):
        folder = day_folder(run, number, days)
        if os.path.exists(folder):
            shutil.rmtree(folder)


def days_manifest(run: Path) -> Mapping[str, Any] | None:
    """The manifest of a run of many days; None where it has none yet, or was not wholly written."""
    try:
        told = read_document(run / MANIFEST, _REMEDY)
    except (FileNotFoundError, NoJson):
        return None
    if type(told) is not dict or told.get("kind") != DAYS_KIND:
        raise refused(run / MANIFEST, "it must be that of a run of many days", "another", _REMEDY)
    manifest: Mapping[str, Any] = told
    return manifest


def is_complete(run: Path) -> bool:
    """Whether a run of many days has come to its end. ScenarioError where its manifest is another's."""
    manifest = days_manifest(run)
    return manifest is not None and manifest.get("verdict") != Verdict.ABORTED.value


def day_of(folder: Path) -> tuple[Path, DayRecord] | None:
    """The run and the record, where a folder is that of a day of a run of many."""
    run = folder.absolute().parent.parent
    if not os.path.isfile(folder / RECORD) or not is_run_of_days(run):
        return None
    try:
        record = read_record(folder)
    except ScenarioError:
        return None
    return None if record is None else (run, record)
