"""Summary tables of the negotiation: roles, prices, selection probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from market.app.report.summary.units import PRICE, PageUnits
from market.app.report.terminal.grid import Column, Grid
from market.app.report.terminal.lines import left_out, plain
from market.app.report.terminal.numbers import decimal
from market.app.results.concluded_day import ConcludedDay
from market.game.period import PeriodGame
from market.game.result import PeriodResult
from market.model.arrays import Array
from market.model.calendar import clock_labels, starts
from market.model.declaration import Role
from market.settlement.settlement import settled_mw

ROLE_LETTER = {Role.SELLER: "[green]S[/green]", Role.BUYER: "[yellow]B[/yellow]", Role.IDLE: "[dim]·[/dim]"}
VPPS_SHOWN = 24
PERIODS_ABREAST = 24
PERIODS_SHOWN = 100
"""All of the longest day, on which clocks go back, in quarter hours."""
PRICES_SHOWN = 48
OVER_A_COLUMN = 20  # letters of an id in one line
SELLERS_SHOWN = 8  # with more than that the day is told by lowest, mean and highest price
SAME_PROBABILITY = 5e-4  # buyers whose probabilities differ by less are shown as one


def roles_table(report: ConcludedDay) -> Grid:
    """Who sells (S), buys (B) or is balanced (·) in which period."""
    periods, days = report.scenario.public.horizon.periods, report.outcome.days
    shown = days[:VPPS_SHOWN]
    parts, moments = _clock_parts(report), starts(report.scenario.public.horizon)
    columns = [
        Column(
            "\n".join((f"{t + 1:2}", *(f"{moments[t]:{form}}" for form in parts.values()))),
            [ROLE_LETTER[day.declaration.roles[t]] for day in shown],
        )
        for t in range(min(periods, PERIODS_SHOWN))
    ]
    notes = (left_out(len(days) - VPPS_SHOWN, "VPPs", "roles.csv"),
             left_out(periods - PERIODS_SHOWN, "periods", "roles.csv"))  # fmt: skip
    return Grid(
        "Roles: S sells, B buys, · balanced",
        [Column("\n".join(("period", *parts)), [plain(day.declaration.vpp) for day in shown], right=False)],
        columns,
        most=PERIODS_ABREAST,
        note="\n".join(filter(None, notes)),
    )


def _clock_parts(report: ConcludedDay) -> dict[str, str]:
    """What is told of the time at which periods begin, and how; nothing where they are at no time."""
    moments = starts(report.scenario.public.horizon)
    return {
        **({"day": "%d"} if len({each.date() for each in moments}) > 1 else {}),
        **({"hour": "%H"} if moments else {}),
        **({"minute": "%M"} if any(each.minute for each in moments) else {}),
    }


def price_tables(report: ConcludedDay, units: PageUnits) -> Iterator[Grid]:
    """Prices and probabilities of the periods in which there is something to trade."""
    traded = [result for result in report.outcome.periods if result.game.tradable]
    if not traded:
        return
    selling = {seller for result in traded for seller in result.game.sellers}
    sellers = [vpp for vpp in report.scenario.roster if vpp in selling]
    rest = all(result.verdict.rests for result in traded)
    if len(sellers) > SELLERS_SHOWN:
        yield _price_table(report, f"Prices in {PRICE}", _spread(traded[:PRICES_SHOWN], units), traded, units)
        return
    title = f"{'Offers at rest' if rest else 'Last offers'}: price in {PRICE}, probability (~ mean of the buyers)"
    yield _price_table(report, title, _offers(traded[:PRICES_SHOWN], sellers, units), traded, units)


def _times(report: ConcludedDay, games: Sequence[PeriodGame]) -> list[Column]:
    """When periods begin, where that is known."""
    clocks = clock_labels(report.scenario.public.horizon)
    return [Column("time", [clocks[game.period] for game in games])] if clocks else []


def _price_table(
    report: ConcludedDay, title: str, columns: Sequence[Column], results: Sequence[PeriodResult], units: PageUnits
) -> Grid:
    """A row for each period. columns : what is said of its sellers"""
    shown = results[:PRICES_SHOWN]
    games = [result.game for result in shown]
    keys = [
        Column("period", [str(game.period + 1) for game in games]),
        *_times(report, games),
        Column("supply\n/demand", [decimal(g.surplus_mw.sum() / g.deficit_mw.sum(), 2) for g in games]),
        Column("clearing\nprice", [_price(result.clearing_price_cny_per_mwh, units) for result in shown]),
        Column(
            f"traded\n{units.energy.name}",
            [units.energy.text(float(settled_mw(r).sum()) * r.game.period_h) for r in shown],
        ),
    ]
    note = left_out(len(results) - PRICES_SHOWN, "periods", "offers.csv")
    return Grid(title, keys, columns, note=note, gap=2, sparse=True)


def _offers(results: Sequence[PeriodResult], sellers: Sequence[str], units: PageUnits) -> list[Column]:
    """A column for each of a few sellers."""
    return [Column(_in_lines(seller), [_offer(result, seller, units) for result in results]) for seller in sellers]


def _in_lines(seller: str) -> str:
    """An id over its column: a long one in lines of one length, so that the rest of the row has room beside it."""
    lines = -(-len(seller) // OVER_A_COLUMN)
    length = -(-len(seller) // lines)
    return "\n".join(plain(seller[start : start + length]) for start in range(0, len(seller), length))


def _offer(result: PeriodResult, seller: str, units: PageUnits) -> str:
    if seller not in result.game.sellers:
        return ""
    j = result.game.sellers.index(seller)
    return f"{_price(result.price_cny_per_mwh[j], units)}{_probability(result.probability[:, j])}"


def _probability(of_buyers: Array) -> str:
    differ = of_buyers.max() - of_buyers.min() > SAME_PROBABILITY
    return f"[cyan]{'~' if differ else ' '}{of_buyers.mean():.4f}[/cyan]"


def _spread(results: Sequence[PeriodResult], units: PageUnits) -> list[Column]:
    """The prices of many sellers: how many there are, the lowest, the mean by energy, the highest."""
    rows = [_spread_of(result, units) for result in results]
    return [
        Column(name, [row[number] for row in rows])
        for number, name in enumerate(("sellers", "lowest", "mean", "highest"))
    ]


def _spread_of(result: PeriodResult, units: PageUnits) -> tuple[str, ...]:
    prices, sold_mw = result.price_cny_per_mwh, settled_mw(result).sum(axis=0)
    mean = float(prices @ sold_mw / sold_mw.sum()) if sold_mw.any() else float(prices.mean())
    return str(len(prices)), *(_price(price, units) for price in (prices.min(), mean, prices.max()))


def _price(price_cny_per_mwh: float, units: PageUnits) -> str:
    return decimal(float(price_cny_per_mwh), units.price)
