"""Owns one run from a scenario to its report, and to a complete run folder, whatever ends it.

Knows nothing of flags or screens.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from broker.tape.files import tape_sha256
from market.app.results.certificate import certificate_document
from market.app.results.day_certificate import day_certificate_document, day_certificate_table
from market.app.results.exit_codes import ExitCode, exit_code_of
from market.app.results.folder import RunFolder
from market.app.results.laws import laws_of_day
from market.app.results.manifest import RunSpec, manifest_of_abort, manifest_of_run
from market.app.results.network_tables import network_tables
from market.app.results.run_metadata import OnProgress, RunMetadata, RunProgress
from market.app.results.scenario_copy import keep_scenario
from market.app.results.table import Table
from market.app.results.tables import day_tables
from market.day.day_certificate import DayCertificate
from market.day.outcome import MarketOutcome
from market.day.settlement import Settlement, settle
from market.errors import RunError
from market.scenario.scenario import Scenario

Runner: TypeAlias = Callable[[Scenario, int, Path, OnProgress], tuple[MarketOutcome, RunMetadata]]


@dataclass(frozen=True, slots=True)
class RunReport:
    """A run that came to its end, with everything that its folder holds.

    folder : where its way of running left its tape, if it leaves one
    day_certificate : that of the whole day (M6), None where it was not asked for
    """

    scenario: Scenario
    outcome: MarketOutcome
    settlement: Settlement
    facts: RunMetadata
    folder: Path
    tables: dict[str, Table]
    certificate: dict[str, Any]
    day_certificate: DayCertificate | None
    manifest: dict[str, Any]

    @property
    def broken_laws(self) -> list[str]:
        """The laws of settlement that the day does not obey; empty for a sound run."""
        laws: list[str] = self.manifest["broken_laws"]
        return laws

    @property
    def exit_code(self) -> ExitCode:
        """By the verdict, unless a law is broken: then nothing in the folder can be relied on."""
        return ExitCode.BROKEN if self.broken_laws else exit_code_of(self.outcome.verdict)


def run_day(what: RunSpec, runner: Runner, folder: RunFolder, on_progress: OnProgress, since: float) -> RunReport:
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


def report_of(what: RunSpec, runner: Runner, place: Path, on_progress: OnProgress, since: float) -> RunReport:
    """Run a day and account for it. Nothing is written but the tape that `runner` may leave in the folder `place`.

    Arguments and errors as above.
    """
    outcome, facts = runner(what.scenario, what.seed, place, on_progress)
    if facts.tape is not None and (place / facts.tape).exists():
        facts = replace(facts, tape_sha256=tape_sha256(place / facts.tape))
    public = what.scenario.public
    settlement = settle(outcome, public)
    laws = laws_of_day(outcome, settlement, public, what.scenario.vpps)
    network = network_tables(facts.network, what.scenario.roster) if facts.network else ()
    day = _certified(what, outcome, on_progress)
    certified = (day_certificate_table(day),) if day else ()
    tables = (*day_tables(what.scenario, outcome, settlement), *certified, *network)
    by_name = {table.name: table for table in tables}
    certificate = certificate_document(outcome)
    manifest = manifest_of_run(what, outcome, facts, laws, time.monotonic() - since)
    manifest |= day_certificate_document(day) if day else {}
    return RunReport(what.scenario, outcome, settlement, facts, place, by_name, certificate, day, manifest)


def _certified(what: RunSpec, outcome: MarketOutcome, on_progress: OnProgress) -> DayCertificate | None:
    if not what.day_certificate:
        return None
    from market.app.runs.certified_day import certified_day

    on_progress(RunProgress("certifying the day"))
    return certified_day(what.scenario, outcome)


def _write(report: RunReport, folder: RunFolder) -> None:
    """The files of a run; the manifest, which says that they are complete, last."""
    for table in report.tables.values():
        folder.write(f"{table.name}.csv", table.csv())
    folder.write("certificate.json", json_text(report.certificate))
    folder.write("manifest.json", json_text(report.manifest))


def json_text(document: dict[str, Any]) -> str:
    """A document as JSON that any reader takes: no NaN, no infinity."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
