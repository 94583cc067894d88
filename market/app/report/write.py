"""Writes what `--figures` and `--report` add to a run folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from market.app.figures.day import day_drawings
from market.app.figures.messages import Window
from market.app.figures.network import network_drawings
from market.app.figures.picture import Picture, Rendered, rendered, write_pictures
from market.app.figures.told import told_pictures
from market.app.report.file_names import FIGURES, REPORT
from market.app.report.run_report import run_page
from market.app.results.folder import RunFolder
from market.app.results.recorded import RecordedRun, read_run
from market.app.runs.process_pool import solve_many, workers

FEWEST_EACH = 12
"""So many pictures are worth a process of their own: it takes about as long to start as to draw half of them."""


def write_figures(folder: Path, *, report: bool, window: Window | None = None) -> RecordedRun:
    """Draw a run's pictures into its folder, and write its report there as well if wanted; returns what was drawn.

    window : of simulated time, whose messages are drawn; else the first ones
    ScenarioError if the folder holds no run, RunError if the disk does not take them.
    """
    run = read_run(folder)
    pictures = drawn_together(run, window)
    write_pictures(pictures, folder / FIGURES)
    if report:
        RunFolder(folder).write(REPORT, run.told.text(run_page(run, pictures).html()))
    return run


def run_drawings(run: RecordedRun, window: Window | None) -> list[Callable[[], Picture]]:
    """What draws each picture of a run, in the order of its report."""
    return [*day_drawings(run), *network_drawings(run, window)]


def drawn_together(run: RecordedRun, window: Window | None) -> list[Rendered]:
    """Every picture of a run in both its forms; many are shared out among processes."""
    count = len(run_drawings(run, window))
    parts = max(1, min(workers(), count // FEWEST_EACH))
    shares = solve_many(
        partial(draw_share, run, window, parts), range(parts), lambda done: None, preload=(__name__,)
    )
    return [shares[place % parts][place // parts] for place in range(count)]


def draw_share(run: RecordedRun, window: Window | None, parts: int, part: int) -> list[Rendered]:
    """Every so manyth picture of a run, from the `part`-th on; each is let go of once it is drawn."""
    drawn = (draw() for draw in run_drawings(run, window)[part::parts])
    return [rendered(picture) for picture in told_pictures(drawn, run.told)]
