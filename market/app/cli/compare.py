"""The command `compare`: run folders in; a page, and if wanted a report, CSV tables and figures, out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from market.app.analysis.changes import CompareInput
from market.app.analysis.compare import Comparison, compare_runs
from market.app.cli.console import echo
from market.app.report.compare_text import comparison_text
from market.app.report.terminal.screen import screen_of
from market.app.results.exit_codes import ExitCode
from market.app.results.folder import RunFolder, new_run_folder
from market.app.results.kept_scenario import scenario_as_run
from market.app.results.recorded import read_run
from market.app.results.table import Table
from market.app.results.telling import Telling
from market.app.runs.whole_day import fill_day
from market.extras import need


def compare_command(folders: Sequence[Path], out: Path | None) -> int:
    """Compare runs. ScenarioError if a folder holds no run or the runs have nothing in common."""
    if out is not None:
        need("figures", "--out")
    compared = compare_runs(*map(_read, folders))
    folder = None if out is None else new_run_folder(out, "compare", datetime.now().astimezone())
    told = compared.runs[0].told
    text = comparison_text(compared, [str(path) for path in folders], screen_of(sys.stdout))
    echo(told.text(text), styled=True)
    if folder is not None:
        for table in compared.csv_tables():
            folder.write(f"{table.name}.csv", told.table(_told_cells(table, told)).csv())
        page = _illustrate(compared, folder, [str(path) for path in folders])
        echo(f"Every row as CSV, and figures: {folder.path}\nAs a page: {page}\n")
    return ExitCode.EQUILIBRIUM


def _read(folder: Path) -> CompareInput:
    fill_day(folder)
    run = read_run(folder)
    return CompareInput(run, scenario_as_run(folder, run.manifest["scenario_digest"]))


def _illustrate(compared: Comparison, folder: RunFolder, names: Sequence[str]) -> Path:
    """Draw the figures, and write the report that holds them; returns where that is."""
    from market.app.figures.compare import comparison_pictures
    from market.app.figures.picture import write_pictures
    from market.app.figures.told import told_pictures
    from market.app.report.compare_report import comparison_page
    from market.app.report.file_names import FIGURES, REPORT

    told = compared.runs[0].told
    pictures = list(told_pictures(comparison_pictures(compared), told))
    write_pictures(pictures, folder.path / FIGURES)
    folder.write(REPORT, told.text(comparison_page(compared, names, pictures).html()))
    return folder.path / REPORT


def _told_cells(table: Table, told: Telling) -> Table:
    """A table with the names of rules and results that are money as the currency has them."""
    rows = (tuple(told.text(cell) if isinstance(cell, str) else cell for cell in row) for row in table.rows)
    return Table(table.name, table.columns, tuple(rows))
