"""What the summary says of a day that became real: costs in fact, imbalance, and who loses by trade."""

from __future__ import annotations

from collections.abc import Iterator

from market.app.report.summary.negotiation import VPPS_SHOWN
from market.app.report.summary.units import PageUnits
from market.app.report.terminal.grid import Column, Grid
from market.app.report.terminal.lines import left_out, plain
from market.app.report.terminal.numbers import AmountUnit, decimal
from market.app.results.concluded_day import ConcludedDay
from market.settlement.settlement import Account

_GRID_ONLY, _TRADING = "grid only", "trading"


def reality_parts(report: ConcludedDay, units: PageUnits) -> Iterator[str | Grid]:
    """A table of costs in fact, and a line on who loses; nothing where nothing is told of reality."""
    real = report.real
    if real is None:
        return
    before = _shown(real.grid_only, real.grid_only_system)
    after = _shown(real.game, real.game_system)

    def money(group: str, heading: str, amounts_cny: Iterator[float]) -> Column:
        return Column(heading, [decimal(amount, units.money) for amount in amounts_cny], group=group)

    columns = [
        money(_GRID_ONLY, "imbalance", (account.imbalance_cny for account in before)),
        money(_GRID_ONLY, "total", (account.total_cny for account in before)),
        money(_TRADING, "imbalance", (account.imbalance_cny for account in after)),
        money(_TRADING, "total", (account.total_cny for account in after)),
        money("", "trading\nsaved", (b.total_cny - a.total_cny for b, a in zip(before, after, strict=True))),
    ]
    names = [plain(account.vpp) for account in before]
    note = left_out(len(real.game) - VPPS_SHOWN, "VPPs", "costs.csv")
    yield Grid("In reality, CNY", [Column("", names, right=False)], columns, sum_row=True, note=note)
    yield _losers(report)
    if real.missed_mwh:
        yield missed_line(real.missed_mwh, units.energy)
    yield ""


def missed_line(missed_mwh: float, energy: AmountUnit, where: str = "") -> str:
    """What nothing could serve or take up, in a unit of energy. where : in whose plant and when, in words"""
    missed = f"{energy.text(missed_mwh)} {energy.name}"
    return f"[red]{missed} of load could not be served, or of output could go nowhere{where}[/red]"


def _losers(report: ConcludedDay) -> str:
    assert report.real is not None
    losers, known = report.real.losers, len(report.real.compared)
    if not losers:
        return f"in reality nobody pays more with trade than without ({known} VPPs compared)"
    named = plain(", ".join(losers[:VPPS_SHOWN])) + (" …" if len(losers) > VPPS_SHOWN else "")
    return f"in reality {len(losers)} of {known} VPPs pay more with trade than without: {named}"


def _shown(accounts: tuple[Account, ...], system: Account) -> list[Account]:
    return [*accounts[:VPPS_SHOWN], system]
