"""What ended otherwise than in equilibrium, and why: like stories are told once, with all their periods."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from market.app.report.terminal.lines import plain
from market.app.report.terminal.numbers import ranges
from market.app.results.concluded_day import ConcludedDay
from market.game.result import PeriodResult, Verdict

_STORIES_SHOWN: Final = 6
_WHERE: Final = "certificate.json"


def trouble_lines(report: ConcludedDay) -> Iterator[str]:
    """A line for each kind of story, the longest lists first to be cut short."""
    told: dict[tuple[str, str], list[PeriodResult]] = {}
    for result in report.outcome.periods:
        if result.verdict not in (Verdict.EQUILIBRIUM, Verdict.NO_TRADE, Verdict.CLEARED):
            told.setdefault((result.verdict.value, _kind(result, report.scenario.roster)), []).append(result)
    for (verdict, _), results in list(told.items())[:_STORIES_SHOWN]:
        yield _line(verdict, results)
    if left := [r.game.period + 1 for alike in list(told.values())[_STORIES_SHOWN:] for r in alike]:
        yield f"and periods {ranges(sorted(left))} in {_WHERE}"


def _line(verdict: str, results: Sequence[PeriodResult]) -> str:
    numbers = [result.game.period + 1 for result in results]
    first, *more = _clauses(results[0])
    rest = f"; and more like it, in {_WHERE}" if more or len(results) > 1 else ""
    where = f"period{'s' if len(numbers) > 1 else ''} {ranges(numbers)}"
    return f"[red]{where}: {verdict}[/red]: {plain(first)}{rest}"


def _clauses(result: PeriodResult) -> list[str]:
    return (result.evidence or f"a seller or buyer would gain by moving; see {_WHERE}").split("; ")


def _kind(result: PeriodResult, roster: Sequence[str]) -> str:
    """A story without its numbers and names."""
    names = "|".join(sorted(map(re.escape, roster), key=len, reverse=True))
    return re.sub(rf"\b(?:{names})\b|\d[\d.,e+-]*", "#", _clauses(result)[0])
