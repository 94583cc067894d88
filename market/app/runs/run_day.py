"""Runs a day from a scenario to its report and to a complete run folder, whatever ends it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from broker.tape.files import file_sha256
from market.app.results.certificate import CERTIFICATE_FILE
from market.app.results.concluded_day import ConcludedDay, conclude_day
from market.app.results.folder import RunFolder
from market.app.results.keep_file import KEEP_FILE, keep_document
from market.app.results.kept import UNASKED
from market.app.results.manifest import MANIFEST, RunSpec, manifest_of_abort
from market.app.results.run_metadata import OnProgress, RunMetadata
from market.app.results.scenario_copy import keep_scenario
from market.app.results.table_writer import write_table
from market.app.results.telling import telling_of
from market.app.results.written_files import FILES, digests
from market.errors import RunError
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome

Runner: TypeAlias = Callable[[Scenario, int, Path, OnProgress], tuple[MarketOutcome, RunMetadata]]


def run_day(
    what: RunSpec, runner: Runner, folder: RunFolder, on_progress: OnProgress, since: float
) -> ConcludedDay:
    """Run a day and write its folder: the scenario first, the manifest last.

    A run that breaks leaves a manifest that says so, and the scenario with which it can be taken up.

    since : `time.monotonic()` at the start of the command. Raises what the runner raises.
    """
    try:
        keep_scenario(what.scenario, folder.path)
        if what.keep != UNASKED:
            folder.write(KEEP_FILE, json_text(keep_document(what.keep)))
        return write_day(report_of(what, runner, folder.path, on_progress, since), folder)
    except BaseException as error:
        reason = "interrupted" if isinstance(error, KeyboardInterrupt) else str(error) or type(error).__name__
        with suppress(RunError):  # a full disk must not hide what broke the run
            aborted = manifest_of_abort(what, reason, time.monotonic() - since)
            folder.write(MANIFEST, json_text(telling_of(what.scenario).document(aborted)))
        raise


def report_of(what: RunSpec, runner: Runner, place: Path, on_progress: OnProgress, since: float) -> ConcludedDay:
    """Run a day and account for it. Nothing is written but the tape that `runner` may leave in the folder `place`.

    Arguments and errors as above.
    """
    outcome, facts = runner(what.scenario, what.seed, place, on_progress)
    if facts.tape is not None and os.path.exists(place / facts.tape):
        facts = replace(facts, tape_sha256=file_sha256(place / facts.tape))
    return replace(conclude_day(what, outcome, facts, time.monotonic() - since), folder=place)


def write_day(report: ConcludedDay, folder: RunFolder) -> ConcludedDay:
    """Write the files of a run; the manifest, which says which they are and that they are complete, last."""
    told = telling_of(report.scenario)
    names = [write_table(folder, told.table(table), report.kept.format) for table in report.written]
    folder.write(CERTIFICATE_FILE, json_text(told.document(report.certificate)))
    manifest = {**report.manifest, FILES: digests(folder.path, (*names, CERTIFICATE_FILE))}
    folder.write(MANIFEST, json_text(told.document(manifest)))
    return replace(report, manifest=manifest)


def json_text(document: dict[str, Any]) -> str:
    """A document as JSON that any reader takes: no NaN, no infinity. Of a list of records each is a line."""
    parts = (f"{_LINE.encode(name)}: {_part(value)}" for name, value in document.items())
    return "{\n  " + ",\n  ".join(parts) + "\n}\n"


def _part(value: Any) -> str:
    if isinstance(value, list | tuple) and value and isinstance(value[0], dict):
        return "[\n    " + ",\n    ".join(map(_LINE.encode, value)) + "\n  ]"
    if not isinstance(value, dict | list | tuple):
        return _LINE.encode(value)  # the library writes in C what has no indent
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False).replace("\n", "\n  ")


_LINE = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
