"""The units of a summary, chosen once for the whole page by the size of its day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from market.app.report.terminal.numbers import AmountUnit, emission_unit, energy_unit, money_digits, price_digits
from market.app.results.concluded_day import ConcludedDay
from market.settlement.settlement import settled_mw

PRICE: Final = "CNY/MWh"
"""The unit of prices in a scenario, in its tables and in messages, and so in what the terminal shows."""


@dataclass(frozen=True, slots=True)
class PageUnits:
    """How quantities are shown. money, price : digits behind the point of CNY and of CNY/MWh"""

    energy: AmountUnit
    emission: AmountUnit
    money: int
    price: int


def units_of(day: ConcludedDay) -> PageUnits:
    """Units in which a day of households says as much as one of towns; what is traded in a period decides."""
    periods, settlement = day.outcome.periods, day.settlement
    period_h = day.scenario.public.horizon.period_h
    traded_mwh = [float(settled_mw(result).sum()) * period_h for result in periods]
    wanted_mwh = [float(result.game.deficit_mw.sum()) * period_h for result in periods]
    accounts = (*settlement.grid_only, *settlement.game)
    return PageUnits(
        energy_unit(traded_mwh if any(traded_mwh) else wanted_mwh),
        emission_unit(account.emission_t for account in accounts),
        money_digits(account.total_cny for account in accounts),
        price_digits(price for result in periods for price in result.price_cny_per_mwh.tolist()),
    )
