"""Owns the page as a whole: headline, the tables in the order of a reader's questions, where to find the rest.

Knows nothing of what is in a table.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator

from rich.console import Console, RenderableType

from market.app.run_day import Report
from market.app.summary.accounts import carbon_table, costs_table
from market.app.summary.negotiation import price_tables, roles_tables
from market.outcome import Verdict

PIPED_WIDTH = 100


def summary_text(report: Report) -> str:
    """The summary, drawn for the terminal that standard output is, or 100 columns wide and plain."""
    person = sys.stdout.isatty()
    console = Console(
        file=io.StringIO(),
        force_terminal=person,
        width=None if person else PIPED_WIDTH,
        legacy_windows=False,
        highlight=False,
    )
    for part in _parts(report):
        console.print(part)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO above
    return "\n".join(line.rstrip() for line in text.split("\n")) if not person else text


def _parts(report: Report) -> Iterator[RenderableType]:
    yield f"[bold]{report.scenario.name}[/bold]  {report.scenario.title}"
    yield _headline(report)
    yield from _troubles(report)
    yield from roles_tables(report)
    yield from price_tables(report)
    yield costs_table(report)
    yield carbon_table(report)
    yield f"Everything in full precision: {report.folder}"


def _headline(report: Report) -> str:
    outcome, manifest = report.outcome, report.manifest
    colour = "green" if report.exit_code == 0 else "red"
    processes = len(report.facts.process_ids)
    return (
        f"[bold {colour}]{outcome.verdict.value}[/bold {colour}], "
        f"ε = {outcome.epsilon_cny:.1e} CNY ({outcome.epsilon_relative:.1e} of the value traded)  ·  "
        f"{_periods(report)}  ·  {manifest['rounds']} rounds  ·  "
        f"{processes} process{'es' if processes > 1 else ''}  ·  {manifest['wall_s']:.1f} s"
    )


def _periods(report: Report) -> str:
    counts = report.manifest["periods"]
    return ", ".join(f"{counts[v.value]} {v.value.replace('_', ' ')}" for v in Verdict if v.value in counts)


def _troubles(report: Report) -> Iterator[RenderableType]:
    """What ended otherwise than in equilibrium, and why."""
    for result in report.outcome.periods:
        if result.verdict not in (Verdict.EQUILIBRIUM, Verdict.NO_TRADE):
            story = result.evidence or "a seller or buyer would gain by moving; see certificate.json"
            yield f"[red]period {result.game.period + 1}: {result.verdict.value}[/red]: {story}"
