"""A game of coalitions: what each group of players is worth by itself.

A coalition of n players is a number whose bit i says whether player i is in it: 0 is nobody, 2ⁿ − 1 everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from market.errors import ModelError
from market.model.arguments import names_of, one_number
from market.model.arrays import Array, frozen

Worth: TypeAlias = Mapping[str, float] | Mapping[tuple[str, ...], float]
"""The worth of coalitions by their members, as tuples or, where names are letters, as words."""

MOST_PLAYERS: Final = 12
"""Up to so many players every coalition is looked at: 4,096 of them."""


@dataclass(frozen=True, slots=True)
class CoalitionGame:
    """n players, and the worth of each coalition by its number, shape (2ⁿ,)."""

    players: tuple[str, ...]
    worth: Array

    @classmethod
    def of(cls, players: Sequence[str], worth: Worth) -> CoalitionGame:
        """A game from the worth of coalitions by their members; whoever is not named is worth 0.

        Raises: ModelError for more players than can be looked at, a member that is none, no mapping, or no number
        that is finite; ScenarioError for what is no number at all.

        >>> glove = CoalitionGame.of("LRS", {"LR": 1.0, "LS": 1.0, "LRS": 1.0})
        >>> glove.worth_of("RL")
        1.0
        """
        names = names_of("players", players)
        if not 0 < len(names) <= MOST_PLAYERS or len(set(names)) != len(names):
            raise ModelError(
                f"a game of coalitions has 1 to {MOST_PLAYERS} different players; got {list(names)}; "
                + ("sample the Shapley value of more" if len(names) > MOST_PLAYERS else "name each of them once")
            )
        if not isinstance(worth, Mapping):
            raise ModelError(
                f"a game takes the worth of coalitions by their members; got {worth!r:.60}; "
                'give a mapping such as {"AB": 3.0}'
            )
        values, given = np.zeros(1 << len(names)), dict[int, object]()
        for group, value in worth.items():
            members = (group,) if group in names else names_of("worth", group)
            coalition = coalition_of(members, names)
            if coalition in given:
                raise ModelError(f"a coalition is named once; got {given[coalition]!r} and {group!r}; keep one")
            given[coalition], values[coalition] = group, one_number(f"worth[{group!r}]", value)
        return cls(names, _checked(values))

    @classmethod
    def by(cls, players: Sequence[str], worth: Callable[[int], float]) -> CoalitionGame:
        """A game from a function of coalitions by their number; nobody is worth 0."""
        values = np.array([0.0, *(worth(coalition) for coalition in range(1, 1 << len(players)))])
        return cls(tuple(players), _checked(values))

    @property
    def everybody(self) -> int:
        """The coalition of all."""
        return len(self.worth) - 1

    def worth_of(self, members: Iterable[str]) -> float:
        """The worth of a coalition by its members."""
        return float(self.worth[coalition_of(members, self.players)])

    def shared(self, shares: Array) -> Array:
        """What each coalition gets of these shares (n,), shape (2ⁿ,)."""
        total: Array = membership(len(self.players)) @ shares
        return total


def coalition_of(members: Iterable[str], players: Sequence[str]) -> int:
    """The number of a coalition. ModelError for a member that is no player."""
    places = {name: place for place, name in enumerate(players)}
    number = 0
    for member in names_of("members", members):
        if member not in places:
            raise ModelError(f"{member!r} is no player; got players {list(players)}; name one of them")
        number |= 1 << places[member]
    return number


def members_of(coalition: int, players: Sequence[str]) -> tuple[str, ...]:
    """Who is in a coalition, in the order of the players.

    >>> members_of(5, ["VPP1", "VPP2", "VPP3"])
    ('VPP1', 'VPP3')
    """
    return tuple(name for place, name in enumerate(players) if coalition >> place & 1)


def membership(players: int) -> Array:
    """1 where a player is in a coalition, else 0; shape (2ⁿ, n)."""
    numbers = np.arange(1 << players)[:, None]
    return frozen((numbers >> np.arange(players) & 1).astype(np.float64))


def _checked(worth: Array) -> Array:
    if worth[0] != 0.0:
        raise ModelError(f"the coalition of nobody is worth 0; got {worth[0]:g}; leave it out")
    if not np.isfinite(worth).all():
        raise ModelError(f"a coalition is worth a finite number; got {worth[~np.isfinite(worth)][0]}; give one")
    return frozen(worth)
