"""A run folder as a source: its tape, read at once, and followed while the run still writes it."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from broker.protocol.run_progress import Phase
from broker.tape import TAPE_NAME, TapeReader
from broker.tape.files import open_tape
from market.app.feeds.feed import LiveStatus, State, Status
from market.app.history.timeline import Timeline
from market.app.results.columns import LINK_COUNTS
from market.app.results.kept_scenario import SCENARIO_FOLDER, kept_scenario
from market.app.results.manifest import MANIFEST
from market.app.results.manifest_shape import is_aborted, read_manifest
from market.app.results.written_files import foreign_files, foreign_note
from market.app.runs.command_line import pasted
from market.errors import Fault, MarketError, ScenarioError, TapeError
from market.scenario.scenario import Scenario

LOOK_EVERY_S = 0.1
PIECE = 1 << 22


class RecordedFeed:
    """The tape of a run folder.

    ScenarioError if there is none or its manifest is damaged, TapeError if it is no tape
    """

    def __init__(self, folder: Path) -> None:
        self.name = folder.name or str(folder)
        self.timeline = Timeline()
        self.scenario = _kept(folder)
        self._folder = folder
        self._reader = TapeReader(str(folder / TAPE_NAME))
        self._fault = ""
        self._broken = False
        self._counts: dict[str, int] | None = None
        if not os.path.exists(folder / TAPE_NAME):
            raise _no_tape(folder)
        manifest = read_manifest(folder)
        self._read_on()
        self._altered = _foreign(folder, manifest)
        self._recorded = self._complete or manifest is not None
        if self._recorded and not self._complete:
            self._look_at_end()
        if not self._recorded:
            threading.Thread(target=self._follow, name="tape", daemon=True).start()

    @property
    def _complete(self) -> bool:
        return self.timeline.newest.phase is Phase.OVER

    def _look_at_end(self) -> None:
        """Nothing will follow: whether the tape was torn off, or is damaged."""
        self._broken = True
        try:
            self._reader.check_end()
        except TapeError as error:
            self._fault = str(error)

    def _read_on(self) -> None:
        """Take in what has been written since the last time."""
        with open_tape(self._folder / TAPE_NAME) as file:
            file.seek(self._reader.received)
            while piece := file.read(PIECE):
                self.timeline.extend(list(self._reader.feed(piece)))

    def _follow(self) -> None:
        pause = threading.Event()
        while not self._complete and not self._broken:
            pause.wait(LOOK_EVERY_S)
            outcome = self._outcome()  # looked for first: what was written before it is then read
            try:
                self._read_on()
            except (OSError, MarketError) as error:
                self._fault, self._broken = str(error), True
            else:
                self._broken = outcome is not None and not self._complete

    def _outcome(self) -> str | None:
        """The error in the manifest; empty if the run ended well, None while there is no manifest."""
        try:
            manifest = read_manifest(self._folder)
        except ScenarioError as error:
            return str(error)
        return None if manifest is None else str(manifest.get("error", ""))

    def status(self) -> Status:
        """Recorded, being written, ended, or broken with the reason that the manifest gives."""
        if self._complete:
            words = "recorded" if self._recorded else "ended"
            return Status(State.ENDED, words, self._altered, LiveStatus(counts=self._link_counts()))
        fault = "; ".join(filter(None, (self._fault or self._outcome(), self._altered)))
        if self._broken or fault:
            return Status(State.BROKEN, "broken off", fault or "the tape ends before its run was complete")
        return Status(State.GOING_ON if len(self.timeline) else State.SEARCHING, "being written")

    def _link_counts(self) -> dict[str, int]:
        """What became of messages, from the run's totals."""
        if self._counts is None:
            try:
                network = (read_manifest(self._folder) or {}).get("network") or {}
            except ScenarioError:
                return {}
            self._counts = {name: network[name] for name in LINK_COUNTS if name in network}
        return self._counts


def _kept(folder: Path) -> Scenario | None:
    """The scenario that a run's folder keeps; None if it cannot be read: the tape can be looked at without."""
    try:
        return kept_scenario(folder)
    except ScenarioError:
        return None


def _foreign(folder: Path, manifest: Mapping[str, Any] | None) -> str:
    """What to tell of altered files that are shown here: the tape and the scenario. Tables are made anew."""
    if manifest is None or is_aborted(manifest):
        return ""
    found = foreign_files(folder, manifest)
    shown = [f for f in found if f.name == manifest["tape"] or f.name.startswith(f"{SCENARIO_FOLDER}/")]
    return foreign_note(str(folder), shown)


def _no_tape(folder: Path) -> ScenarioError:
    rule = f"a run to look at has a {TAPE_NAME}"
    if not os.path.isdir(folder):
        return ScenarioError([Fault(rule, "no such folder", str(folder), "name the folder of a run")])
    if os.path.isfile(folder / MANIFEST):
        remedy = f"look at its tables with {pasted('report', folder)}, or run it without --in-process"
        return ScenarioError([Fault(rule, "a run without messages", str(folder), remedy)])
    return ScenarioError([Fault(rule, "a folder without one", str(folder), "name the folder of a run")])
