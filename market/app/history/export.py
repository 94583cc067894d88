"""Exports a tape as a run folder: the tape itself, and the tables, certificate and manifest of its day."""

from __future__ import annotations

import os
import time
from datetime import datetime
from pathlib import Path

from broker.tape import TAPE_NAME, TapeWriter, tape_so_far
from market.app.history.conclusion import outcome_of
from market.app.history.snapshot import Snapshot
from market.app.history.timeline import Timeline
from market.app.results.folder import new_run_folder
from market.app.results.known_plants import with_known_plants
from market.app.results.manifest import RunSpec
from market.app.results.run_metadata import OnProgress, RunMetadata
from market.app.runs.run_day import run_day
from market.day.outcome import MarketOutcome
from market.errors import RunError
from market.scenario.scenario import Scenario


def export_run(timeline: Timeline, out: Path | None, started: datetime, beside: Scenario | None = None) -> Path:
    """Write the run folder of a day that is over; returns where it is. `out` as for `vppmarket run`.

    beside : the scenario with its plants, where they are at hand
    RunError if the day is not over or the disk refuses, ScenarioError if the folder holds anything.
    """
    view, outcome = timeline.newest, outcome_of(timeline)
    if outcome is None or view.scenario is None:
        raise RunError("only a market that is over can be exported; let it run to its end first")
    of = with_known_plants(view.scenario, beside)
    folder = new_run_folder(out, of.name, started)

    def runner(
        scenario: Scenario, seed: int, path: Path, on_progress: OnProgress
    ) -> tuple[MarketOutcome, RunMetadata]:
        with TapeWriter(path / TAPE_NAME) as tape:
            for record in timeline.records:
                tape.add(record)
        return outcome, _facts(view, path)

    what = RunSpec(of, view.seed, in_process=False, started=started, audit=view.audit)
    run_day(what, runner, folder, lambda progress: None, time.monotonic())
    return folder.path


def retold(
    scenario: Scenario, seed: int, path: Path, on_progress: OnProgress
) -> tuple[MarketOutcome, RunMetadata]:
    """A way to run a day whose whole tape is there already: what is told of it is made again, the tape is left.

    RunError if the tape does not hold the whole day, TapeError if it cannot be read.
    """
    timeline = Timeline(tape_so_far(path / TAPE_NAME).records)
    outcome = outcome_of(timeline)
    if outcome is None:
        raise RunError(f"{path / TAPE_NAME} does not hold a whole day")
    return outcome, _facts(timeline.newest, path)


def _facts(view: Snapshot, path: Path) -> RunMetadata:
    """What a tape tells of how its run went."""
    return RunMetadata(
        time_mode="wall" if view.live else "virtual",
        process_ids={"view": os.getpid()},
        counters={"sent": view.sent, "delivered": view.delivered},
        tape=TAPE_NAME,
        rest_time_s=view.time_s,
        withdrawn=tuple(vpp for vpp in view.vpps if vpp not in view.roster),
    )
