"""Shares that follow from the whole and from what each has without it: equal, and by bargaining (Nash 1950)."""

from __future__ import annotations

import numpy as np

from market.errors import ModelError
from market.model.arrays import Array, frozen


def equal_split(whole: float, players: int) -> Array:
    """The same for everybody, shape (players,)."""
    return frozen(np.full(players, whole / players))


def nash_bargaining(whole: float, without: Array) -> Array:
    """The shares x with Σ x = whole that maximise Π_i (x_i − d_i), shape (n,). without : d, if nobody agrees

    Where money passes freely, all gain the same above d. Raises: ModelError if there is nothing to agree on.

    >>> nash_bargaining(100.0, np.array([10.0, 30.0])).tolist()
    [40.0, 60.0]
    """
    left = whole - float(without.sum())
    if left < -1e-9 * max(abs(whole), float(np.abs(without).sum())):
        raise ModelError(f"all have {without.sum():g} without agreement, more than {whole:g} with it")
    return frozen(without + left / len(without))
