"""Summary tables of the day's accounts: costs and carbon, with and without trade."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import fsum, isnan

from rich.console import Group, RenderableType
from rich.table import Table

from market.app.report.summary.style import (
    VPPS_SHOWN,
    add_names,
    add_numbers,
    new_table,
    note_left_out,
    plain,
    titled,
)
from market.app.results.concluded_day import ConcludedDay
from market.model.disclosure import Disclosure, disclosure_of, least
from market.settlement.settlement import Account, Settlement, direct_exchange

UNKNOWN = "–"  # "not shown" in every cell would not fit into 80 columns; the lines below the tables say it


def costs_table(report: ConcludedDay) -> Group:
    """Every VPP's costs and the system's, with the grid only and with trade, and what trading saves."""
    headings = (
        *("grid only\noperation", "\ncarbon", "\ntotal"),
        *("trading\noperation", "\ntrade", "\ncarbon", "\ntotal"),
        "trading\nsaves",
    )
    rows = []
    for before, after in _pairs(report.settlement):
        money = (
            *(before.operation_cny, before.carbon_cny, before.total_cny),
            *(after.operation_cny, after.trade_cny, after.carbon_cny, after.total_cny),
            before.total_cny - after.total_cny,
        )
        rows.append((before.vpp, *(_number(amount, 0) for amount in money)))
    return titled("Costs in CNY", _filled(headings, rows))


def carbon_table(report: ConcludedDay) -> Group:
    """Emission, quota, curtailed and traded energy of every VPP and of the system."""
    headings = (
        *("emission\nt\ngrid only", "\n\ntrading", "quota\nt\ngrid only", "\n\ntrading"),
        *("curtailed\nMWh\ngrid only", "\n\ntrading", "traded\nMWh\nbought", "\n\nsold"),
    )
    rows = []
    for (before, after), traded_mwh in zip(_pairs(report.settlement), _traded_mwh(report), strict=True):
        numbers = (
            *(before.emission_t, after.emission_t, before.quota_t, after.quota_t),
            *(before.curtailed_mwh, after.curtailed_mwh, *traded_mwh),
        )
        rows.append((before.vpp, *(_number(number, 2) for number in numbers)))
    return titled("Carbon and energy", _filled(headings, rows))


def disclosure_lines(report: ConcludedDay) -> Iterator[RenderableType]:
    """Whose plans are not shown, if any are not, and what is therefore unknown."""
    levels = {
        day.declaration.vpp: least(disclosure_of(day.before), disclosure_of(day.after))
        for day in report.outcome.days
    }
    totals, nothing = (
        [vpp for vpp, level in levels.items() if level is kind] for kind in (Disclosure.TOTALS, Disclosure.NONE)
    )
    if not (totals or nothing):
        return
    if totals:
        yield f"shown as totals only: {_names(totals)} (no plan, no curtailed energy)"
    if nothing:
        yield f"not shown: {_names(nothing)} (only what it paid for trade is known)"
    yield f"{UNKNOWN}: not shown, or a sum over what is not shown; manifest.json: laws_not_checked"
    yield ""


def _names(vpps: Sequence[str]) -> str:
    more = f" and {len(vpps) - VPPS_SHOWN} more" if len(vpps) > VPPS_SHOWN else ""
    return plain(", ".join(vpps[:VPPS_SHOWN])) + more


def _number(value: float, digits: int) -> str:
    if isnan(value):
        return UNKNOWN
    return f"{value:,.{digits}f}" if digits else f"{round(value):,}"


def _traded_mwh(report: ConcludedDay) -> Iterator[tuple[float, float]]:
    """Energy bought from other VPPs and sold to them, of each VPP and of the system."""
    public, results = report.scenario.public, report.outcome.periods
    both = []
    for day in report.outcome.days:
        fixed = direct_exchange(day.declaration.vpp, results, public)
        powers_mw = (fixed.in_mw.tolist(), fixed.out_mw.tolist())
        both.append((fsum(powers_mw[0]) * public.horizon.period_h, fsum(powers_mw[1]) * public.horizon.period_h))
    yield from both
    yield fsum(bought for bought, _ in both), fsum(sold for _, sold in both)


def _pairs(settlement: Settlement) -> Iterator[tuple[Account, Account]]:
    """Each VPP's account with the grid only and with trade, then the system's."""
    yield from zip(settlement.grid_only, settlement.game, strict=True)
    yield settlement.grid_only_system, settlement.game_system


def _filled(headings: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Table:
    """The first VPPs and, set apart, the system, which is the last row."""
    table = new_table(gap=0)  # both fit into 80 columns
    add_names(table, "")
    add_numbers(table, headings)
    *vpps, system = rows
    for row in vpps[:VPPS_SHOWN]:
        table.add_row(*row)
    table.add_section()
    table.add_row(*system, style="bold")
    note_left_out(table, len(vpps) - VPPS_SHOWN, "VPPs", "costs.csv")
    return table
