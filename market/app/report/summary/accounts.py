"""Summary tables of the day's accounts: costs and carbon, with and without trade."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import fsum
from typing import TypeVar

from market.app.report.summary.negotiation import VPPS_SHOWN
from market.app.report.summary.units import PageUnits
from market.app.report.terminal.grid import Column, Grid
from market.app.report.terminal.lines import left_out, plain
from market.app.report.terminal.numbers import UNKNOWN, decimal
from market.app.results.concluded_day import ConcludedDay
from market.model.disclosure import Disclosure, disclosure_of, least
from market.settlement.settlement import Account, Settlement, direct_exchange

_Row = TypeVar("_Row")
GRID_ONLY, TRADING = "grid only", "trading"


def costs_table(report: ConcludedDay, units: PageUnits) -> Grid:
    """Every VPP's costs and the system's, with the grid only and with trade, and what trading saves."""
    pairs = _shown(list(_pairs(report.settlement)))

    def money(group: str, heading: str, amounts_cny: Iterator[float]) -> Column:
        return Column(heading, [decimal(amount, units.money) for amount in amounts_cny], group=group)

    columns = [
        money(GRID_ONLY, "operation", (before.operation_cny for before, _ in pairs)),
        money(GRID_ONLY, "carbon", (before.carbon_cny for before, _ in pairs)),
        money(GRID_ONLY, "total", (before.total_cny for before, _ in pairs)),
        money(TRADING, "operation", (after.operation_cny for _, after in pairs)),
        money(TRADING, "trade", (after.trade_cny for _, after in pairs)),
        money(TRADING, "carbon", (after.carbon_cny for _, after in pairs)),
        money(TRADING, "total", (after.total_cny for _, after in pairs)),
        money("", "trading\nsaves", (before.total_cny - after.total_cny for before, after in pairs)),
    ]
    return _of_all("Costs in CNY", columns, report)


def carbon_table(report: ConcludedDay, units: PageUnits) -> Grid:
    """Emission, quota, curtailed and traded energy of every VPP and of the system."""
    pairs = _shown(list(_pairs(report.settlement)))
    bought_mwh, sold_mwh = zip(*_shown(list(_traded_mwh(report))), strict=True)
    mass, energy = units.emission, units.energy
    columns = [
        Column(plan, [unit.text(getattr(pair[at], field)) for pair in pairs], group=f"{name}, {unit.name}")
        for name, unit, field in (
            ("emission", mass, "emission_t"),
            ("quota", mass, "quota_t"),
            ("curtailed", energy, "curtailed_mwh"),
        )
        for at, plan in enumerate((GRID_ONLY, TRADING))
    ]
    traded = [
        Column(name, [energy.text(amount) for amount in amounts], group=f"traded, {energy.name}")
        for name, amounts in (("bought", bought_mwh), ("sold", sold_mwh))
    ]
    return _of_all("Carbon and energy", [*columns, *traded], report)


def disclosure_lines(report: ConcludedDay) -> Iterator[str]:
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


def _shown(rows: Sequence[_Row]) -> list[_Row]:
    """The rows of the first VPPs and of the system, which is the last."""
    return [*rows[:-1][:VPPS_SHOWN], rows[-1]]


def _of_all(title: str, columns: Sequence[Column], report: ConcludedDay) -> Grid:
    """A table of the first VPPs and, set apart, the system."""
    names = [plain(day.declaration.vpp) for day in report.outcome.days[:VPPS_SHOWN]]
    note = left_out(len(report.outcome.days) - VPPS_SHOWN, "VPPs", "costs.csv")
    return Grid(title, [Column("", [*names, "system"], right=False)], columns, sum_row=True, note=note)
