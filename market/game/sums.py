"""Sums over the participants of games that are worked on side by side, the same to the last digit however padded.

numpy takes numbers in an order that depends on how many there are, so that a game padded to the size of a larger
one would come out otherwise in its last digit. Here zeros at the end change nothing: games do not feel each other.
"""

from __future__ import annotations

import numpy as np

from market.model.arrays import Array, IndexArray

_COLUMNS = 8  # numpy sums fewer numbers than this one after the other, and just as many in a fixed order


def stacked_sum(values: Array, counts: IndexArray) -> Array:
    """The sums along the last axis; of each game's numbers its own come first, zeros follow.

    counts : how many each game has, of a shape that fits the sums
    """
    width = values.shape[-1]
    if width < _COLUMNS:
        plain: Array = np.add.reduce(values, axis=-1)
        return plain
    columns = values[..., :_COLUMNS].copy()
    for first in range(_COLUMNS, width, _COLUMNS):
        more = values[..., first : first + _COLUMNS]
        columns[..., : more.shape[-1]] += more
    sums: Array = np.add.reduce(columns, axis=-1)
    small = counts < _COLUMNS
    if small.any():
        return np.where(small, np.add.reduce(values[..., : _COLUMNS - 1], axis=-1), sums)
    return sums
