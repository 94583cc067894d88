"""A game in which each player chooses one number from an interval, under linear constraints that all share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from market.errors import Fault, ModelError, ScenarioError
from market.model.arguments import names_of, real_numbers, several
from market.model.arrays import Array, frozen

Payoff: TypeAlias = Callable[[Sequence[Any]], Any]
"""What one player earns when all choose so: a function of the list of all n numbers."""


@dataclass(frozen=True, slots=True)
class ContinuousGame:
    """n players, each with one number x_i from [low_i, high_i], together under A x ≤ b.

    payoffs : n functions of all numbers, written with + − * / ** and numpy's exp, log, sqrt, maximum and minimum
    low, high : shape (n,), finite · constraints : A, shape (r, n), limits : b, shape (r,); r = 0 without any
    players : n names
    """

    payoffs: tuple[Payoff, ...]
    low: Array
    high: Array
    constraints: Array
    limits: Array
    players: tuple[str, ...]

    @classmethod
    def of(
        cls,
        payoffs: Sequence[Payoff],
        low: ArrayLike,
        high: ArrayLike,
        *,
        constraints: ArrayLike = (),
        limits: ArrayLike = (),
        players: Sequence[str] = (),
    ) -> ContinuousGame:
        """A game from functions and bare numbers; one number for `low` or `high` counts for all.

        Raises: ModelError if shapes do not fit, an interval is empty, or a number is not finite; ScenarioError for
        what is no list of functions, or no numbers.

        >>> duopoly = ContinuousGame.of(  # Cournot: price 10 − Σ x, no costs
        ...     [lambda x: (10.0 - sum(x)) * x[0], lambda x: (10.0 - sum(x)) * x[1]], low=0.0, high=10.0
        ... )
        >>> duopoly.players
        ('1', '2')
        """
        functions = _functions(payoffs)
        count = len(functions)
        names = names_of("players", players) or tuple(str(number) for number in range(1, count + 1))
        matrix = real_numbers("constraints", constraints)
        matrix = matrix.reshape(0, count) if matrix.size == 0 else np.atleast_2d(matrix)
        rights = np.atleast_1d(real_numbers("limits", limits))
        lows, highs = real_numbers("low", low), real_numbers("high", high)
        _check_shapes(count, names, lows, highs, matrix, rights)
        lows, highs = (frozen(np.broadcast_to(ends, (count,))) for ends in (lows, highs))
        _check_numbers(names, lows, highs, matrix, rights)
        return cls(functions, lows, highs, frozen(matrix), frozen(rights), names)

    def payoff(self, player: int, choice: Sequence[Any]) -> Any:
        """What one player, by its place from 0, earns at these numbers."""
        return self.payoffs[player](list(choice))

    def worth(self, player: int, choice: Sequence[complex]) -> complex:
        """The payoff at plain numbers, real or complex. ModelError if it is none.

        >>> ContinuousGame.of([lambda x: 2.0 * x[0]], low=0.0, high=1.0).worth(0, [0.5])
        1.0
        """
        found = self.payoff(player, choice)
        if np.ndim(found) == 0 and np.asarray(found).dtype.kind in "iufc":
            return complex(found) if np.iscomplexobj(found) else float(found)
        raise ModelError(
            f"the payoff of player {self.players[player]} must be a number; got {found!r:.60} at {list(choice)}; "
            "return one"
        )

    def checked(self, choice: ArrayLike, name: str = "choice") -> Array:
        """Numbers that the players may choose, shape (n,). ModelError if one is outside its interval."""
        given = real_numbers(name, choice)
        if given.shape != self.low.shape:
            raise ModelError(
                f"{name} must have the shape {self.low.shape}; got {given.shape}; give each player's number"
            )
        off = np.flatnonzero(~((self.low <= given) & (given <= self.high)))
        if off.size:
            i = off[0]
            raise ModelError(
                f"{name}: player {self.players[i]} may choose {self.low[i]:g} to {self.high[i]:g}; "
                f"got {given[i]:g}; stay within that"
            )
        return given


def _functions(payoffs: object) -> tuple[Payoff, ...]:
    rule, remedy = "a function for each player stands here", "give a list of them, such as [lambda x: -x[0] ** 2]"
    functions = several("payoffs", payoffs, remedy)
    if all(callable(function) for function in functions):
        return functions
    raise ScenarioError([Fault(rule, repr(payoffs)[:60], "payoffs", remedy)])


def _check_shapes(
    count: int, names: tuple[str, ...], low: Array, high: Array, matrix: Array, limits: Array
) -> None:
    if not count:
        raise ModelError("a game has at least one player; got no payoffs; give a function for each player")
    if len(names) != count or len(set(names)) != count:
        raise ModelError(f"players must be {count} different names; got {list(names)}; name each once, or none")
    for name, ends in (("low", low), ("high", high)):
        if ends.shape not in ((), (count,)):
            raise ModelError(f"{name} must be one number, or one for each of {count}; got shape {ends.shape}")
    if matrix.ndim != 2 or matrix.shape[1] != count or limits.shape != (matrix.shape[0],):
        raise ModelError(
            f"constraints must have the shape (r, {count}) and limits (r,); got {matrix.shape} and "
            f"{limits.shape}; give one row and one limit for each constraint"
        )


def _check_numbers(names: tuple[str, ...], low: Array, high: Array, matrix: Array, limits: Array) -> None:
    if not all(np.isfinite(numbers).all() for numbers in (low, high, matrix, limits)):
        raise ModelError("intervals, constraints and limits must be finite numbers; got one that is not")
    empty = np.flatnonzero(low > high)
    if empty.size:
        i = empty[0]
        raise ModelError(
            f"the interval of player {names[i]} is empty: {low[i]:g} above {high[i]:g}; exchange them"
        )
