"""Prices of imbalance, and what deviations from a schedule cost at them, (M17)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from market.model.arrays import Array, frozen, spliced
from market.model.imbalance import ImbalanceRules
from market.model.rules import Tariff

_TOLERANCE = 1e-9  # of a price: written with fewer digits than a double has, it may end below the tariff's


@dataclass(frozen=True, slots=True)
class ImbalancePrices:
    """β⁺ and β⁻, CNY/MWh, of shape (periods,) each; missed_cny_per_mwh : of what nothing can serve or take up."""

    short_cny_per_mwh: Array
    long_cny_per_mwh: Array
    missed_cny_per_mwh: float


def imbalance_prices(rules: ImbalanceRules, tariff: Tariff) -> ImbalancePrices:
    """(M17) what the grid asks of who is short, and pays who is long, by a tariff.

        β⁺ = h + premium |h|,  h = max(retail, feed-in)    β⁻ = l − discount |l|,  l = min(retail, feed-in)

    or the prices by period, where rules give them. So β⁺ ≥ β⁻, and where each is settled by its own side nobody
    gains by deviating on purpose. After the periods that become real β⁺ = h and β⁻ = l: there nothing is settled,
    and the schedule may still be another.

    >>> tariff = Tariff(np.array([500.0]), np.array([300.0]))
    >>> prices = imbalance_prices(ImbalanceRules(), tariff)
    >>> prices.short_cny_per_mwh.tolist(), prices.long_cny_per_mwh.tolist(), prices.missed_cny_per_mwh
    ([600.0], [240.0], 6000.0)
    """
    highest, lowest = least_short_cny_per_mwh(tariff), most_long_cny_per_mwh(tariff)
    short, long = rules.short_by_period_cny_per_mwh, rules.long_by_period_cny_per_mwh
    if short is None:
        short = frozen(highest + rules.short_premium * np.abs(highest))
    if long is None:
        long = frozen(lowest - rules.long_discount * np.abs(lowest))
    if rules.settled_periods is not None:
        short, long = (
            spliced(settled, rules.settled_periods, tariff_cny_per_mwh)
            for settled, tariff_cny_per_mwh in ((short, highest), (long, lowest))
        )
    return ImbalancePrices(short, long, rules.missed_multiple * max(1.0, float(np.abs(short).max())))


def least_short_cny_per_mwh(tariff: Tariff) -> Array:
    """What β⁺ must not be below, shape (periods,)."""
    return np.maximum(tariff.retail_cny_per_mwh, tariff.feed_in_cny_per_mwh)


def most_long_cny_per_mwh(tariff: Tariff) -> Array:
    """What β⁻ must not be above, shape (periods,)."""
    return np.minimum(tariff.retail_cny_per_mwh, tariff.feed_in_cny_per_mwh)


def outside_tariff(rules: ImbalanceRules, tariff: Tariff) -> Iterator[tuple[str, int, float, float]]:
    """Where prices by period would reward deviations: field, period from 0, price, and what it must not cross."""
    short, long = rules.short_by_period_cny_per_mwh, rules.long_by_period_cny_per_mwh
    if short is not None:
        least = least_short_cny_per_mwh(tariff)
        for t in np.flatnonzero(short < least - _TOLERANCE * (1.0 + np.abs(least))):
            yield "short", int(t), float(short[t]), float(least[t])
    if long is not None:
        most = most_long_cny_per_mwh(tariff)
        for t in np.flatnonzero(long > most + _TOLERANCE * (1.0 + np.abs(most))):
            yield "long", int(t), float(long[t]), float(most[t])


def outside(rules: ImbalanceRules, tariff: Tariff) -> ImbalanceRules:
    """The same with prices by period moved out of a tariff that has changed."""
    short, long = rules.short_by_period_cny_per_mwh, rules.long_by_period_cny_per_mwh
    if short is not None:
        short = frozen(np.maximum(short, least_short_cny_per_mwh(tariff)))
    if long is not None:
        long = frozen(np.minimum(long, most_long_cny_per_mwh(tariff)))
    return replace(rules, short_by_period_cny_per_mwh=short, long_by_period_cny_per_mwh=long)


def deviation_price(prices: ImbalancePrices, deviation_mw: Array) -> Array:
    """β⁺ where a VPP is short, β⁻ where it is long, shape (periods,); β⁺ where it keeps its schedule."""
    return np.where(deviation_mw < 0.0, prices.long_cny_per_mwh, prices.short_cny_per_mwh)


def imbalance_cny(price_cny_per_mwh: Array, deviation_mw: Array, period_h: float) -> Array:
    """β u Δt: what a deviation costs, below 0 where it earns, shape (periods,)."""
    return price_cny_per_mwh * deviation_mw * period_h
