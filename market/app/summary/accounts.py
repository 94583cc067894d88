"""Owns the tables of what the day came to: costs and carbon, with and without trade. Knows nothing of prices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from market.app.run_day import Report
from market.app.summary.style import new_table
from market.settlement import Account, Settlement


def costs_table(report: Report) -> Table:
    """Every VPP's costs and the system's, with the grid only and with trade, and what trading saves."""
    headings = (
        *("grid only\noperation", "\ncarbon", "\ntotal"),
        *("with trade\noperation", "\ntrade", "\ncarbon", "\ntotal"),
        "trading\nsaves",
    )
    table = _by_vpp("Costs in CNY", headings)
    for before, after in _pairs(report.settlement):
        money = (
            *(before.operation_cny, before.carbon_cny, before.total_cny),
            *(after.operation_cny, after.trade_cny, after.carbon_cny, after.total_cny),
            before.total_cny - after.total_cny,
        )
        _add(table, before, [_cny(amount) for amount in money])
    return table


def carbon_table(report: Report) -> Table:
    """Emission, quota, curtailed and traded energy of every VPP and of the system."""
    headings = (
        *("emission t\ngrid only", "\nwith trade", "quota t\ngrid only", "\nwith trade"),
        *("curtailed MWh\ngrid only", "\nwith trade", "traded MWh\nbought", "\nsold"),
    )
    table = _by_vpp("Carbon and energy", headings)
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
        _add(table, before, [f"{number:,.2f}" for number in numbers])
    return table


def _by_vpp(title: str, headings: Sequence[str]) -> Table:
    table = new_table(title)
    table.add_column("")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _pairs(settlement: Settlement) -> Iterator[tuple[Account, Account]]:
    """Each VPP's account with the grid only and with trade, then the system's."""
    yield from zip(settlement.grid_only, settlement.game, strict=True)
    yield settlement.grid_only_system, settlement.game_system


def _add(table: Table, account: Account, cells: list[str]) -> None:
    system = account.vpp == "system"
    if system:
        table.add_section()
    table.add_row(account.vpp, *cells, style="bold" if system else None)


def _cny(amount: float) -> str:
    return f"{round(amount):,}"
