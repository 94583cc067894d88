"""Bids and asks in their order: the efficient trade by what is declared, and the prices at which it clears.

A seller asks its reserve, and at least the floor, for its surplus. A buyer bids for each MW what that is worth to
it, k/(S0 + P^s + x) by (17), and at most the cap: what is above that the grid serves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from market.game.clearing.clearing_price import exact_clearing_price
from market.game.demand_curve import DemandCurve, demand_curve
from market.game.period import PeriodGame
from market.model.arrays import Array, frozen


@dataclass(frozen=True, slots=True)
class EfficientTrade:
    """What is bought (m,) and sold (n,), MW, at the lowest common price that clears; last_bid ≥ price ≥ last_ask.

    last_bid : of the MW that is worth least to its buyer · last_ask : of the MW that costs most
    """

    price: float
    last_bid: float
    last_ask: float
    bought_mw: Array
    sold_mw: Array

    @property
    def traded_mw(self) -> float:
        """What goes from sellers to buyers."""
        return float(self.sold_mw.sum())


def efficient_trade(game: PeriodGame) -> EfficientTrade:
    """The trade that is worth most by what is declared; of equal asks, and of bids at the cap, in proportion."""
    price = exact_clearing_price(game)
    asks, wanted = asks_cny_per_mwh(game), demand_curve(game).demand(np.array([price]))[:, 0]
    offered = np.where(asks <= price, game.surplus_mw, 0.0)
    traded = min(float(wanted.sum()), float(offered.sum()))
    bought = wanted * (traded / float(wanted.sum())) if traded > 0.0 else np.zeros_like(wanted)
    sold = _cheapest_first(asks, offered, traded)
    bids = bids_cny_per_mwh(game, bought)
    return EfficientTrade(
        price,
        float(bids[bought > 0.0].min(initial=game.cap_cny_per_mwh)),
        float(asks[sold > 0.0].max(initial=game.floor_cny_per_mwh)),
        frozen(bought),
        frozen(sold),
    )


def asks_cny_per_mwh(game: PeriodGame) -> Array:
    """What each seller asks, max(p̲, r), shape (n,)."""
    return game.least_price_cny_per_mwh


def bids_cny_per_mwh(game: PeriodGame, bought_mw: Array) -> Array:
    """What the next MW is worth to each buyer that has bought so much, at most the cap, shape (m,)."""
    curve = _row(demand_curve(game))
    return np.minimum(curve.satisfaction / (curve.base + bought_mw), game.cap_cny_per_mwh)


def worth_cny_per_h(game: PeriodGame, bought_mw: Array) -> Array:
    """∫ of its bids over all that a buyer has bought, shape (m,)."""
    curve, cap = _row(demand_curve(game)), game.cap_cny_per_mwh
    at_cap = np.clip(curve.satisfaction / cap - curve.base, 0.0, bought_mw) if cap > 0.0 else bought_mw
    above: Array = curve.satisfaction * np.log((curve.base + bought_mw) / (curve.base + at_cap))
    return cap * at_cap + above


def _row(curve: DemandCurve) -> DemandCurve:
    return curve.map(lambda column: column[:, 0])


def _cheapest_first(asks: Array, offered_mw: Array, traded_mw: float) -> Array:
    """What each of the sellers delivers of a trade, shape (n,)."""
    sold, left = np.zeros_like(offered_mw), traded_mw
    for ask in np.unique(asks[offered_mw > 0.0]).tolist():
        tier = np.where(asks == ask, offered_mw, 0.0)
        taken = min(left, float(tier.sum()))
        sold += tier * (taken / float(tier.sum()))
        left -= taken
    return sold
