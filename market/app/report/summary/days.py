"""The summary of many days: how they ended, what they cost, where each of them is."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from math import fsum
from typing import Any

from market.app.report.summary.negotiation import VPPS_SHOWN
from market.app.report.summary.peaks import peaks_of_days
from market.app.report.summary.reality import missed_line
from market.app.report.terminal.grid import Column, Grid
from market.app.report.terminal.lines import Whole, left_out, plain
from market.app.report.terminal.numbers import decimal, energy_unit, money_bound, money_digits, price_digits
from market.app.report.terminal.page import drawn
from market.app.report.terminal.screen import Screen, screen_of
from market.app.results.columns import IMBALANCE
from market.app.results.days_folder import day_folder
from market.app.results.days_manifest import BUDGET
from market.app.results.records import Records
from market.app.results.telling import telling_of
from market.app.runs.command_line import pasted
from market.app.runs.many_days import DaysReport
from market.model.calendar import span_text
from market.rolling.windows import rolling_of

_MOST_ROWS = 31
_DUST_MWH = 1e-9
"""Energy below this is what solvers leave behind."""


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
    if span := span_text(run.spec.horizon):
        yield span
    digits = money_digits([totals["grid_only_cny"], totals["game_cny"]])
    share = totals["saving_cny"] / abs(totals["grid_only_cny"]) if totals["grid_only_cny"] else 0.0
    alone, trading, saved = (decimal(totals[f"{name}_cny"], digits) for name in ("grid_only", "game", "saving"))
    yield f"with the grid alone {alone} CNY, trading {trading} CNY: saves {saved} CNY, {share:.2%}"
    if budget := totals.get(BUDGET):
        way = "pays out" if budget < 0.0 else "takes in"
        yield f"the mechanism {way} {decimal(abs(budget), digits)} CNY, which is not among what trade saves"
    if real := manifest.get(IMBALANCE):
        yield from _reality(real, len(days), digits)
        if real["missed_mwh"] > _DUST_MWH:
            yield _missed(run.tables["costs"].by_column(), len(days))
    if peaks := peaks_of_days(run.tables["costs"], digits):
        yield peaks
    yield ""
    yield _table(run, days)
    if real:
        yield _real_table(run, days)
    yield f"Everything in full precision: {plain(str(run.folder))} (days.csv, costs.csv, periods.csv)"
    first = day_folder(run.folder, 1, len(days))
    yield "Each day is a run of its own; look at one with"
    yield from (Whole(f"  {plain(pasted(name, first))}") for name in ("view", "report"))


def _reality(real: Mapping[str, Any], days: int, digits: int) -> Iterator[str]:
    names = ("grid_only_realised_cny", "game_realised_cny", "saving_cny", "cost_cny")
    alone, trading, saved, cost = (decimal(real[name], digits) for name in names)
    yield f"in reality {alone} CNY and {trading} CNY: saves {saved} CNY; of that imbalance, trading, {cost} CNY"
    losers, some_days = real["losers"], f"somebody does on {real['days_with_losers']} of {days} days"
    named = ", ".join(losers[:VPPS_SHOWN]) + (" …" if len(losers) > VPPS_SHOWN else "")
    yield f"over all days {plain(named) or 'nobody'} pays more with trade than without; {some_days}"


def _missed(costs: Records, days: int) -> str:
    """How much could not be served or go anywhere, in whose plants, the most first, and on how many days."""
    real = costs.where(scenario="game_realised")
    found = real.only((real["vpp"] != "system") & (real["missed_mwh"] > _DUST_MWH))
    by_vpp = {vpp: fsum(rows["missed_mwh"].tolist()) for (vpp,), rows in found.by("vpp").items()}
    energy, most = energy_unit(by_vpp.values()), sorted(by_vpp, key=by_vpp.__getitem__, reverse=True)
    named = ", ".join(f"{plain(vpp)} {energy.text(by_vpp[vpp])}" for vpp in most[:VPPS_SHOWN])
    more = " …" if len(most) > VPPS_SHOWN else ""
    where = f", on {len(found.distinct('day'))} of {days} days: {named}{more}"
    return missed_line(fsum(by_vpp.values()), energy, where)


def _shown(days: Records) -> range:
    """The rows that are shown."""
    return range(min(len(days), _MOST_ROWS))


def _keys(run: DaysReport, days: Records) -> list[Column]:
    """The day of each row, and its date where there is one."""
    starts = telling_of(run.scenario).starts
    keys = [Column("day", [str(days["day"][row]) for row in _shown(days)])]
    if starts:
        begins = [starts[days["period"][row] - 1][:10] for row in _shown(days)]
        keys.append(Column("from", begins, right=False))
    return keys


def _money(days: Records, group: str, headings: Mapping[str, str]) -> list[Column]:
    """Columns of money by their names, the two costs first; the other amounts have as many digits as these."""
    digits = money_digits([cost for name in list(headings)[:2] for cost in days[name].tolist()])
    return [
        Column(heading, [decimal(float(days[name][row]), digits) for row in _shown(days)], group=group)
        for name, heading in headings.items()
    ]


def _real_table(run: DaysReport, days: Records) -> Grid:
    energies = {"short_mwh": "short", "long_mwh": "long"}
    unit = energy_unit([amount for name in energies for amount in days[name].tolist()])
    costs = {
        "grid_only_realised_cny": "grid only",
        "game_realised_cny": "trading",
        "saving_realised_cny": "saves",
        "imbalance_cny": "imbalance",
    }
    columns = [
        *_money(days, "cost in CNY", costs),
        *(
            Column(f"{heading},\n{unit.name}", [unit.text(float(days[name][row])) for row in _shown(days)])
            for name, heading in energies.items()
        ),
        _stored(days, "stored_realised_mwh"),
    ]
    note = left_out(len(days) - len(_shown(days)), "days", "days.csv")
    return Grid("In reality", _keys(run, days), columns, note=note)


def _stored(days: Records, name: str) -> Column:
    return Column("stored,\nMWh", [decimal(float(days[name][row]), 2) for row in _shown(days)])


def _table(run: DaysReport, days: Records) -> Grid:
    rows = _shown(days)
    energy = energy_unit(days["traded_mwh"].tolist())
    prices = price_digits(days["price_cny_per_mwh"].tolist())
    costs = {"grid_only_cny": "grid only", "game_cny": "trading", "saving_cny": "saves"}
    columns = [
        Column("ended", [str(days["verdict"][row]).replace("_", " ") for row in rows], right=False),
        *_money(days, "cost in CNY", costs),
        Column(f"traded,\n{energy.name}", [energy.text(float(days["traded_mwh"][row])) for row in rows]),
        Column("mean price,\nCNY/MWh", [decimal(float(days["price_cny_per_mwh"][row]), prices) for row in rows]),
        _stored(days, "stored_mwh"),
    ]
    note = left_out(len(days) - len(rows), "days", "days.csv")
    return Grid("Day by day", _keys(run, days), columns, note=note)
