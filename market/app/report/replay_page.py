"""Shows a replay to people: counts by VPP and kind, the first differences, the state at a moment."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console, RenderableType

from market.app.replay.decision import Agreement, Decision
from market.app.replay.tally import Tally
from market.app.replay.vpp_replay import NO_PLANT
from market.app.report.summary.style import add_names, add_numbers, new_table, plain

SHOWN = 5
"""So many differing decisions, and values of each, are shown."""
WIDTH = 100


def replay_text(run: str, tally: Tally, torn_bytes: int) -> str:
    """The page, drawn for the terminal that standard output is, or 100 columns wide and plain."""
    person = sys.stdout.isatty()
    out = io.StringIO()
    console = Console(
        file=out, force_terminal=person, width=None if person else WIDTH, legacy_windows=False, highlight=False
    )
    for part in _parts(run, tally, torn_bytes):
        console.print(part, soft_wrap=isinstance(part, str))
    text = out.getvalue()
    return text if person else "\n".join(line.rstrip() for line in text.split("\n"))


def _parts(run: str, tally: Tally, torn_bytes: int) -> Iterator[RenderableType]:
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
        yield f"largest difference between two numbers: {tally.largest_difference:.3g}"
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


def _counts(tally: Tally) -> RenderableType:
    table = new_table()
    add_names(table, "who")
    table.add_column("what", no_wrap=True)
    add_numbers(table, ("decisions", *(agreement.value for agreement in Agreement)))
    before = ""
    for who, what in dict.fromkeys((who, what) for who, what, _ in sorted(tally.counts, key=_vpps_first)):
        numbers = [tally.counts[who, what, agreement] for agreement in Agreement]
        shown = [str(sum(numbers)), *(str(number) if number else "" for number in numbers)]
        table.add_row(plain(who) if who != before else "", what, *shown)
        before = who
    return table


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


def _stood(stood: Mapping[str, Any]) -> Iterator[RenderableType]:
    yield f"\n[bold]At {stood['time_s']:.6g} s[/bold], after {stood['records']} records: {stood['phase']}"
    yield plain(f"epoch {stood['epoch']} with {', '.join(stood['roster']) or 'nobody yet'}")
    for vpp, how in stood["absent"].items():
        yield plain(f"{vpp} is away: {how}")
    if not stood["periods"]:
        yield plain(f"declared: {', '.join(stood['declared']) or 'nobody yet'}")
    else:
        yield _periods(stood)
    yield f"under way: {_under_way(stood)}"


def _periods(stood: Mapping[str, Any]) -> RenderableType:
    table = new_table()
    add_numbers(table, ("period",))
    table.add_column("offers, CNY/MWh")
    table.add_column("probabilities, by seller")
    table.add_column("not confirmed by")
    for period in stood["periods"]:
        offers = "  ".join(f"{vpp} {price:.4f}" for vpp, price in period["price_cny_per_mwh"].items())
        chosen = "  ".join(f"{vpp} {_row(row)}" for vpp, row in period["probability"].items())
        waits = period["verdict"] or ", ".join(period["unconfirmed"]) or "confirmed by all"
        table.add_row(str(period["period"]), plain(offers), plain(chosen), plain(waits))
    return table


def _row(row: Mapping[str, float]) -> str:
    return "/".join(f"{value:.3f}" for value in row.values())


def _under_way(stood: Mapping[str, Any]) -> str:
    kinds: dict[str, int] = {}
    for passage in stood["under_way"]:
        kinds[passage["kind"]] = kinds.get(passage["kind"], 0) + 1
    return ", ".join(f"{count} × {kind}" for kind, count in sorted(kinds.items())) or "nothing"
