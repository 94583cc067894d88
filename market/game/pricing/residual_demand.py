"""Residual demand: the demand a seller faces as a function of its own price, its rivals' prices given.

The followers are at their rest point (M2): to one seller they look like Q(p) = Σ_i y_i(p) x*_i(p) with
y_i = 1/(1 + exp(utility_loss_i/τ + rivalry_i)), where rivalry is the logarithm of the rivals' weights in (M2) over
the seller's own surplus. Q never rises with p.

Many sellers of many games are worked on together: a `ResidualDemand` has one row for each, and arrays are
(rows, prices, buyers). Games are padded to equal size with sellers that weigh nothing and buyers whose demand is
next to nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from market.game.demand_curve import DemandCurve
from market.game.period import PeriodGame
from market.game.replicator import log_weights
from market.game.sums import stacked_sum
from market.model.arrays import Array, BoolArray, IndexArray

_NEXT_TO_NOTHING_MW = 1e-250  # deficit of a buyer that pads a game; 0 would divide by zero
_LARGEST_EXPONENT = 700.0
_TINY = 1e-100


@dataclass(frozen=True, slots=True)
class GameBatch:
    """Several games side by side, all with τ > 0: T games, at most n sellers and m buyers.

    cap, temperature : shape (T,) · surplus : (T, n), 0 where there is no seller
    floor : max(p̲, r), reserve : r of each seller, (T, n), 0 where there is none
    buyers : how many there are, (T,) · demand_curve : arrays (T, m, 1)
    grid, retail : weight of the grid among what buyers choose from, and its price, (T,); 0 where it is no choice
    """

    floor: Array
    cap: Array
    reserve: Array
    temperature: Array
    surplus: Array
    buyers: IndexArray
    demand_curve: DemandCurve
    grid: Array
    retail: Array

    def take(self, games: IndexArray) -> GameBatch:
        """The given games, repeated where an index repeats."""
        return GameBatch(
            self.floor[games],
            self.cap[games],
            self.reserve[games],
            self.temperature[games],
            self.surplus[games],
            self.buyers[games],
            self.demand_curve.map(lambda values: values[games]),
            self.grid[games],
            self.retail[games],
        )


@dataclass(frozen=True, slots=True)
class ResidualDemand:
    """What each of R sellers faces. Shapes: (R,), `buyers` (R, 1), `demand_curve` and `rivalry` (R, 1, m).

    buyers : how many there are · surplus in MW; floor, cap, reserve, temperature in CNY/MWh
    rivalry : dimensionless, −inf without a rival
    """

    floor: Array
    cap: Array
    reserve: Array
    temperature: Array
    surplus: Array
    buyers: IndexArray
    demand_curve: DemandCurve
    rivalry: Array

    def take(self, rows: IndexArray | slice) -> ResidualDemand:
        """The given rows, repeated where an index repeats."""
        return ResidualDemand(
            self.floor[rows],
            self.cap[rows],
            self.reserve[rows],
            self.temperature[rows],
            self.surplus[rows],
            self.buyers[rows],
            self.demand_curve.map(lambda values: values[rows]),
            self.rivalry[rows],
        )


@dataclass(frozen=True, slots=True)
class DemandDrop:
    """Q in MW at P prices, shape (R, P), and the least of −Q' between neighbours, shape (R, P − 1)."""

    power: Array
    least: Array


@dataclass(frozen=True, slots=True)
class Slopes:
    """Q in MW and the derivatives of the revenue (p − r) Q from the left and the right, MW; shape (R, P)."""

    power: Array
    left: Array
    right: Array


@dataclass(frozen=True, slots=True)
class Curve:
    """Q, Q', and the first two derivatives of (p − r) Q where no buyer changes its regime; shape (R, P)."""

    power: Array
    power_slope: Array
    revenue_slope: Array
    revenue_curvature: Array


def game_batch(games: Sequence[PeriodGame]) -> GameBatch:
    """Games side by side, all with τ > 0, padded to the size of the largest: see `GameBatch`."""
    sellers, buyers = max(len(g.sellers) for g in games), max(len(g.buyers) for g in games)
    surplus, floor, reserve = np.zeros((3, len(games), sellers))
    demand = np.empty((3, len(games), buyers, 1))
    demand[0], demand[1], demand[2] = 0.0, 1.0, _NEXT_TO_NOTHING_MW
    for row, game in enumerate(games):
        surplus[row, : len(game.sellers)] = game.surplus_mw
        floor[row, : len(game.sellers)] = game.least_price_cny_per_mwh
        reserve[row, : len(game.sellers)] = game.reserve_cny_per_mwh
        demand[0, row, : len(game.buyers), 0] = game.satisfaction_cny_per_h
        demand[1, row, : len(game.buyers), 0] = game.base_mw
        demand[2, row, : len(game.buyers), 0] = game.deficit_mw
    return GameBatch(
        floor,
        np.array([g.cap_cny_per_mwh for g in games]),
        reserve,
        np.array([g.temperature_cny_per_mwh for g in games]),
        surplus,
        np.array([len(g.buyers) for g in games], dtype=np.intp),
        DemandCurve.of(demand[0], demand[1], demand[2]),
        np.array([g.grid_option_mw for g in games]),
        np.array([g.retail_cny_per_mwh for g in games]),
    )


def residual_demand(games: GameBatch, prices: Array, turns: IndexArray) -> ResidualDemand:
    """What the sellers named by `turns`, pairs (game, seller) of shape (R, 2), face at `prices` (T, n)."""
    there = games.surplus > 0
    logarithm = np.full(games.surplus.shape, -np.inf)
    np.log(games.surplus, out=logarithm, where=there)
    utility_loss = games.demand_curve.utility_loss(prices[:, None, :])
    logits = log_weights(logarithm[:, None, :], utility_loss, games.temperature[:, None, None])
    rivals = _weight_of_the_others(logits)
    if games.grid.any():
        rivals = np.logaddexp(rivals, _weight_of_the_grid(games))
    game, seller = turns[:, 0], turns[:, 1]
    return ResidualDemand(
        games.floor[game, seller],
        games.cap[game],
        games.reserve[game, seller],
        games.temperature[game],
        games.surplus[game, seller],
        games.buyers[game, None],
        games.demand_curve.map(lambda values: values[game].swapaxes(1, 2)),
        (rivals[game, :, seller] - logarithm[game, seller][:, None])[:, None, :],
    )


def power(sellers: ResidualDemand, price: Array) -> Array:
    """Q of (22) at prices of shape (R, P), CNY/MWh. Returns: shape (R, P), MW."""
    share, _ = _share(sellers, price)
    return stacked_sum(share * sellers.demand_curve.demand(price[:, :, None]), sellers.buyers)


def demand_drop(sellers: ResidualDemand, price: Array) -> DemandDrop:
    """Q at ascending prices of shape (R, P), and how fast it falls at least between neighbours.

    −Q' = Σ y (1 − y) x²/(D τ) + Σ y k/p² over the buyers who save; y and x fall with p and 1 − y rises.
    """
    share, rest = _share(sellers, price)
    buyers, low, high = sellers.demand_curve, price[:, :-1, None], price[:, 1:, None]
    demanded = buyers.demand(price[:, :, None])
    requested = share * demanded
    switching = requested[:, 1:] * rest[:, :-1] * demanded[:, 1:] / _spread(sellers)
    always = (low >= buyers.full_price) & (high <= buyers.none_price)
    saving = np.where(always, share[:, 1:] * buyers.satisfaction / np.maximum(high, _TINY) ** 2, 0.0)
    return DemandDrop(stacked_sum(requested, sellers.buyers), stacked_sum(switching + saving, sellers.buyers))


def slopes(sellers: ResidualDemand, price: Array) -> Slopes:
    """Q and the one-sided derivatives of (p − r) Q at prices of shape (R, P).

    They differ where a buyer starts to save (x* leaves D) or stops buying (x* reaches 0).
    """
    at = price[:, :, None]
    buyers = sellers.demand_curve
    share, rest = _share(sellers, price)
    demanded = buyers.demand(at)
    requested = share * demanded
    total = stacked_sum(requested, sellers.buyers)
    switching = stacked_sum(requested * rest * demanded / _spread(sellers), sellers.buyers)
    saving = share * buyers.satisfaction / np.maximum(at, _TINY) ** 2
    margin = price - sellers.reserve[:, None]
    above = below = stacked_sum(saving * ((at > buyers.full_price) & (at <= buyers.none_price)), sellers.buyers)
    if ((at == buyers.full_price) | (at == buyers.none_price)).any():
        above = stacked_sum(saving * ((at >= buyers.full_price) & (at < buyers.none_price)), sellers.buyers)
    smooth = total - margin * switching
    return Slopes(total, smooth - margin * below, smooth - margin * above)


def curve(sellers: ResidualDemand, price: Array, elastic: BoolArray) -> Curve:
    """Q and its derivatives at prices of shape (R, P); `elastic` (R, 1, m) marks buyers with 0 < x* < D."""
    at = price[:, :, None]
    share, rest = _share(sellers, price)
    demanded = sellers.demand_curve.demand(at)
    saving = np.where(elastic, sellers.demand_curve.satisfaction / np.maximum(at, _TINY) ** 2, 0.0)
    scale = _spread(sellers)
    pace = demanded / scale  # of utility_loss/τ
    share_slope = -share * rest * pace
    share_curvature = -share_slope * pace * (1.0 - 2.0 * share) + share * rest * saving / scale
    demand_curvature = 2.0 * saving / np.maximum(at, _TINY)
    total = stacked_sum(share * demanded, sellers.buyers)
    slope = stacked_sum(share_slope * demanded - share * saving, sellers.buyers)
    curvature = stacked_sum(
        share_curvature * demanded - 2.0 * share_slope * saving + share * demand_curvature, sellers.buyers
    )
    margin = price - sellers.reserve[:, None]
    return Curve(total, slope, total + margin * slope, 2.0 * slope + margin * curvature)


def _share(sellers: ResidualDemand, price: Array) -> tuple[Array, Array]:
    """y and 1 − y, each computed without cancellation, (R, P, m)."""
    utility_loss = sellers.demand_curve.utility_loss(price[:, :, None])
    exponent = utility_loss / sellers.temperature[:, None, None] + sellers.rivalry
    odds = np.exp(np.minimum(exponent, _LARGEST_EXPONENT))
    share = 1.0 / (1.0 + odds)
    return share, odds * share


def _spread(sellers: ResidualDemand) -> Array:
    """D τ, the utility over which a buyer's choice spreads, CNY/h, (R, 1, m)."""
    return sellers.demand_curve.deficit * sellers.temperature[:, None, None]


def _weight_of_the_grid(games: GameBatch) -> Array:
    """The logarithm of its weight in (M2), shape (T, m, 1); −inf where it is no choice."""
    logarithm = np.full(games.grid.shape, -np.inf)
    np.log(games.grid, out=logarithm, where=games.grid > 0.0)
    utility_loss = games.demand_curve.utility_loss(games.retail[:, None, None])
    return log_weights(logarithm[:, None, None], utility_loss, games.temperature[:, None, None])


def _weight_of_the_others(logits: Array) -> Array:
    """ln Σ_{m≠j} exp(logits_m) along the last axis, without subtracting a seller's own weight from the sum."""
    before, after = np.full_like(logits, -np.inf), np.full_like(logits, -np.inf)
    before[..., 1:] = np.logaddexp.accumulate(logits, axis=-1)[..., :-1]
    after[..., :-1] = np.logaddexp.accumulate(logits[..., ::-1], axis=-1)[..., ::-1][..., 1:]
    return np.logaddexp(before, after)
