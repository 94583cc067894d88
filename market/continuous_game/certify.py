"""The certificate of a continuous game: what each player could gain by moving alone, and a bound on any gain.

The search is that of a period's certificate, a branch and bound over cells [a, b] of the own number, with the
bounds taken from enclosures of the payoff U and of its slope:

    U ≤ sup U[a, b],   U ≤ U(a) + (b − a) max(0, sup U'[a, b]),   U ≤ U(b) + (b − a) max(0, −inf U'[a, b])

It shares no code with the solver. Rounding is on the safe side: a bound holds for the payoff as it is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from market.continuous_game.enclosure import Enclosure
from market.continuous_game.game import ContinuousGame
from market.errors import ModelError
from market.model.arguments import of_kind, real_numbers
from market.model.arrays import Array, frozen

_FIRST_CUT: Final = 64
_CUT: Final = 4
_MOST_CELLS: Final = 1 << 14  # a search that needs more at once stops and reports the bound it has
_BOUND_GAP: Final = 1e-12  # wanted of (bound − found), as a share of the payoff
_NARROWEST: Final = 1e-13  # of the interval: a cell is cut no further
_SEARCHED: Final = 2049  # points of a search without a bound
_REFINEMENTS: Final = 12
_KEPT: Final = 1e-6  # a constraint that is broken by less, as a share of what it adds up, is kept


@dataclass(frozen=True, slots=True)
class GameCertificate:
    """Evidence for one choice of all n players, in units of the payoffs.

    regret : the best deviation found, less what the player earns, ≥ 0, shape (n,) · better_choice : where it is
    regret_bound : no deviation gains more, shape (n,); NaN where the payoff cannot be enclosed
    rigorous : whether all bounds are proved, rounding included, and the choice keeps the shared constraints, to a
    millionth of what they add up
    violation : by how much each shared constraint is broken, ≥ 0, shape (r,)
    slackness : Σ multiplier · room left, 0 at a variational equilibrium; 0 without multipliers
    """

    regret: Array
    regret_bound: Array
    better_choice: Array
    rigorous: bool
    violation: Array
    slackness: float

    @property
    def epsilon(self) -> float:
        """The largest regret that was found."""
        return float(self.regret.max())

    @property
    def epsilon_bound(self) -> float:
        """The largest regret that there can be; NaN where that is not known."""
        return float(self.regret_bound.max())


@dataclass(frozen=True, slots=True)
class _Best:
    """The best deviation of one player: its worth, where, and a bound on all."""

    found: float
    where: float
    bound: float


def certify_game(game: ContinuousGame, choice: ArrayLike, multipliers: ArrayLike | None = None) -> GameCertificate:
    """How much each player could gain by another number of its own, the others' numbers given.

    choice : shape (n,) · multipliers : λ ≥ 0 of the shared constraints, shape (r,): each player then pays
    λ·A_i x_i and may choose from its whole interval, which proves a variational equilibrium; where they are not
    given, it may choose what the constraints leave to it (a generalised Nash equilibrium).
    Raises: ModelError if a choice is outside its interval, or a payoff is no number.

    >>> import market
    >>> duopoly = market.ContinuousGame.of(  # Cournot: price 10 − Σ x, no costs; both choose 10/3
    ...     [lambda x: (10.0 - sum(x)) * x[0], lambda x: (10.0 - sum(x)) * x[1]], low=0.0, high=10.0
    ... )
    >>> certificate = market.certify_game(duopoly, [3.0, 3.0])
    >>> certificate.regret.round(6).tolist(), certificate.better_choice.round(3).tolist(), certificate.rigorous
    ([0.25, 0.25], [3.5, 3.5], True)
    """
    game = of_kind(ContinuousGame, game, "game")
    chosen = game.checked(choice)
    prices = None if multipliers is None else _multipliers(game, multipliers)
    room = game.limits - game.constraints @ chosen
    players = range(len(game.players))
    parts = [_player(game, i, chosen, prices) for i in players]
    bounds = np.array([bound for _, _, bound in parts])
    added = np.abs(game.limits) + np.abs(game.constraints) @ np.abs(chosen)
    return GameCertificate(
        regret=frozen(np.array([regret for regret, _, _ in parts])),
        regret_bound=frozen(bounds),
        better_choice=frozen(np.array([better for _, better, _ in parts])),
        rigorous=bool(np.isfinite(bounds).all() and (room >= -_KEPT * added).all()),
        violation=frozen(np.maximum(-room, 0.0)),
        slackness=0.0 if prices is None else float(prices @ np.maximum(room, 0.0)),
    )


def _multipliers(game: ContinuousGame, given: ArrayLike) -> Array:
    prices = np.atleast_1d(real_numbers("multipliers", given))
    if prices.shape != game.limits.shape or not (prices >= 0.0).all():
        raise ModelError(
            f"multipliers must be {game.limits.size} numbers of 0 or more; got {prices.tolist()}; "
            "give one for each shared constraint"
        )
    return prices


def _player(game: ContinuousGame, i: int, chosen: Array, prices: Array | None) -> tuple[float, float, float]:
    """One player's regret, its better choice, and the bound of its regret."""
    low, high = (game.low[i], game.high[i]) if prices is not None else _left_open(game, i, chosen)
    price = 0.0 if prices is None else float(prices @ game.constraints[:, i])
    own = np.array([chosen[i]])
    current = _plain(game, i, chosen, own, price)[0]
    if not low < high:
        return 0.0, float(chosen[i]), 0.0
    if _encloses(game, i, chosen):
        least = float(_enclosed(game, i, chosen, own, own, price).value.low[0])
        best = _search(game, i, chosen, price, (float(low), float(high)))
        bound = max(best.bound - least, 0.0)
    else:
        best, bound = _searched(game, i, chosen, price, (float(low), float(high))), np.nan
    regret = best.found - current
    return (float(regret), best.where, float(max(bound, regret))) if regret > 0.0 else (0.0, float(own[0]), bound)


def _left_open(game: ContinuousGame, i: int, chosen: Array) -> tuple[float, float]:
    """The interval that the shared constraints leave to one player; its own choice where they leave nothing."""
    low, high = float(game.low[i]), float(game.high[i])
    for row, limit in zip(game.constraints, game.limits, strict=True):
        rest = limit - (row @ chosen - row[i] * chosen[i])
        if row[i] > 0.0:
            high = min(high, rest / row[i])
        elif row[i] < 0.0:
            low = max(low, rest / row[i])
    return low, high


def _encloses(game: ContinuousGame, i: int, chosen: Array) -> bool:
    """Whether the payoff works on enclosures."""
    try:
        return isinstance(_enclosed(game, i, chosen, chosen[i : i + 1], chosen[i : i + 1], 0.0), Enclosure)
    except (TypeError, AttributeError):
        return False


def _enclosed(game: ContinuousGame, i: int, chosen: Array, low: Array, high: Array, price: float) -> Enclosure:
    own = Enclosure.own(low, high)
    numbers = [*chosen[:i].tolist(), own, *chosen[i + 1 :].tolist()]
    found: Enclosure = game.payoff(i, numbers) + own * 0.0 - own * price
    return found


def _plain(game: ContinuousGame, i: int, chosen: Array, own: Array, price: float) -> Array:
    """What the player earns at some own numbers (K,)."""
    others = chosen.tolist()
    worth = np.array([game.worth(i, [*others[:i], x, *others[i + 1 :]]) - price * x for x in own.tolist()])
    sound = np.isfinite(worth) & (np.imag(worth) == 0.0)
    if not sound.all():
        x = own[~sound][0]
        raise ModelError(f"the payoff of player {game.players[i]} is no number at {x:g}; choose another interval")
    return worth


def _search(game: ContinuousGame, i: int, chosen: Array, price: float, span: tuple[float, float]) -> _Best:
    """Branch and bound over the own number."""
    points = np.linspace(*span, _FIRST_CUT + 1)
    low, high = points[:-1], points[1:]
    found, where, bound = -np.inf, span[0], -np.inf
    while low.size:
        at_low, at_high = (_enclosed(game, i, chosen, ends, ends, price).value for ends in (low, high))
        for ends, worth in ((low, at_low), (high, at_high)):
            best = int(worth.low.argmax())
            if worth.low[best] > found:
                found, where = float(worth.low[best]), float(ends[best])
        cell = _enclosed(game, i, chosen, low, high, price)
        wide = np.nextafter(high - low, np.inf)
        with np.errstate(invalid="ignore"):
            rise = at_low.high + wide * np.maximum(0.0, cell.slope.high) * (1.0 + 1e-15)
            drop = at_high.high + wide * np.maximum(0.0, -cell.slope.low) * (1.0 + 1e-15)
        most = np.fmin(cell.value.high, np.fmin(rise, drop))
        gap = _BOUND_GAP * max(abs(found), 1e-300)
        going = (most > found + gap) & (high - low > _NARROWEST * max(span[1] - span[0], 1e-300))
        if going.sum() > _MOST_CELLS // _CUT:
            going[:] = False
        if not going.all():
            bound = max(bound, float(most[~going].max()))
        parts = low[going, None] + (high - low)[going, None] * np.linspace(0.0, 1.0, _CUT + 1)
        parts[:, -1] = high[going]
        low, high = parts[:, :-1].ravel(), parts[:, 1:].ravel()
    return _Best(found, where, max(bound, found))


def _searched(game: ContinuousGame, i: int, chosen: Array, price: float, span: tuple[float, float]) -> _Best:
    """The best of many numbers, refined round the best; nothing is proved."""
    low, high = span
    found, where = -np.inf, low
    for _ in range(_REFINEMENTS):
        points = np.linspace(low, high, _SEARCHED if found == -np.inf else 17)
        worth = _plain(game, i, chosen, points, price)
        best = int(worth.argmax())
        if worth[best] > found:
            found, where = float(worth[best]), float(points[best])
        step = (high - low) / (points.size - 1)
        low, high = max(where - step, span[0]), min(where + step, span[1])
    return _Best(found, where, np.nan)
