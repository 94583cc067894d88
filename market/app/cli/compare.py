"""The command `compare`: two run folders in, a page for people and, if wanted, CSV tables and figures out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from market.app.analysis.compare import SAME_PRICE, SAME_PROBABILITY, Comparison, compare_runs, differing
from market.app.cli.console import echo
from market.app.report.page import number_text
from market.app.results.exit_codes import ExitCode
from market.app.results.folder import new_run_folder
from market.app.results.recorded import read_run
from market.app.results.table import Cell, Table
from market.extras import need

ROWS_SHOWN = 20
WIDEST = 44  # characters of a cell on the screen
TITLES = {
    "rules": ("Rules and conditions", 0.0, 0),
    "results": ("Results", 0.0, 0),
    "verdicts": ("Verdicts of periods", 0.0, 0),
    "roles": ("Roles", 0.0, 0),
    "clearing_prices": ("Clearing prices, CNY/MWh", SAME_PRICE, 4),
    "prices": ("Prices at rest, CNY/MWh", SAME_PRICE, 4),
    "probabilities": ("Probabilities", SAME_PROBABILITY, 6),
    "costs": ("Costs, CNY", 1e-6, 2),
    "carbon": ("Carbon, t and MWh", 1e-9, 4),
}


def compare_command(first: Path, second: Path, out: Path | None) -> int:
    """Compare two runs. ScenarioError if a folder holds no run or the runs have nothing in common."""
    if out is not None:
        need("figures", "--out")
    compared = compare_runs(read_run(first), read_run(second))
    folder = None if out is None else new_run_folder(out, "compare", datetime.now().astimezone())
    echo("\n".join([f"first:  {first}", f"second: {second}", *page(compared)]) + "\n")
    if folder is not None:
        for table in compared.tables.values():
            folder.write(f"{table.name}.csv", table.csv())
        _illustrate(compared, folder.path)
        echo(f"\nEvery row as CSV, and figures: {folder.path}\n")
    return ExitCode.EQUILIBRIUM


def _illustrate(compared: Comparison, folder: Path) -> None:
    from market.app.figures.compare import comparison_pictures
    from market.app.figures.picture import write_pictures

    write_pictures(comparison_pictures(compared), folder / "figures")


def page(compared: Comparison) -> Iterator[str]:
    """What differs, for a terminal, in lines."""
    yield from (f"note: {note}" for note in compared.notes)
    for name, (title, tolerance, digits) in TITLES.items():
        if name in compared.tables:
            rows = differing(compared[name], tolerance)
            yield ""
            yield f"{title}: {_count(len(rows.rows)) if compared[name].rows else 'nothing that both runs have'}"
            yield from _lines(rows, digits)


def _count(rows: int) -> str:
    return "no difference" if rows == 0 else f"{rows} difference{'s' if rows > 1 else ''}"


def _lines(table: Table, digits: int) -> Iterator[str]:
    """The rows with the largest differences first, in columns; the CSV tables have them all."""
    if not table.rows:
        return
    rows = list(table.rows)
    if table.columns[-1] == "difference":
        rows.sort(key=lambda row: -abs(float(row[-1])) if row[-1] == row[-1] else -float("inf"))
    shown = [[_cell(cell, digits) for cell in row] for row in rows[:ROWS_SHOWN]]
    widths = [max(len(text) for text in column) for column in zip(table.columns, *shown, strict=True)]
    for line in ([*table.columns], *shown):
        padded = (text.rjust(width) for text, width in zip(line, widths, strict=True))
        yield "  " + "  ".join(padded)
    if len(rows) > ROWS_SHOWN:
        yield f"  … and {len(rows) - ROWS_SHOWN} more; --out DIR writes them all"


def _cell(cell: Cell, digits: int) -> str:
    text = number_text(cell, digits)
    return (text if len(text) <= WIDEST else text[: WIDEST - 1] + "…") or "–"
