"""Writes what `--figures` and `--report` add to a run folder."""

from __future__ import annotations

from pathlib import Path

from market.app.figures.day import day_pictures
from market.app.figures.network import network_pictures
from market.app.figures.picture import write_pictures
from market.app.figures.told import told_pictures
from market.app.report.run_report import run_page
from market.app.results.folder import RunFolder
from market.app.results.recorded import RecordedRun, read_run

FIGURES = "figures"
REPORT = "report.html"


def write_figures(folder: Path, *, report: bool) -> RecordedRun:
    """Draw a run's pictures into its folder, and write its report there as well if wanted; returns what was drawn.

    ScenarioError if the folder holds no run, RunError if the disk does not take them.
    """
    run = read_run(folder)
    pictures = list(told_pictures((*day_pictures(run), *network_pictures(run)), run.told))
    write_pictures(pictures, folder / FIGURES)
    if report:
        RunFolder(folder).write(REPORT, run.told.text(run_page(run, pictures).html()))
    return run
