"""Summary tables of the negotiation: roles, prices, selection probabilities."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rich.console import Group, RenderableType

from market.app.report.summary.style import VPPS_SHOWN, add_names, add_numbers, new_table, note_left_out, titled
from market.app.results.concluded_day import ConcludedDay
from market.game.result import PeriodResult
from market.model.arrays import Array
from market.model.declaration import Role
from market.settlement.settlement import settled_mw

ROLE_LETTER = {Role.SELLER: "[green]S[/green]", Role.BUYER: "[yellow]B[/yellow]", Role.IDLE: "[dim]·[/dim]"}
PERIODS_ABREAST = 24
PERIODS_SHOWN = 48
SELLERS_ABREAST = 4
SELLERS_SHOWN = 8  # with more than that the day is told by lowest, mean and highest price
SAME_PROBABILITY = 5e-4  # buyers whose probabilities differ by less are shown as one


def roles_tables(report: ConcludedDay) -> Iterator[RenderableType]:
    """Who sells (S), buys (B) or is balanced (·) in which period; one table for every 24 periods."""
    periods, days = report.scenario.public.horizon.periods, report.outcome.days
    for first in range(0, min(periods, 4 * PERIODS_ABREAST), PERIODS_ABREAST):
        shown = range(first, min(first + PERIODS_ABREAST, periods))
        table = new_table(gap=0)
        add_names(table, "period")
        add_numbers(table, (f"{t + 1:2}" for t in shown))
        for day in days[:VPPS_SHOWN]:
            said = day.declaration
            table.add_row(said.vpp, *(ROLE_LETTER[said.roles[t]] for t in shown))
        note_left_out(table, len(days) - VPPS_SHOWN, "VPPs", "roles.csv")
        yield titled("Roles: S sells, B buys, · balanced", table) if first == 0 else table


def price_tables(report: ConcludedDay) -> Iterator[RenderableType]:
    """Prices and probabilities of the periods in which there is something to trade."""
    traded = [result for result in report.outcome.periods if result.game.tradable]
    selling = {seller for result in traded for seller in result.game.sellers}
    sellers = [vpp for vpp in report.scenario.roster if vpp in selling]
    if len(sellers) > SELLERS_SHOWN:
        yield _spread_table(traded)
        return
    for first in range(0, len(sellers), SELLERS_ABREAST):
        yield _offers_table(traded, sellers[first : first + SELLERS_ABREAST])


def _offers_table(traded: Sequence[PeriodResult], sellers: Sequence[str]) -> Group:
    """A column for each of a few sellers."""
    present = [result for result in traded if any(seller in result.game.sellers for seller in sellers)]
    rest = all(result.verdict.rests for result in present)
    return _price_table(
        f"{'Offers at rest' if rest else 'Last offers'}: price in CNY/kWh, probability (~ mean of the buyers)",
        sellers,
        present,
        lambda result: (_offer(result, seller) for seller in sellers),
    )


def _spread_table(traded: Sequence[PeriodResult]) -> Group:
    """The prices of many sellers: how many there are, the lowest, the mean by energy, the highest."""
    headings = ("sellers", "lowest", "mean", "highest")
    return _price_table("Prices in CNY/kWh", headings, traded, _spread)


def _price_table(
    title: str,
    headings: Sequence[str],
    results: Sequence[PeriodResult],
    cells: Callable[[PeriodResult], Iterator[str]],
) -> Group:
    table = new_table()
    add_numbers(table, ("period", "supply\n/demand", "clearing\nprice", *headings, "traded\nMWh"))
    for result in results[:PERIODS_SHOWN]:
        game = result.game
        table.add_row(
            str(game.period + 1),
            f"{game.surplus_mw.sum() / game.deficit_mw.sum():.2f}",
            _cny_per_kwh(result.clearing_price_cny_per_mwh),
            *cells(result),
            f"{settled_mw(result).sum() * game.period_h:.2f}",
        )
    note_left_out(table, len(results) - PERIODS_SHOWN, "periods", "offers.csv")
    return titled(title, table)


def _offer(result: PeriodResult, seller: str) -> str:
    if seller not in result.game.sellers:
        return ""
    j = result.game.sellers.index(seller)
    return _cny_per_kwh(result.price_cny_per_mwh[j]) + _probability(result.probability[:, j])


def _probability(of_buyers: Array) -> str:
    differ = of_buyers.max() - of_buyers.min() > SAME_PROBABILITY
    return f"[cyan]{'~' if differ else ' '}{of_buyers.mean():.4f}[/cyan]"


def _spread(result: PeriodResult) -> Iterator[str]:
    prices, sold_mw = result.price_cny_per_mwh, settled_mw(result).sum(axis=0)
    mean = float(prices @ sold_mw / sold_mw.sum()) if sold_mw.any() else float(prices.mean())
    yield str(len(prices))
    yield from map(_cny_per_kwh, (prices.min(), mean, prices.max()))


def _cny_per_kwh(price_cny_per_mwh: float) -> str:
    return f"{price_cny_per_mwh / 1000:.4f}"
