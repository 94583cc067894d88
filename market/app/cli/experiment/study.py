"""The frame of every study: its output folder, its progress line, and solving many days on all cores."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from market.app.cli.console import live_progress
from market.app.results.folder import RunFolder, new_run_folder
from market.app.results.run_metadata import OnProgress, RunProgress
from market.app.results.table import Table
from market.app.results.telling import Telling
from market.app.runs.process_pool import solve_many
from market.errors import RunError, ScenarioError
from market.scenario.private import FOLDER_MODE
from market.system_fault import reason_and_remedy

if TYPE_CHECKING:
    from market.app.figures.picture import Picture

_In = TypeVar("_In")
_Out = TypeVar("_Out")


@dataclass(frozen=True, slots=True)
class Study:
    """A study under way: where its files go, how it is told, since when, and whom to tell how far it is."""

    folder: RunFolder
    told: Telling
    started: datetime
    since: float
    on_progress: OnProgress

    @property
    def path(self) -> Path:
        """Its folder."""
        return self.folder.path

    def stage(self, name: str) -> None:
        """Say what is being done."""
        self.on_progress(RunProgress(name))

    def write(self, tables: Sequence[Table]) -> None:
        """Write each table as CSV."""
        for table in tables:
            self.folder.write(f"{table.name}.csv", self.told.table(table).csv_parts())

    def illustrate(self, pictures: Iterable[Picture]) -> None:
        """Write pictures as the study is told, PNG and SVG, into its folder."""
        from market.app.figures.picture import write_pictures
        from market.app.figures.told import told_pictures

        write_pictures(told_pictures(pictures, self.told), self.path / "figures")

    def inside(self, name: str) -> RunFolder:
        """A new folder in this one. RunError if the disk does not take it."""
        path = self.path / name
        try:
            path.mkdir(mode=FOLDER_MODE)
        except OSError as error:
            raise RunError(f"{path} cannot be made: {reason_and_remedy(error)}") from None
        return RunFolder(path)

    def solve_all(
        self, name: str, function: Callable[[_In], _Out], items: Sequence[_In], what: str = "days"
    ) -> list[_Out]:
        """`solve_many` that tells of its progress under this name."""
        return solve_many(function, items, partial(self._counted, name, len(items), what))

    def _counted(self, name: str, all_of_them: int, what: str, done: int) -> None:
        self.stage(f"{name}: {done} of {all_of_them} {what}")


@contextmanager
def study(out: Path | None, name: str, told: Telling, *, quiet: bool) -> Iterator[Study]:
    """A study in the folder `out`, or a new one under `runs`. ScenarioError if that folder cannot be."""
    since, started = time.monotonic(), datetime.now().astimezone()
    there = out is not None and out.exists()
    folder = new_run_folder(out, name, started)
    try:
        with live_progress(since, wanted=not quiet) as on_progress:
            yield Study(folder, told, started, since, on_progress)
    except ScenarioError:  # what was asked for cannot be: no empty folder stays
        with suppress(OSError):
            if not there:
                folder.path.rmdir()
            if out is None:
                folder.path.parent.rmdir()
        raise
