"""Finds an equilibrium of a continuous game; whether it is one is for the certificate to say.

At an equilibrium every own slope of a Lagrangian is complementary to the own interval, and every multiplier to the
room that its constraint leaves:

    x_i in [low_i, high_i] ⊥ −∂U_i/∂x_i + (Aᵀλ)_i        λ ≥ 0 ⊥ b − A x ≥ 0

with one λ for all players: the variational equilibrium (Rosen 1965; Facchinei, Fischer & Piccialli 2007). The
system is solved by Newton's method on the Fischer-Burmeister function (Fischer 1992) with a line search; slopes
are those of a complex step, exact to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from market.continuous_game.game import ContinuousGame
from market.errors import ModelError
from market.model.arguments import of_kind
from market.model.arrays import Array, frozen

_COMPLEX_STEP: Final = 1e-30
_DIFFERENCE: Final = 1e-7  # step of the second slopes, as a share of an interval
_MOST_STEPS: Final = 200
_TOLERANCE: Final = 1e-12
_SMALLEST_STEP: Final = 1e-10
_ARMIJO: Final = 1e-4


@dataclass(frozen=True, slots=True)
class GameSolution:
    """Where the solver came to rest. choice : shape (n,) · multiplier : of the shared constraints, shape (r,)

    residual : how far the conditions are from holding, in units of slopes and numbers · steps : of Newton's method
    """

    choice: Array
    multiplier: Array
    residual: float
    steps: int


def solve_game(game: ContinuousGame, start: ArrayLike | None = None) -> GameSolution:
    """Numbers at which no player's slope points anywhere it may go: a candidate for `certify_game`.

    start : shape (n,), the middles of the intervals where it is not given; of several equilibria it decides which
    is found. A stationary point need not be a best reply where a payoff has several peaks, nor be found from any
    start. Raises: ModelError if the method comes to rest elsewhere, or a payoff cannot be differentiated.

    >>> import market
    >>> duopoly = market.ContinuousGame.of(  # Cournot: price 10 − Σ x, no costs; both choose 10/3
    ...     [lambda x: (10.0 - sum(x)) * x[0], lambda x: (10.0 - sum(x)) * x[1]], low=0.0, high=10.0
    ... )
    >>> market.solve_game(duopoly).choice.round(6).tolist()
    [3.333333, 3.333333]
    """
    game = of_kind(ContinuousGame, game, "game")
    middle = (game.low + game.high) / 2.0
    first = middle if start is None else game.checked(start, "start")
    point = np.concatenate([first, np.zeros(game.limits.size)])
    system = _System(game)
    now = system.residual(point)
    for step in range(_MOST_STEPS):
        if float(np.abs(now).max()) <= _TOLERANCE * system.scale(point):
            return _solution(game, point, now, step)
        point, after = _stepped(system, point, now)
        if after is now:
            break
        now = after
    if float(np.abs(now).max()) <= np.sqrt(_TOLERANCE) * system.scale(point):
        return _solution(game, point, now, step)  # as far as rounding lets it
    rest, off = point[: game.low.size].tolist(), float(np.abs(now).max())
    raise ModelError(
        f"no equilibrium was found: the residual came to rest at {off:.3g}, at {rest}; try another start"
    )


def _solution(game: ContinuousGame, point: Array, residual: Array, steps: int) -> GameSolution:
    count = game.low.size
    chosen = np.clip(point[:count], game.low, game.high)
    prices = np.maximum(point[count:], 0.0)
    return GameSolution(frozen(chosen), frozen(prices), float(np.abs(residual).max()), steps)


def _stepped(system: _System, point: Array, now: Array) -> tuple[Array, Array]:
    """A step that brings the residual down, Newton's or straight downhill; the same where there is none."""
    jacobian = system.jacobian(point, now)
    merit = float(now @ now)
    slope = jacobian.T @ now
    for direction in (_newton(jacobian, now), -slope):
        descent = float(slope @ direction)
        if not np.isfinite(direction).all() or descent >= 0.0:
            continue
        length = 1.0
        while length >= _SMALLEST_STEP:
            after = system.residual(point + length * direction)
            if float(after @ after) <= merit + 2.0 * _ARMIJO * length * descent:
                return point + length * direction, after
            length /= 2.0
    return point, now


def _newton(jacobian: Array, now: Array) -> Array:
    try:
        return frozen(np.linalg.solve(jacobian, -now))
    except np.linalg.LinAlgError:
        return frozen(np.linalg.lstsq(jacobian, -now)[0])


class _System:
    """The conditions as one function of numbers and multipliers that is 0 where they hold."""

    def __init__(self, game: ContinuousGame) -> None:
        self._game = game
        self._width = np.maximum(game.high - game.low, 1e-12)

    def scale(self, point: Array) -> float:
        """The size of things that are compared with 0."""
        return 1.0 + float(np.abs(point).max())

    def residual(self, point: Array) -> Array:
        """Shape (n + r,)."""
        game, count = self._game, self._game.low.size
        own, prices = point[:count], point[count:]
        uphill = self._slopes(own) - game.constraints.T @ prices
        room = game.limits - game.constraints @ own
        inner = -_both(game.high - own, uphill)
        return np.concatenate([_both(own - game.low, inner), _both(prices, room)])

    def jacobian(self, point: Array, now: Array) -> Array:
        """Shape (n + r, n + r), by differences."""
        steps = np.concatenate([_DIFFERENCE * self._width, np.full(self._game.limits.size, _DIFFERENCE)])
        columns = []
        for k, step in enumerate(steps.tolist()):
            moved = point.copy()
            moved[k] += step
            columns.append((self.residual(moved) - now) / step)
        return np.array(columns).T

    def _slopes(self, own: Array) -> Array:
        """∂U_i/∂x_i at numbers within their intervals, shape (n,); beyond them a slope goes on as it ends."""
        inside = np.clip(own, self._game.low, self._game.high).tolist()
        found = []
        for i, name in enumerate(self._game.players):
            numbers: list[complex] = [*inside]
            numbers[i] = complex(inside[i], _COMPLEX_STEP)
            try:
                worth = complex(self._game.worth(i, numbers))
            except TypeError:
                raise ModelError(
                    f"the payoff of player {name} cannot be differentiated; write it with + − * / ** and numpy's "
                    "functions"
                ) from None
            if not np.isfinite(worth):
                raise ModelError(f"the payoff of player {name} is no number at {inside[i]:g}; try another start")
            found.append(worth.imag / _COMPLEX_STEP)
        return np.array(found)


def _both(first: Array, second: Array) -> Array:
    """Fischer-Burmeister: a + b − √(a² + b²), 0 where both are ≥ 0 and one of them is 0."""
    together: Array = first + second - np.hypot(first, second)
    return together
