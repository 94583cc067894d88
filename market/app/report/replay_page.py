"""Shows a replay to people: counts by VPP and kind, the first differences, the state at a moment."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from market.app.replay.decision import Agreement, Decision
from market.app.replay.tally import Tally
from market.app.replay.vpp_replay import NO_PLANT
from market.app.report.summary.units import PRICE
from market.app.report.terminal.grid import Column, Grid
from market.app.report.terminal.lines import plain
from market.app.report.terminal.numbers import decimal, rounded
from market.app.report.terminal.page import drawn
from market.app.report.terminal.screen import Screen, screen_of

SHOWN = 5
"""So many differing decisions, and values of each, are shown."""


def replay_text(run: str, tally: Tally, torn_bytes: int, screen: Screen | None = None) -> str:
    """The page, drawn for a screen: that of standard output if no other is given."""
    return drawn(_parts(run, tally, torn_bytes), screen or screen_of(sys.stdout))


def _parts(run: str, tally: Tally, torn_bytes: int) -> Iterator[str | Grid]:
    yield f"[bold]{plain(run)}[/bold]  {_headline(tally)}"
    if torn_bytes:
        yield f"the tape ends in {torn_bytes} bytes of an unfinished record, which were left out"
    if tally.stood is None and not tally.complete:
        yield "the run broke off: what its tape holds was replayed"
    yield from (plain(line) for line in (*_unknown(tally), *tally.unchecked))
    yield _counts(tally)
    for decision in tally.differing[:SHOWN]:
        yield from _differing(decision)
    if len(tally.differing) > SHOWN:
        yield f"… and {len(tally.differing) - SHOWN} more decisions; --json lists them all"
    if tally.differing:
        yield f"largest difference between two numbers: {rounded(tally.largest_difference)}"
    if tally.stood is not None:
        yield from _stood(tally.stood)


def _headline(tally: Tally) -> str:
    differ, same = tally.number(Agreement.DIFFERENT), tally.number(Agreement.SAME)
    others = (Agreement.NOT_RECORDED, Agreement.NOT_RECOMPUTED)
    beside = "".join(f"; {agreement.value}: {n}" for agreement in others if (n := tally.number(agreement)))
    if differ:
        return f"[bold]{differ} of {same + differ} decisions differ[/bold]: this run cannot be relied on{beside}"
    return f"all {same} decisions are the recorded ones{beside}"


def _unknown(tally: Tally) -> Iterator[str]:
    """A line for each reason why something was not computed again."""
    for reason, whose in tally.unknown.items():
        advice = "; --plants SCENARIO gives them" if reason == NO_PLANT else ""
        yield f"not recomputed: what was private to {', '.join(whose)} ({reason}{advice})"


def _counts(tally: Tally) -> Grid:
    """How many decisions of which kind; columns of kinds that never came up are left out."""
    rows = list(dict.fromkeys((who, what) for who, what, _ in sorted(tally.counts, key=_vpps_first)))
    counts = {kind: [tally.counts[who, what, kind] for who, what in rows] for kind in Agreement}
    names = [plain(who) if not at or rows[at - 1][0] != who else "" for at, (who, _) in enumerate(rows)]
    wide = max(map(len, names), default=0)
    labels = [f"{name:{wide}}  {what}" for name, (_, what) in zip(names, rows, strict=True)]
    always = (Agreement.SAME, Agreement.DIFFERENT)
    columns = [
        Column("decisions", [str(sum(row)) for row in zip(*counts.values(), strict=True)]),
        *(
            Column(kind.value, [str(number) if number else "" for number in numbers])
            for kind, numbers in counts.items()
            if kind in always or any(numbers)
        ),
    ]
    return Grid("", [Column(f"{'who':{wide}}  what", labels, right=False)], columns, gap=2)


def _vpps_first(key: tuple[str, str, Agreement]) -> tuple[bool, str, str]:
    who, what, _ = key
    return who == "broker", who, what


def _differing(decision: Decision) -> Iterator[str]:
    place = f"{decision.who}, {decision.what} at {decision.time_s:.6g} s of epoch {decision.epoch}"
    yield plain(f"{place}: {decision.detail}")
    for difference in decision.differences[:SHOWN]:
        yield plain(f"  {difference}")
    if len(decision.differences) > SHOWN:
        yield f"  … and {len(decision.differences) - SHOWN} more values"


def _stood(stood: Mapping[str, Any]) -> Iterator[str | Grid]:
    yield f"\n[bold]At {stood['time_s']:.6g} s[/bold], after {stood['records']} records: {stood['phase']}"
    yield plain(f"epoch {stood['epoch']} with {', '.join(stood['roster']) or 'nobody yet'}")
    for vpp, how in stood["absent"].items():
        yield plain(f"{vpp} is away: {how}")
    if not stood["periods"]:
        yield plain(f"declared: {', '.join(stood['declared']) or 'nobody yet'}")
    else:
        yield _periods(stood)
    yield f"under way: {_under_way(stood)}"


def _periods(stood: Mapping[str, Any]) -> Grid:
    offers, chosen, waits = [], [], []
    for period in stood["periods"]:
        prices = (f"{vpp} {decimal(price, 4)}" for vpp, price in period["price_cny_per_mwh"].items())
        offers.append(plain("  ".join(prices)))
        chosen.append(plain("  ".join(f"{vpp} {_row(row)}" for vpp, row in period["probability"].items())))
        waits.append(plain(period["verdict"] or ", ".join(period["unconfirmed"]) or "confirmed by all"))
    columns = ((f"offers, {PRICE}", offers), ("probabilities, by seller", chosen), ("not confirmed by", waits))
    numbers = [str(period["period"]) for period in stood["periods"]]
    texts = [Column(heading, cells, right=False, words=True) for heading, cells in columns]
    return Grid("", [Column("period", numbers)], texts, gap=2)


def _row(row: Mapping[str, float]) -> str:
    return "/".join(f"{value:.3f}" for value in row.values())


def _under_way(stood: Mapping[str, Any]) -> str:
    kinds: dict[str, int] = {}
    for passage in stood["under_way"]:
        kinds[passage["kind"]] = kinds.get(passage["kind"], 0) + 1
    return ", ".join(f"{count} × {kind}" for kind, count in sorted(kinds.items())) or "nothing"
