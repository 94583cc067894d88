"""The summary of many days: how they ended, what they cost, where each of them is."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from market.app.report.terminal.grid import Column, Grid
from market.app.report.terminal.lines import Whole, left_out, plain
from market.app.report.terminal.numbers import decimal, energy_unit, money_bound, money_digits, price_digits
from market.app.report.terminal.page import drawn
from market.app.report.terminal.screen import Screen, screen_of
from market.app.results.days_folder import day_folder
from market.app.results.records import Records
from market.app.results.telling import telling_of
from market.app.runs.command_line import pasted
from market.app.runs.many_days import DaysReport
from market.rolling.windows import rolling_of

_MOST_ROWS = 31


def days_text(run: DaysReport, screen: Screen | None = None) -> str:
    """The summary, drawn for a screen: that of standard output if no other is given."""
    return drawn(_parts(run), screen or screen_of(sys.stdout))


def _parts(run: DaysReport) -> Iterator[str | Grid]:
    manifest, totals = run.manifest, run.manifest["totals"]
    rolling, days = rolling_of(run.scenario), run.tables["days"].by_column()
    yield f"[bold]{plain(run.scenario.name)}[/bold]  {plain(run.scenario.title)}"
    sound = not run.broken_laws and set(manifest["verdicts"]) <= {"equilibrium", "no_trade", "cleared"}
    verdict = manifest["verdict"].replace("_", " ")
    way = f"{len(days)} days, each planned {rolling.plan_h:g} h ahead and kept for {rolling.commit_h:g} h"
    most = f"ε = {money_bound(manifest['epsilon_cny'])}"
    yield f"[bold {'green' if sound else 'red'}]{verdict}[/]  ·  {way}  ·  {most}"
    if span := telling_of(run.scenario).span:
        yield span
    digits = money_digits([totals["grid_only_cny"], totals["game_cny"]])
    share = totals["saving_cny"] / abs(totals["grid_only_cny"]) if totals["grid_only_cny"] else 0.0
    alone, trading, saved = (decimal(totals[f"{name}_cny"], digits) for name in ("grid_only", "game", "saving"))
    yield f"with the grid alone {alone} CNY, trading {trading} CNY: saves {saved} CNY, {share:.2%}"
    yield ""
    yield _table(run, days)
    yield f"Everything in full precision: {plain(str(run.folder))} (days.csv, costs.csv, periods.csv)"
    first = day_folder(run.folder, 1, len(days))
    yield "Each day is a run of its own; look at one with"
    yield from (Whole(f"  {plain(pasted(name, first))}") for name in ("view", "report"))


def _table(run: DaysReport, days: Records) -> Grid:
    rows = range(min(len(days), _MOST_ROWS))
    starts = telling_of(run.scenario).starts
    energy = energy_unit(days["traded_mwh"].tolist())
    digits = money_digits([*days["grid_only_cny"].tolist(), *days["game_cny"].tolist()])
    prices = price_digits(days["price_cny_per_mwh"].tolist())

    def money(name: str, heading: str) -> Column:
        return Column(heading, [decimal(float(days[name][row]), digits) for row in rows], group="cost in CNY")

    begins = [starts[days["period"][row] - 1][:10] for row in rows] if starts else []
    keys = [Column("day", [str(days["day"][row]) for row in rows])]
    if begins:
        keys.append(Column("from", begins, right=False))
    columns = [
        Column("ended", [str(days["verdict"][row]).replace("_", " ") for row in rows], right=False),
        money("grid_only_cny", "grid only"),
        money("game_cny", "trading"),
        money("saving_cny", "saves"),
        Column(f"traded,\n{energy.name}", [energy.text(float(days["traded_mwh"][row])) for row in rows]),
        Column("mean price,\nCNY/MWh", [decimal(float(days["price_cny_per_mwh"][row]), prices) for row in rows]),
        Column("stored,\nMWh", [decimal(float(days["stored_mwh"][row]), 2) for row in rows]),
    ]
    note = left_out(len(days) - len(rows), "days", "days.csv")
    return Grid("Day by day", keys, columns, note=note)
