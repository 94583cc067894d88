"""The selling side of (M6): what one seller could deliver in each period, and for how much, at any price.

Rivals' offers and buyers' demand curves are given; buyers answer by (M2). Of all declarations the largest delivers
most at any price, since Q grows with the declared surplus s and Q/s falls: so the frontier is q(p) = min(L, Q(p;
L)) with the limit L, and below q(p̄) a smaller s at the cap p̄.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from market.game.period import PeriodGame
from market.game.pricing.residual_demand import ResidualDemand, demand_drop, game_batch, power, residual_demand
from market.model.arrays import Array, frozen

_GRID = 512  # prices of the band, beside those where demand has a kink
_HALVINGS = 60


@dataclass(frozen=True, slots=True)
class SellingMenu:
    """One seller's menu in R periods, each with its price grid of P prices.

    limit_mw : L, shape (R,) · price : ascending, CNY/MWh, demand : Q(p; L), MW, shape (R, P)
    least_fall : of Q between neighbouring prices, MW per CNY/MWh, shape (R, P − 1)
    """

    faced: ResidualDemand
    limit_mw: Array
    price: Array
    demand: Array
    least_fall: Array

    @property
    def most_mw(self) -> Array:
        """The most that can be sold in each period, at the floor, shape (R,)."""
        return np.minimum(self.limit_mw, self.demand[:, 0])

    def support(self, worth: Array) -> Array:
        """A bound on max (p − v) q over the menu, for v = `worth` in each period, CNY/h; never below 0.

        In a cell [a, b] with v ≤ a:  (p − v) min(L, Q) ≤ (b − v) min(L, Q(a)),  and, the revenue of the margin
        rising by Q + (p − v) Q' ≤ Q(a) − (a − v) least:  ≤ (a − v) Q(a) + (b − a) max(0, Q(a) − (a − v) least).
        worth : CNY/MWh, shape (R,)
        """
        v, a, b = worth[:, None], self.price[:, :-1], self.price[:, 1:]
        wanted = self.demand[:, :-1]
        by_value = np.maximum(b - v, 0.0) * np.minimum(self.limit_mw[:, None], wanted)
        rise = np.maximum(0.0, wanted - (a - v) * self.least_fall)
        from_a = np.where(a >= v, (a - v) * wanted + (b - a) * rise, np.inf)
        bound: Array = np.maximum(np.minimum(by_value, from_a).max(axis=1), 0.0)
        return bound

    def revenue(self, sold_mw: Array) -> tuple[Array, Array]:
        """What can be sold that is just `sold_mw` (R,), MW, and the most it earns, CNY/h.

        Where the market takes more at the cap, less is declared; else the highest price at which it takes as much.
        """
        cap = self.price[:, -1]
        less = sold_mw <= np.minimum(self.limit_mw, self.demand[:, -1])
        low, high = self.price[:, 0].copy(), cap.copy()
        for _ in range(_HALVINGS):
            middle = (low + high) / 2.0
            enough = power(self.faced, middle[:, None])[:, 0] >= sold_mw
            low, high = np.where(enough, middle, low), np.where(enough, high, middle)
        taken = np.minimum(self.limit_mw, power(self.faced, low[:, None])[:, 0])
        sold = np.where(less, sold_mw, np.minimum(taken, sold_mw))
        return sold, np.where(less, cap, low) * sold


def selling_menu(
    seller: str, games: Sequence[PeriodGame], prices: Sequence[Array], limit_mw: Array
) -> SellingMenu:
    """The menu of `seller` in games without it, all with buyers and a band that is not empty, τ > 0.

    prices : the offers of each game's sellers, CNY/MWh · limit_mw : the most it may declare, > 0, shape (R,)
    """
    joined = [_joined(seller, game, float(limit)) for game, limit in zip(games, limit_mw, strict=True)]
    batch = game_batch(joined)
    offers = np.zeros(batch.surplus.shape)
    for row, offered in enumerate(prices):
        offers[row, : len(offered)] = offered
    last = [(row, len(game.sellers) - 1) for row, game in enumerate(joined)]
    faced = residual_demand(batch, offers, np.array(last, dtype=np.intp))
    price = _grid(faced, limit_mw)
    drop = demand_drop(faced, price)
    return SellingMenu(faced, limit_mw, price, drop.power, drop.least)


def _joined(seller: str, game: PeriodGame, limit_mw: float) -> PeriodGame:
    """The game with the seller at its end, who declares all that it may and asks no more than the floor."""
    return replace(
        game,
        sellers=(*game.sellers, seller),
        surplus_mw=frozen([*game.surplus_mw, limit_mw]),
        reserve_cny_per_mwh=frozen([*game.reserve_cny_per_mwh, game.feed_in_cny_per_mwh]),
    )


def _grid(faced: ResidualDemand, limit_mw: Array) -> Array:
    """Prices of the band, with those where a buyer starts or ceases to save and those about Q = L; (R, P)."""
    floor, cap = faced.floor[:, None], faced.cap[:, None]
    even = floor + (cap - floor) * np.linspace(0.0, 1.0, _GRID)
    even[:, -1] = faced.cap
    kinks = np.concatenate([faced.demand_curve.full_price, faced.demand_curve.none_price], axis=2)[:, 0, :]
    low, high = floor.copy(), cap.copy()
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        enough = power(faced, middle) >= limit_mw[:, None]
        low, high = np.where(enough, middle, low), np.where(enough, high, middle)
    grid: Array = np.clip(np.concatenate([even, kinks, low, high], axis=1), floor, cap)
    grid.sort(axis=1)
    return grid
