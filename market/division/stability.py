"""Which coalition would gain most by leaving, given what each of its members gets."""

from __future__ import annotations

from dataclasses import dataclass

from market.division.coalitions import CoalitionGame, members_of
from market.model.arrays import Array


@dataclass(frozen=True, slots=True)
class Leaving:
    """A coalition, and what it would be worth by itself, less what it gets: above 0 it gains by leaving."""

    members: tuple[str, ...]
    gain: float


def most_gaining(game: CoalitionGame, shares: Array) -> Leaving:
    """The coalition that would gain most by leaving, everybody together included; the first of several.

    Shares that give out the whole are in the core where that is nothing.

    >>> glove = CoalitionGame.of("LRS", {"LR": 1.0, "LS": 1.0, "LRS": 1.0})
    >>> import numpy as np
    >>> most_gaining(glove, np.array([0.5, 0.5, 0.0]))
    Leaving(members=('L', 'S'), gain=0.5)
    """
    complaint = game.worth - game.shared(shares)
    complaint[0] = -float("inf")
    most = int(complaint.argmax())
    return Leaving(members_of(most, game.players), float(complaint[most]))
