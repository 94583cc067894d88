"""Exports a tape as a run folder: the tape itself, and the tables, certificate and manifest of its day."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from broker.tape import TAPE_NAME, Record, TapeWriter, tape_so_far
from market.app.replay.conclusion import ReplayedConclusion, metadata_of_tape, replayed_conclusion
from market.app.results.concluded_day import outcome_of
from market.app.results.folder import new_run_folder
from market.app.results.run_metadata import OnProgress, RunMetadata
from market.app.runs.run_day import run_day
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome


def export_run(
    records: Sequence[Record], out: Path | None, started: datetime, beside: Scenario | None = None
) -> Path:
    """Write the run folder of a day that is over; returns where it is. `out` as for `vppmarket run`.

    beside : the scenario with its plants, where they are at hand
    RunError if the day is not over or the disk refuses, ScenarioError if the folder holds anything.
    """
    replayed = replayed_conclusion(records)
    what = replayed.what(beside, started)
    folder = new_run_folder(out, what.scenario.name, started)

    def runner(
        scenario: Scenario, seed: int, path: Path, on_progress: OnProgress
    ) -> tuple[MarketOutcome, RunMetadata]:
        with TapeWriter(path / TAPE_NAME) as tape:
            for record in records:
                tape.add(record)
        return _left_behind(replayed, scenario)

    run_day(what, runner, folder, lambda progress: None, time.monotonic())
    return folder.path


def tell_again(
    scenario: Scenario, seed: int, path: Path, on_progress: OnProgress
) -> tuple[MarketOutcome, RunMetadata]:
    """A way to run a day whose whole tape is there already: what is told of it is made again, the tape is left.

    RunError if the tape does not hold the whole day, TapeError if it cannot be read.
    """
    return _left_behind(replayed_conclusion(tape_so_far(path / TAPE_NAME).records), scenario)


def _left_behind(replayed: ReplayedConclusion, scenario: Scenario) -> tuple[MarketOutcome, RunMetadata]:
    assert replayed.left is not None
    facts = replace(metadata_of_tape(replayed.left, scenario), process_ids={"view": os.getpid()})
    return outcome_of(replayed.left), facts
