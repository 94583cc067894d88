"""A buyer's demand at a price, and what that demand is worth to it: (17) and (20)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from market.game.period import PeriodGame
from market.model.arrays import Array

_TINY = 1e-100  # keeps a division by a price or a threshold of 0 finite; never reaches a result


@dataclass(frozen=True, slots=True)
class DemandCurve:
    """Demand of buyers by price; arrays of any shapes that broadcast together and with the price.

    satisfaction : k, CNY/h · base : S0 + P^s, MW, > 0 · deficit : D, MW, > 0
    full_price : up to it a buyer wants all of D · none_price : from it on it wants nothing, CNY/MWh
    """

    satisfaction: Array
    base: Array
    deficit: Array
    full_price: Array
    none_price: Array

    @classmethod
    def of(cls, satisfaction: Array, base: Array, deficit: Array) -> DemandCurve:
        """The curve with its two thresholds, k/(S0 + P^s + D) and k/(S0 + P^s)."""
        return cls(satisfaction, base, deficit, satisfaction / (base + deficit), satisfaction / base)

    def map(self, change: Callable[[Array], Array]) -> DemandCurve:
        """The same `change` (of shape or order) made to every array."""
        return DemandCurve(
            change(self.satisfaction),
            change(self.base),
            change(self.deficit),
            change(self.full_price),
            change(self.none_price),
        )

    def demand(self, price: Array) -> Array:
        """x* of (20), MW."""
        elastic = self.satisfaction / np.maximum(price, _TINY) - self.base
        return np.where(price <= self.full_price, self.deficit, np.minimum(np.maximum(elastic, 0.0), self.deficit))

    def utility_loss(self, price: Array) -> Array:
        """What `price` takes from a buyer, CNY per MWh of its deficit: [U at full_price − U at price]/D.

        U is (17) at x* of (20), so this grows by x*/D per CNY/MWh (envelope theorem). U/D itself differs from
        it by a constant of the buyer, which no choice between sellers feels; without that constant the
        exponents of (M2) stay small.
        """
        elastic = np.minimum(np.maximum(price, self.full_price), self.none_price) - self.full_price
        logarithm = np.log1p(elastic / np.maximum(self.full_price, _TINY))
        saved = np.minimum(price, self.full_price) - self.full_price
        return saved + (self.satisfaction * logarithm - self.base * elastic) / self.deficit


def demand_curve(game: PeriodGame) -> DemandCurve:
    """The buyers of a game, arrays of shape (m, 1): a row of prices broadcasts over them."""
    return demand_curves([game]).map(lambda values: values[:, None])


def demand_curves(games: Sequence[PeriodGame]) -> DemandCurve:
    """The buyers of several games, at least one, game by game; arrays of shape (all buyers,)."""
    return DemandCurve.of(
        np.concatenate([game.satisfaction_cny_per_h for game in games]),
        np.concatenate([game.base_mw for game in games]),
        np.concatenate([game.deficit_mw for game in games]),
    )


def demanded_power(game: PeriodGame, prices: Array) -> Array:
    """What each buyer wants of each seller alone, (20): x* = clip(k/p − S0 − P^s, 0, D).

    prices : shape (n,), CNY/MWh. Returns: shape (m, n), MW. At p ≤ 0 a buyer wants all of D.
    """
    return demand_curve(game).demand(prices)


def utility(game: PeriodGame, prices: Array, power: Array) -> Array:
    """A buyer's utility, (17): U = k ln[(S0 + P^s + x)/(S0 + P^s)] − p x.

    prices : shape (n,), CNY/MWh · power : x, shape (m, n), MW. Returns: shape (m, n), CNY/h.
    """
    buyers = demand_curve(game)
    worth: Array = buyers.satisfaction * np.log1p(power / buyers.base) - prices * power
    return worth
