"""Owns the tables of what was negotiated: roles, prices, selection probabilities. Knows nothing of accounts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from market.app.run_day import Report
from market.app.summary.style import new_table
from market.arrays import Array
from market.declaration import Role
from market.outcome import PeriodResult
from market.settlement import settled_mw

ROLE_LETTER = {Role.SELLER: "[green]S[/green]", Role.BUYER: "[yellow]B[/yellow]", Role.IDLE: "[dim]·[/dim]"}
PERIODS_ABREAST = 24
SELLERS_ABREAST = 5
SAME_PROBABILITY = 5e-4  # buyers whose probabilities differ by less are shown as one


def roles_tables(report: Report) -> Iterator[Table]:
    """Who sells (S), buys (B) or is balanced (·) in which period; one table for every 24 periods."""
    periods = report.scenario.public.horizon.periods
    for first in range(0, periods, PERIODS_ABREAST):
        shown = range(first, min(first + PERIODS_ABREAST, periods))
        table = new_table("Roles: S sells, B buys, · balanced", padding=(0, 1, 0, 0))
        table.add_column("period")
        for t in shown:
            table.add_column(str(t + 1), justify="right", min_width=2, no_wrap=True)
        for day in report.outcome.days:
            said = day.declaration
            table.add_row(said.vpp, *(ROLE_LETTER[said.roles[t]] for t in shown))
        yield table


def price_tables(report: Report) -> Iterator[Table]:
    """Prices and probabilities of the periods in which there is something to trade, a few sellers abreast."""
    traded = [result for result in report.outcome.periods if result.game.tradable]
    selling = {seller for result in traded for seller in result.game.sellers}
    sellers = [vpp.id for vpp in report.scenario.vpps if vpp.id in selling]
    for first in range(0, len(sellers), SELLERS_ABREAST):
        yield _price_table(traded, sellers[first : first + SELLERS_ABREAST])


def _price_table(traded: Sequence[PeriodResult], sellers: Sequence[str]) -> Table:
    table = new_table(
        "Offers in equilibrium: price in CNY/kWh, and the probability of being chosen (~ mean of the buyers)"
        if all(result.verdict.rests for result in traded)
        else "Last offers: price in CNY/kWh, and the probability of being chosen (~ mean of the buyers)"
    )
    for heading in ("period", "supply\n/demand", "clearing\nprice"):
        table.add_column(heading, justify="right", no_wrap=True)
    for seller in sellers:
        table.add_column(seller, justify="right", no_wrap=True)
    table.add_column("traded\nMWh", justify="right", no_wrap=True)
    for result in traded:
        if any(seller in result.game.sellers for seller in sellers):
            table.add_row(*_price_row(result, sellers))
    return table


def _price_row(result: PeriodResult, sellers: Sequence[str]) -> Iterator[str]:
    game = result.game
    yield str(game.period + 1)
    yield f"{game.surplus_mw.sum() / game.deficit_mw.sum():.2f}"
    yield f"{result.clearing_price_cny_per_mwh / 1000:.4f}"
    for seller in sellers:
        if seller in game.sellers:
            j = game.sellers.index(seller)
            yield f"{result.price_cny_per_mwh[j] / 1000:.4f} {_probability(result.probability[:, j])}"
        else:
            yield ""
    yield f"{settled_mw(result).sum() * game.period_h:.2f}"


def _probability(of_buyers: Array) -> str:
    differ = of_buyers.max() - of_buyers.min() > SAME_PROBABILITY
    return f"[cyan]{'~' if differ else ' '}{of_buyers.mean():.4f}[/cyan]"
