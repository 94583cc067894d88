"""How deviations from the schedule are settled once the day has become real, each parameter defined once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from market.model.arrays import Array
from market.model.parameter import MAX_PRICE_CNY_PER_MWH, parameter
from market.model.rules import MAX_PERIODS


class ImbalancePricing(StrEnum):
    """At which price a deviation is settled."""

    DUAL = "dual"  # who is short pays the short price, who is long earns the long price
    SINGLE = "single"  # all at the price of the side on which all VPPs together stand


@dataclass(frozen=True, slots=True)
class ImbalanceRules:
    """Settlement of what differs from the schedule in reality, (M17): the same rules for all.

    The prices by period, of shape (periods,), stand in place of the shares.
    """

    pricing: ImbalancePricing = parameter(
        "",
        "At which price deviations are settled: dual, the short price for who is short and the long price for who "
        "is long; single, for all the price of the side on which all VPPs together stand",
        default=ImbalancePricing.DUAL,
    )
    short_premium: float = parameter(
        "share",
        "What energy that is short costs above the retail price, as a share of it",
        default=0.2,
        ge=0,
        le=100,
    )
    long_discount: float = parameter(
        "share",
        "What energy that is long earns below the feed-in price, as a share of it",
        default=0.2,
        ge=0,
        le=100,
    )
    missed_multiple: float = parameter(
        "1",
        "What each MWh costs that nothing can serve, or that can go nowhere: so many times the highest short "
        "price of the day",
        default=10.0,
        ge=1,
        le=1e6,
    )
    short_by_period_cny_per_mwh: Array | None = parameter(
        "CNY/MWh",
        "Price of energy that is short, by period",
        symbol="β⁺",
        default=None,
        ge=-MAX_PRICE_CNY_PER_MWH,
        le=MAX_PRICE_CNY_PER_MWH,
    )
    long_by_period_cny_per_mwh: Array | None = parameter(
        "CNY/MWh",
        "Price of energy that is long, by period",
        symbol="β⁻",
        default=None,
        ge=-MAX_PRICE_CNY_PER_MWH,
        le=MAX_PRICE_CNY_PER_MWH,
    )
    settled_periods: int | None = parameter(
        "periods",
        "How many periods become real; later ones come as expected, and another exchange with the grid than was "
        "planned costs there what the tariff says; left out: all",
        default=None,
        ge=0,
        le=MAX_PERIODS,
        later=True,
    )
