"""Owns the tables of what the day came to: costs and carbon, with and without trade. Knows nothing of prices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group
from rich.table import Table

from market.app.run_day import Report
from market.app.summary.style import VPPS_SHOWN, add_names, add_numbers, new_table, note_left_out, titled
from market.settlement import Account, Settlement


def costs_table(report: Report) -> Group:
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
        rows.append((before.vpp, *(f"{round(amount):,}" for amount in money)))
    return titled("Costs in CNY", _filled(headings, rows))


def carbon_table(report: Report) -> Group:
    """Emission, quota, curtailed and traded energy of every VPP and of the system."""
    headings = (
        *("emission t\ngrid only", "\ntrading", "quota t\ngrid only", "\ntrading"),
        *("curtailed MWh\ngrid only", "\ntrading", "traded MWh\nbought", "\nsold"),
    )
    rows = []
    period_h = report.scenario.public.horizon.period_h
    plans = [day.after for day in report.outcome.days]
    bought = [float(plan.direct_in_mw.sum()) * period_h for plan in plans]
    sold = [float(plan.direct_out_mw.sum()) * period_h for plan in plans]
    for (before, after), bought_mwh, sold_mwh in zip(
        _pairs(report.settlement), [*bought, sum(bought)], [*sold, sum(sold)], strict=True
    ):
        numbers = (
            *(before.emission_t, after.emission_t, before.quota_t, after.quota_t),
            *(before.curtailed_mwh, after.curtailed_mwh, bought_mwh, sold_mwh),
        )
        rows.append((before.vpp, *(f"{number:,.2f}" for number in numbers)))
    return titled("Carbon and energy", _filled(headings, rows))


def _pairs(settlement: Settlement) -> Iterator[tuple[Account, Account]]:
    """Each VPP's account with the grid only and with trade, then the system's."""
    yield from zip(settlement.grid_only, settlement.game, strict=True)
    yield settlement.grid_only_system, settlement.game_system


def _filled(headings: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Table:
    """The first VPPs and, set apart, the system, which is the last row."""
    table = new_table()
    add_names(table, "")
    add_numbers(table, headings)
    *vpps, system = rows
    for row in vpps[:VPPS_SHOWN]:
        table.add_row(*row)
    table.add_section()
    table.add_row(*system, style="bold")
    note_left_out(table, len(vpps) - VPPS_SHOWN, "VPPs", "costs.csv")
    return table
