"""The buying side of (M6): what one buyer could get in each period, and what it would pay, for any deficit.

It wants all of the deficit D' that it declares at every price offered, so that by (M2) it asks y_j D' of seller j
with y_j ∝ S_j exp(−p_j/τ), whatever D' is; by (21) it gets q_j(D') = y_j D' min(1, S_j/(Q_j + y_j D')), where Q_j
is what all others ask. Each q_j grows and bends down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from market.game.clearing.rationing import requested_power
from market.game.demand_curve import demanded_power
from market.game.period import PeriodGame
from market.game.replicator import rest_point
from market.model.arrays import Array

_GRID = 128  # deficits, beside those at which a seller is sold out
_HALVINGS = 60
_TINY = 1e-300


@dataclass(frozen=True, slots=True)
class _Sellers:
    """What a buyer meets in R periods at n sellers, a missing one asking and having nothing; shape (R, 1, n).

    price : p, CNY/MWh · share : y · surplus_mw : S · others_mw : Q of all others
    """

    price: Array
    share: Array
    surplus_mw: Array
    others_mw: Array

    def got(self, deficit_mw: Array) -> Array:
        """q_j(D') of (21), of deficits of shape (R, K); shape (R, K, n), MW."""
        own = self.share * deficit_mw[:, :, None]
        served = self.surplus_mw / np.maximum(np.maximum(self.others_mw + own, self.surplus_mw), _TINY)
        got: Array = own * served
        return got

    def pace(self, deficit_mw: Array, *, after: bool) -> Array:
        """dq_j/dD' on one side: y_j while there is enough for all, then y_j S_j Q_j/(Q_j + y_j D')²."""
        asked = self.others_mw + self.share * deficit_mw[:, :, None]
        most = np.maximum(np.maximum(asked, self.surplus_mw), _TINY)
        rationed = self.share * (self.surplus_mw / most) * (self.others_mw / most)
        enough = asked < self.surplus_mw if after else asked <= self.surplus_mw
        return np.where(enough, self.share, rationed)


@dataclass(frozen=True, slots=True)
class BuyingMenu:
    """One buyer's menu in R periods with at most n sellers, in cells [a, b] between K deficits.

    deficit_mw : ascending from 0 to the limit, shape (R, K) · got_mw : q_j there, (R, K, n)
    ahead_mw : at b as the tangent at a tells it, back_mw : at a as the tangent at b does, (R, K − 1, n)
    """

    sellers: _Sellers
    deficit_mw: Array
    got_mw: Array
    ahead_mw: Array
    back_mw: Array

    @property
    def most_mw(self) -> Array:
        """The most that can be got, at the largest deficit, shape (R,)."""
        most: Array = self.got_mw[:, -1].sum(axis=1)
        return most

    def support(self, worth: Array) -> Array:
        """A bound on max Σ_j (v − p_j) q_j(D') over all deficits, for v = `worth` (R,), CNY/h; never below 0.

        In a cell what is cheaper than v counts at most as its tangent at a, or at b, and what is dearer at least
        as its chord: either bound is linear there, so that its ends decide.
        """
        margin = worth[:, None] - self.sellers.price[:, 0]
        gain, loss = np.maximum(margin, 0.0)[:, :, None], np.maximum(-margin, 0.0)[:, :, None]
        lost = (self.got_mw @ loss)[:, :, 0]
        there = (self.got_mw @ gain)[:, :, 0] - lost
        from_a = np.maximum(there[:, :-1], (self.ahead_mw @ gain)[:, :, 0] - lost[:, 1:])
        from_b = np.maximum((self.back_mw @ gain)[:, :, 0] - lost[:, :-1], there[:, 1:])
        bound: Array = np.maximum(np.minimum(from_a, from_b).max(axis=1), 0.0)
        return bound

    def payment(self, bought_mw: Array) -> tuple[Array, Array]:
        """What can be got that is just `bought_mw` (R,), MW, and what is paid for it, CNY/h."""
        low, high = np.zeros_like(bought_mw), self.deficit_mw[:, -1].copy()
        for _ in range(_HALVINGS):
            middle = (low + high) / 2.0
            enough = self.sellers.got(middle[:, None]).sum(axis=(1, 2)) >= bought_mw
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        got = self.sellers.got(high[:, None])
        return got.sum(axis=(1, 2)), (got * self.sellers.price).sum(axis=(1, 2))


def buying_menu(games: Sequence[PeriodGame], prices: Sequence[Array], limit_mw: Array) -> BuyingMenu:
    """The menu of somebody who is in none of `games`, which have sellers and a band that is not empty, τ > 0.

    prices : the offers of each game's sellers, CNY/MWh · limit_mw : the largest deficit, > 0, shape (R,)
    """
    sellers = _sellers(games, prices)
    deficit = _grid(sellers, limit_mw)
    got, wide = sellers.got(deficit), np.diff(deficit, axis=1)[:, :, None]
    ahead = got[:, :-1] + sellers.pace(deficit[:, :-1], after=True) * wide
    back = got[:, 1:] - sellers.pace(deficit[:, 1:], after=False) * wide
    return BuyingMenu(sellers, deficit, got, ahead, back)


def _sellers(games: Sequence[PeriodGame], prices: Sequence[Array]) -> _Sellers:
    most = max(len(game.sellers) for game in games)
    table = np.zeros((4, len(games), 1, most))
    for row, (game, offers) in enumerate(zip(games, prices, strict=True)):
        weight = np.log(game.surplus_mw) - offers / game.temperature_cny_per_mwh
        weight = np.exp(weight - weight.max())
        others = np.zeros(len(game.sellers))
        if game.buyers:
            others = requested_power(rest_point(game, offers), demanded_power(game, offers)).sum(axis=0)
        table[:, row, 0, : len(game.sellers)] = (offers, weight / weight.sum(), game.surplus_mw, others)
    return _Sellers(*table)


def _grid(sellers: _Sellers, limit_mw: Array) -> Array:
    """Deficits from 0 to the limit, with those at which a seller is just sold out, shape (R, K)."""
    sold_out = (sellers.surplus_mw - sellers.others_mw)[:, 0] / np.maximum(sellers.share[:, 0], _TINY)
    even = limit_mw[:, None] * np.linspace(0.0, 1.0, _GRID)
    grid = np.concatenate([even, np.clip(sold_out, 0.0, limit_mw[:, None])], axis=1)
    grid.sort(axis=1)
    return grid
