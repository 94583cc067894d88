"""The report of a comparison: what was changed, what came of it, every table and the figures, on one page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from market.app.analysis.compare import ORDINALS, ComparedTable, Comparison, difference_names
from market.app.report.compare_text import DETAILS, RESULTS
from market.app.report.page import Html, HtmlPage, ReportSection, bullets, paragraph, picture, table
from market.app.report.terminal.numbers import ranges
from market.app.results.table import Cell

if TYPE_CHECKING:
    from market.app.figures.picture import Picture

_DUST: Final = 1e-6
MOST_ROWS: Final = 60
"""A longer table shows the largest differences; the CSV files have them all."""


def comparison_page(compared: Comparison, names: Sequence[str], pictures: Sequence[Picture]) -> HtmlPage:
    """The page. names : the folders of the runs"""
    verdicts = [run.manifest["verdict"].replace("_", " ") for run in compared.runs]
    runs = [f"{w}: {n}, {v}" for w, n, v in zip(ORDINALS, names, verdicts, strict=False)]
    sections = [
        ReportSection("The runs", [bullets(runs), *([bullets(compared.notes)] if compared.notes else [])]),
        ReportSection("What was changed", [_changes(compared)]),
        ReportSection("What came of it", [_results(compared), *map(picture, pictures)]),
        *_details(compared),
    ]
    title = f"{len(compared.runs)} runs of {compared.runs[0].manifest['title'] or compared.runs[0].name} compared"
    return HtmlPage(title, "Differences are against the first run.", sections)


def _changes(compared: Comparison) -> Html:
    if not compared.changes:
        return paragraph("Nothing that the runs tell of.")
    columns = ("field", *ORDINALS[: len(compared.runs)])
    return table(columns, [(change.path, *change.values) for change in compared.changes])


def _results(compared: Comparison) -> Html:
    found = compared["results"]
    rows = [(RESULTS[str(name)], *row) for name, *row in _rows(found, list(found.rows))]
    return table(_columns(("", *ORDINALS[: len(compared.runs)]), len(compared.runs)), rows)


def _columns(first: Sequence[str], runs: int) -> list[str]:
    return [*first, *(name.replace("_", " ") for name in difference_names(runs))]


def _rows(found: ComparedTable, keys: Sequence[tuple[Cell, ...]]) -> Iterator[tuple[Cell, ...]]:
    for key in keys:
        values = found.rows[key]
        differences = (found.difference(key, number) for number in range(1, len(values)))
        yield (*key, *(_without_dust(value) for value in (*values, *differences)))


def _without_dust(value: Cell) -> Cell:
    """A number, or zero in place of what sums of doubles leave behind."""
    return 0.0 if isinstance(value, float) and abs(value) < _DUST else value


def _details(compared: Comparison) -> Iterator[ReportSection]:
    for name, (title, tolerance) in DETAILS.items():
        if name not in compared.tables:
            continue
        found = compared[name].differing(tolerance)
        if found.rows and found.numeric:
            yield ReportSection(title, [_numbers(found, len(compared.runs))])
        elif found.rows:
            yield ReportSection(title, [_words(found, len(compared.runs))])
    if same := [title.partition(",")[0] for name, (title, tolerance) in DETAILS.items() if _same(compared, name)]:
        yield ReportSection("No difference", [paragraph(f"{', '.join(same)}.")])


def _same(compared: Comparison, name: str) -> bool:
    found = compared.tables.get(name)
    return found is not None and bool(found.rows) and not found.differing(DETAILS[name][1]).rows


def _numbers(found: ComparedTable, runs: int) -> Html:
    keys = found.by_size()
    more = f"the largest {MOST_ROWS} of {len(keys)}; {found.name}.csv has all" if len(keys) > MOST_ROWS else ""
    columns = _columns((*found.keys, *ORDINALS[:runs]), runs)
    return table(columns, list(_rows(found, keys[:MOST_ROWS])), more, digits=4)


def _words(found: ComparedTable, runs: int) -> Html:
    columns = (*found.keys[:-1], *ORDINALS[:runs], "periods")
    return table(columns, [(*key, *values, ranges(periods)) for key, values, periods in found.together()])
