"""The summary as a whole: headline, tables in the order of a reader's questions, where to find the rest."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from math import isinf

from rich.console import Console, RenderableType

from market.app.report.summary.accounts import carbon_table, costs_table, disclosure_lines
from market.app.report.summary.negotiation import price_tables, roles_tables
from market.app.report.summary.network import network_lines
from market.app.report.summary.style import plain
from market.app.results.concluded_day import ConcludedDay
from market.app.results.exit_codes import exit_code_of
from market.game.result import Verdict
from market.settlement.outcome import MarketOutcome

PIPED_WIDTH = 100


def summary_text(report: ConcludedDay) -> str:
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


def _parts(report: ConcludedDay) -> Iterator[RenderableType]:
    yield f"[bold]{plain(report.scenario.name)}[/bold]  {plain(report.scenario.title)}"
    yield _verdict(report)
    yield from _whole_day(report)
    yield from _strategies(report)
    yield _circumstances(report)
    yield from _efficiency(report)
    yield from _losses(report)
    yield from network_lines(report)
    yield from _troubles(report)
    yield from (plain(law) for law in report.manifest["laws_not_claimed"])
    yield ""
    yield from roles_tables(report)
    yield from price_tables(report)
    yield costs_table(report)
    yield carbon_table(report)
    yield from disclosure_lines(report)
    yield f"Everything in full precision: {plain(str(report.folder))}"


def _verdict(report: ConcludedDay) -> str:
    outcome, sound = report.outcome, report.exit_code == 0
    verdict = f"[bold {'green' if sound else 'red'}]{outcome.verdict.value}[/]"
    most = f"ε = {outcome.epsilon_cny:.2g} CNY"
    if any(period.delivered_mw.any() for period in outcome.periods):
        most += f", {outcome.epsilon_relative:.2g} of the value traded"
    if exit_code_of(outcome.verdict) == 0:
        return f"{verdict}  ·  nobody gains more by moving than {most}"
    return f"{verdict}  ·  most to be gained by moving, where it rests: {most}"


def _whole_day(report: ConcludedDay) -> Iterator[str]:
    """What the day is as a whole (M6), where that was asked for."""
    day = report.day_certificate
    if day is None:
        return
    told = f"day: {day.verdict.value.replace('_', ' ')}  ·  regrets of all VPPs, each planning anew alone"
    unbound = [regret.vpp for regret in day.regrets if isinf(regret.upper_cny)]
    if unbound:
        yield (
            f"{told}: {day.lower_cny:,.1f} CNY or more; no bound above: {plain(', '.join(unbound))} did not know "
            "how the market ended"
        )
        return
    share = day.share_of_saving(day.upper_cny)
    part = f", {share:.1%} of what cooperation would save" if share is not None else ""
    yield f"{told}: {day.lower_cny:,.1f} to {day.upper_cny:,.1f} CNY{part}"


def _strategies(report: ConcludedDay) -> Iterator[str]:
    """What strategies of the owners' own have lost against best replies."""
    for each in report.strategies:
        lost = (
            f"{each.selling_regret_cny:,.2f} CNY by its prices, {each.buying_regret_cny:,.2f} CNY by its choices"
        )
        yield f"strategy of {plain(each.vpp)}, {plain(each.use)}, against best replies: lost {lost}"


def _circumstances(report: ConcludedDay) -> str:
    facts = report.facts
    messages = facts.counters.get("sent", 0)
    agreed = report.outcome.rounds is not None and report.outcome.rounds.agreed
    parts = [
        f"periods: {', '.join(_periods(report.outcome))}",
        *([] if agreed else [f"rounds: {report.manifest['rounds']}"]),
        f"{messages} messages, {len(facts.process_ids)} processes" if messages else "one process",
        f"{report.manifest['wall_s']:.1f} s",
    ]
    return "  ·  ".join(parts)


def _efficiency(report: ConcludedDay) -> Iterator[str]:
    """How a day of several rounds went, and how much of what all could save together its trade saves."""
    rounds, possible = report.outcome.rounds, report.facts.possible_saving_cny
    if rounds is not None:
        regrets = f"the sum of all regrets is {rounds.regrets_cny:,.2f} CNY"
        yield f"round {rounds.settled} of 0–{rounds.rounds[-1].number} is settled: {regrets}"
        if rounds.agreed and report.outcome.verdict is Verdict.UNCERTIFIED:
            yield "that is the uplift: paid on top, it leaves nobody wanting another day at these prices"
    if possible is not None and possible > 0.0:
        alone, traded = report.settlement.grid_only_system, report.settlement.game_system
        saving = alone.total_cny - traded.total_cny
        share = f"{100.0 * saving / possible:.1f} % of the {possible:,.0f} CNY that one plan for all would save"
        yield f"trade saves {saving:,.0f} CNY: {share}"


def _losses(report: ConcludedDay) -> Iterator[str]:
    """Whom the market lost on the way."""
    facts = report.facts
    if facts.withdrawn:
        yield f"[red]without {plain(', '.join(facts.withdrawn))}[/red], lost and not back before the end"
    if facts.counters.get("returned"):
        yield f"lost on the way: {facts.counters['lost']} times; back again: {facts.counters['returned']} times"


def _periods(outcome: MarketOutcome) -> Iterator[str]:
    """How many periods ended in which way; which they are, where it was no equilibrium."""
    for verdict in Verdict:
        numbers = [result.game.period + 1 for result in outcome.periods if result.verdict is verdict]
        if numbers:
            which = "" if verdict is Verdict.EQUILIBRIUM else f" ({_ranges(numbers)})"
            yield f"{len(numbers)} {verdict.value.replace('_', ' ')}{which}"


def _ranges(numbers: Sequence[int]) -> str:
    """Rising numbers, runs of them shortened.

    >>> _ranges([1, 3, 4, 5])
    '1, 3–5'
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)


def _troubles(report: ConcludedDay) -> Iterator[RenderableType]:
    """What ended otherwise than in equilibrium, and why."""
    for result in report.outcome.periods:
        if result.verdict not in (Verdict.EQUILIBRIUM, Verdict.NO_TRADE):
            story = result.evidence or "a seller or buyer would gain by moving; see certificate.json"
            yield f"[red]period {result.game.period + 1}: {result.verdict.value}[/red]: {plain(story)}"
