"""The summary as a whole: headline, tables in the order of a reader's questions, where to find the rest."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from math import isinf, isnan

from market.app.report.file_names import REPORT
from market.app.report.summary.accounts import carbon_table, costs_table, disclosure_lines
from market.app.report.summary.idleness import trade_lines
from market.app.report.summary.negotiation import price_tables, roles_table
from market.app.report.summary.network import network_lines
from market.app.report.summary.peaks import peaks_of_day
from market.app.report.summary.reality import reality_parts
from market.app.report.summary.troubles import trouble_lines
from market.app.report.summary.units import units_of
from market.app.report.terminal.grid import Grid
from market.app.report.terminal.lines import Whole, plain
from market.app.report.terminal.numbers import decimal, money_bound, ranges, share
from market.app.report.terminal.page import drawn
from market.app.report.terminal.screen import Screen, screen_of
from market.app.results.concluded_day import ConcludedDay
from market.app.results.exit_codes import exit_code_of
from market.app.results.kept import kept_note
from market.app.runs.command_line import pasted
from market.game.result import Verdict
from market.model.calendar import span_text
from market.settlement.outcome import MarketOutcome

_DUST = 1e-12
"""A share of the value traded below this is what doubles leave behind."""


def summary_text(report: ConcludedDay, screen: Screen | None = None) -> str:
    """The summary, drawn for a screen: that of standard output if no other is given."""
    return drawn(_parts(report), screen or screen_of(sys.stdout))


def _parts(report: ConcludedDay) -> Iterator[str | Grid]:
    units = units_of(report)
    yield f"[bold]{plain(report.scenario.name)}[/bold]  {plain(report.scenario.title)}"
    yield _verdict(report)
    yield from _whole_day(report)
    yield from _strategies(report)
    yield from _circumstances(report)
    yield from _rounds(report)
    yield from trade_lines(report, units.money)
    yield from _losses(report)
    yield from network_lines(report)
    yield from trouble_lines(report)
    yield from (plain(law) for law in report.manifest["laws_not_claimed"])
    yield ""
    yield roles_table(report)
    yield from price_tables(report, units)
    yield costs_table(report, units)
    if peaks := peaks_of_day(report, units.money):
        yield from (peaks, "")
    yield from reality_parts(report, units)
    yield carbon_table(report, units)
    yield from disclosure_lines(report)
    if note := kept_note(report.kept):
        yield note
    yield from _next(report)


def _next(report: ConcludedDay) -> Iterator[str]:
    """Where everything is, and what can be made of it."""
    yield f"Everything in full precision: {plain(str(report.folder))}"
    if (report.folder / REPORT).exists():
        yield f"Its report is {plain(str(report.folder / REPORT))}; look at it on a page:"
        yield Whole(f"  {plain(pasted('view', report.folder))}")
        return
    yield "Look at it on a page, or have it drawn as report.html:"
    yield from (Whole(f"  {plain(pasted(name, report.folder))}") for name in ("view", "report"))


def _verdict(report: ConcludedDay) -> str:
    outcome, sound = report.outcome, report.exit_code == 0
    verdict = f"[bold {'green' if sound else 'red'}]{outcome.verdict.value.replace('_', ' ')}[/]"
    if not any(period.game.tradable for period in outcome.periods):
        if outcome.verdict is Verdict.UNCERTIFIED:
            return f"{verdict}  ·  nothing is traded, and it is not proved that nobody would gain by trade"
        return f"{verdict}  ·  there is nothing to trade in any period, and so nothing to gain by moving"
    if not any(period.verdict.rests for period in outcome.periods):
        return f"{verdict}  ·  no period came to rest: nothing is traded, and what could be gained is not known"
    if outcome.verdict is Verdict.CLEARED:
        rule = report.scenario.public.market.mechanism.value
        return f"{verdict}  ·  by the rule of {rule}; what a lie would gain is not bounded"
    most = f"ε = {money_bound(outcome.epsilon_cny)}".replace("= under", "<")
    if any(period.delivered_mw.any() for period in outcome.periods) and outcome.epsilon_relative >= _DUST:
        most += f", {share(outcome.epsilon_relative)} of the value traded"
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
            f"{told}: {decimal(day.lower_cny, 1)} CNY or more; no bound above: {plain(', '.join(unbound))} did "
            "not know how the market ended"
        )
        return
    saved = day.share_of_saving(day.upper_cny)
    part = f", {saved:.1%} of what cooperation would save" if saved is not None else ""
    yield f"{told}: {decimal(day.lower_cny, 1)} to {decimal(day.upper_cny, 1)} CNY{part}"


def _strategies(report: ConcludedDay) -> Iterator[str]:
    """What strategies of the owners' own have lost against best replies."""
    for each in report.strategies:
        if isnan(each.selling_regret_cny):
            measured = "what that pays, vppmarket experiment mechanisms measures"
            yield f"strategy of {plain(each.vpp)}, {plain(each.use)}: it declares; {measured}"
            continue
        prices, choices = decimal(each.selling_regret_cny, 2), decimal(each.buying_regret_cny, 2)
        lost = f"{prices} CNY by its prices, {choices} CNY by its choices"
        yield f"strategy of {plain(each.vpp)}, {plain(each.use)}, against best replies: lost {lost}"


def _circumstances(report: ConcludedDay) -> Iterator[str]:
    facts = report.facts
    messages = facts.counters.get("sent", 0)
    agreed = report.outcome.rounds is not None and report.outcome.rounds.agreed
    parts = [
        *([] if agreed or report.outcome.verdict is Verdict.CLEARED else [f"rounds: {report.manifest['rounds']}"]),
        f"{messages:,} messages, {len({*facts.process_ids.values()})} processes" if messages else "one process",
        f"{report.manifest['wall_s']:.1f} s",
    ]
    if span := span_text(report.scenario.public.horizon):
        yield span
    yield f"periods: {', '.join(_periods(report.outcome))}"
    yield "  ·  ".join(parts)


def _rounds(report: ConcludedDay) -> Iterator[str]:
    """How a day of several rounds went."""
    rounds = report.outcome.rounds
    if rounds is not None:
        regrets = f"the sum of all regrets is {decimal(rounds.regrets_cny, 2)} CNY"
        yield f"round {rounds.settled} of 0–{rounds.rounds[-1].number} is settled: {regrets}"
        if rounds.agreed and report.outcome.verdict is Verdict.UNCERTIFIED:
            yield (
                "that is what could be saved beyond this, at most, and uplift: paid on top, it leaves nobody "
                "wanting another day at these prices"
            )


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
            which = "" if verdict in (Verdict.EQUILIBRIUM, Verdict.CLEARED) else f" ({ranges(numbers)})"
            yield f"{len(numbers)} {verdict.value.replace('_', ' ')}{which}"
