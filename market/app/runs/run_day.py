"""Runs a day from a scenario to its report and to a complete run folder, whatever ends it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from broker.tape.files import tape_sha256
from market.app.results.concluded_day import ConcludedDay, conclude_day
from market.app.results.day_certificate import day_certificate_document, day_certificate_table
from market.app.results.folder import RunFolder
from market.app.results.manifest import RunSpec, manifest_of_abort
from market.app.results.run_metadata import OnProgress, RunMetadata, RunProgress
from market.app.results.scenario_copy import keep_scenario
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
        report = report_of(what, runner, folder.path, on_progress, since)
        _write(report, folder)
        return report
    except BaseException as error:
        reason = "interrupted" if isinstance(error, KeyboardInterrupt) else str(error) or type(error).__name__
        with suppress(RunError):  # a full disk must not hide what broke the run
            folder.write("manifest.json", json_text(manifest_of_abort(what, reason, time.monotonic() - since)))
        raise


def report_of(what: RunSpec, runner: Runner, place: Path, on_progress: OnProgress, since: float) -> ConcludedDay:
    """Run a day and account for it. Nothing is written but the tape that `runner` may leave in the folder `place`.

    Arguments and errors as above.
    """
    outcome, facts = runner(what.scenario, what.seed, place, on_progress)
    if facts.tape is not None and (place / facts.tape).exists():
        facts = replace(facts, tape_sha256=tape_sha256(place / facts.tape))
    concluded = replace(conclude_day(what, outcome, facts, time.monotonic() - since), folder=place)
    return _certified(what, concluded, on_progress) if what.day_certificate else concluded


def _certified(what: RunSpec, concluded: ConcludedDay, on_progress: OnProgress) -> ConcludedDay:
    """The same with the day's certificate (M6) in its tables and manifest."""
    from market.app.runs.certified_day import certified_day

    on_progress(RunProgress("certifying the day"))
    day = certified_day(what.scenario, concluded.outcome)
    table = day_certificate_table(day)
    return replace(
        concluded,
        day_certificate=day,
        tables={**concluded.tables, table.name: table},
        manifest={**concluded.manifest, **day_certificate_document(day)},
    )


def _write(report: ConcludedDay, folder: RunFolder) -> None:
    """The files of a run; the manifest, which says that they are complete, last."""
    for table in report.tables.values():
        folder.write(f"{table.name}.csv", table.csv())
    folder.write("certificate.json", json_text(report.certificate))
    folder.write("manifest.json", json_text(report.manifest))


def json_text(document: dict[str, Any]) -> str:
    """A document as JSON that any reader takes: no NaN, no infinity."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
