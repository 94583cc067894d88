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
from market.extras import need


def compare_command(folders: Sequence[Path], out: Path | None) -> int:
    """Compare runs. ScenarioError if a folder holds no run or the runs have nothing in common."""
    if out is not None:
        need("figures", "--out")
    compared = compare_runs(*map(_read, folders))
    folder = None if out is None else new_run_folder(out, "compare", datetime.now().astimezone())
    echo(comparison_text(compared, [str(path) for path in folders], screen_of(sys.stdout)), styled=True)
    if folder is not None:
        for table in compared.csv_tables():
            folder.write(f"{table.name}.csv", table.csv())
        page = _illustrate(compared, folder, [str(path) for path in folders])
        echo(f"Every row as CSV, and figures: {folder.path}\nAs a page: {page}\n")
    return ExitCode.EQUILIBRIUM


def _read(folder: Path) -> CompareInput:
    run = read_run(folder)
    return CompareInput(run, scenario_as_run(folder, run.manifest["scenario_digest"]))


def _illustrate(compared: Comparison, folder: RunFolder, names: Sequence[str]) -> Path:
    """Draw the figures, and write the report that holds them; returns where that is."""
    from market.app.figures.compare import comparison_pictures
    from market.app.figures.picture import write_pictures
    from market.app.report.compare_report import comparison_page
    from market.app.report.write import FIGURES, REPORT

    pictures = list(comparison_pictures(compared))
    write_pictures(pictures, folder.path / FIGURES)
    folder.write(REPORT, comparison_page(compared, names, pictures).html())
    return folder.path / REPORT
