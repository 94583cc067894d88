"""The Shapley value: what each player adds on average over all orders in which they could come (Shapley 1953)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import factorial

import numpy as np

from market.division.coalitions import CoalitionGame
from market.errors import ModelError
from market.model.arguments import of_kind
from market.model.arrays import Array, IndexArray, frozen


def shapley_value(game: CoalitionGame) -> Array:
    """φ_i = Σ over S without i of |S|! (n − |S| − 1)!/n! [v(S + i) − v(S)], shape (n,).

    >>> glove = CoalitionGame.of("LRS", {"LR": 1.0, "LS": 1.0, "LRS": 1.0})
    >>> shapley_value(glove).round(4).tolist()
    [0.6667, 0.1667, 0.1667]
    """
    game = of_kind(CoalitionGame, game, "game")
    count = len(game.players)
    numbers = np.arange(len(game.worth))
    sizes = np.array([int(number).bit_count() for number in numbers])
    weights = np.array([factorial(s) * factorial(count - s - 1) / factorial(count) for s in range(count)])
    shares = []
    for i in range(count):
        without = numbers[numbers >> i & 1 == 0]
        added = game.worth[without | 1 << i] - game.worth[without]
        shares.append(float(weights[sizes[without]] @ added))
    return frozen(np.array(shares))


@dataclass(frozen=True, slots=True)
class SampledShares:
    """An estimate of the Shapley value and its standard error, shape (n,) each."""

    shares: Array
    standard_error: Array


def sampled_shapley(worth: Callable[[int], float], orders: IndexArray) -> SampledShares:
    """The Shapley value estimated by the orders of players given (Castro, Gómez & Tejada 2009).

    Each order is taken forwards and backwards, which halves the error where what a player adds falls with the size
    of the coalition; the standard error is that of the means of such pairs.

    worth : of a coalition by its number, 0 of nobody · orders : shape (samples, n), at least two, each a
    permutation of 0 … n − 1 drawn at random. The shares add up to the worth of everybody, whatever is drawn.
    Raises: ModelError if an order is none.

    >>> orders = np.array([[0, 1, 2], [1, 0, 2]])
    >>> estimate = sampled_shapley(lambda coalition: float(coalition.bit_count() >= 2), orders)
    >>> estimate.shares.tolist()
    [0.5, 0.5, 0.0]
    """
    count = orders.shape[-1]
    if orders.ndim != 2 or len(orders) < 2 or (np.sort(orders, axis=1) != np.arange(count)).any():
        raise ModelError(f"orders must be two or more permutations of all players; got shape {orders.shape}")
    pairs = np.array([_pair(worth, order) for order in orders.tolist()])
    error = pairs.std(axis=0, ddof=1) / np.sqrt(len(pairs))
    return SampledShares(frozen(pairs.mean(axis=0)), frozen(error))


def _pair(worth: Callable[[int], float], order: list[int]) -> Array:
    mean: Array = (_added(worth, order) + _added(worth, order[::-1])) / 2.0
    return mean


def _added(worth: Callable[[int], float], order: list[int]) -> Array:
    """What each player adds to those before it."""
    added, coalition, before = np.zeros(len(order)), 0, 0.0
    for player in order:
        coalition |= 1 << player
        now = worth(coalition)
        added[player], before = now - before, now
    return added
