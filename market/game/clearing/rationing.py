"""What buyers request, and how each seller rations them when that is more than it has, (21)."""

from __future__ import annotations

import numpy as np

from market.game.period import PeriodGame
from market.model.arrays import Array


def requested_power(probability: Array, demanded: Array) -> Array:
    """What buyer i asks of seller j, (21): y_ij x*_ij. Both arguments and the answer have one shape, MW."""
    return probability * demanded


def delivered_power(game: PeriodGame, requested: Array) -> Array:
    """What is delivered, (21): each seller rations all its buyers alike, q = y x min(1, S/Q), Q = Σ_i y x.

    requested : shape (m, n), MW. Returns: shape (m, n), MW. What is not delivered comes from the grid; it does
    not pass on to another seller (where τ = 0 it has done so already, when it was requested).
    """
    total = requested.sum(axis=0)
    delivered: Array = requested * (game.surplus_mw / np.maximum(total, game.surplus_mw))
    return delivered
