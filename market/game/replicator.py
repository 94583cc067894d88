"""How a buyer's demand spreads over sellers at given prices: (18), (19), (M1), (25) and its rest point (M2).

Buyers meet each other through prices and rationing only: one buyer's fitness holds nothing of the others. The rest
point is the quantal response of a buyer's population of demand blocks. Only where τ = 0 does it depend on what the
blocks of others leave.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from market.errors import ModelError
from market.game.clearing.residual_demand import pure_choice
from market.game.demand_curve import demand_curves, demanded_power, utility
from market.game.period import PeriodGame
from market.game.sums import stacked_sum
from market.model.arrays import Array, IndexArray

_STILL = 1e-14  # a replicator step that moves no probability by more is the last
_SIMPLEX_TOLERANCE = 1e-9
_STEPS_AT_ONCE = 64

Played: TypeAlias = tuple[PeriodGame, Array]
"""A game and the prices that are asked in it."""


@dataclass(frozen=True, slots=True)
class Evolution:
    """An evolution of (25): where it rests, shape (m, n), after how many steps of the slowest buyer.

    trace : every step with the start, shape (steps + 1, m, n), or None where it was not asked for
    """

    probability: Array
    steps: int
    trace: Array | None


@dataclass(frozen=True, slots=True)
class RestPoint:
    """Where rows of log-probabilities came to rest, shape (rows, n), and each row's steps, shape (rows,).

    trace : every step with the start, shape (steps + 1, rows, n), or None where it was not asked for
    """

    probability: Array
    steps: Array
    trace: Array | None


def fitness(game: PeriodGame, prices: Array, probability: Array) -> Array:
    """Fitness of seller j to buyer i's demand, (M1): f = U(x*)/D − τ ln[y_j / (S_j / Σ_m S_m)].

    prices : shape (n,) · probability : shape (m, n), inside the simplex. Returns: shape (m, n), CNY/MWh.
    Raises: ModelError if a row is off the simplex, or on its border while τ > 0 (the crowding is infinite).
    """
    _check_simplex(game, probability)
    worth = utility(game, prices, demanded_power(game, prices)) / game.deficit_mw[:, None]
    if game.temperature_cny_per_mwh == 0:
        return worth
    crowding = np.log(probability / _surplus_share(game))
    fit: Array = worth - game.temperature_cny_per_mwh * crowding
    return fit


def imitation_rates(probability: Array, fit: Array) -> Array:
    """Revision protocol (18): a block at seller j meets a block at m and copies it if that is fitter.

    ρ_jm = y_m max(0, f_m − f_j). Arguments: one buyer's, shape (n,). Returns: shape (n, n), CNY/MWh.
    """
    return probability[None, :] * np.maximum(0.0, fit[None, :] - fit[:, None])


def replicator_field(game: PeriodGame, prices: Array, probability: Array) -> Array:
    """Replicator dynamics (19), the mean of (18): dy_j/dt = y_j (f_j − Σ_m y_m f_m).

    Arguments and errors as in `fitness`. Returns: shape (m, n), CNY/MWh; every row sums to zero.
    """
    fit = fitness(game, prices, probability)
    mean = (probability * fit).sum(axis=1, keepdims=True)
    field: Array = probability * (fit - mean)
    return field


def rest_point(game: PeriodGame, prices: Array) -> Array:
    """Where (25) comes to rest, in closed form (M2): y_j ∝ S_j exp[U_j / (D τ)].

    With τ = 0 demand runs down from the cheapest seller (`clearing.residual_demand`), alike for all buyers.
    prices : shape (n,), CNY/MWh. Returns: shape (m, n), every row on the simplex; where the grid is a choice, what
    a row lacks of 1 is the grid's.
    """
    rest: Array = rest_points([(game, prices[None])])[0][0]
    return rest


def rest_points(played: Sequence[Played]) -> list[Array]:
    """The same of several price vectors of several games, each as if it were alone.

    played : games, each with prices of shape (vectors, n). Returns: for each, shape (vectors, m, n).
    """
    return _by_choices(played, _pure, _rest_side_by_side)


def evolve(game: PeriodGame, prices: Array, revision_step: float, *, keep_trace: bool = False) -> Evolution:
    """Replicator steps (25) from y = 1/n until they stand still: y ← y exp(δ₁ f)/Σ, δ₁ = revision_step/τ.

    With τ = 0 that δ₁ has no bound, and one step reaches the pure choice.
    prices : shape (n,), CNY/MWh · revision_step : δ₁ τ in (0, 1).
    """
    start = np.full((len(game.buyers), _choices(game)), 1.0 / max(1, _choices(game)))
    if game.temperature_cny_per_mwh == 0:
        rest = _pure(game, prices[None])[0]
        return Evolution(rest, 1, np.stack([start, rest]) if keep_trace else None)
    ended = iterate_replicator(
        np.log(start), _logits([(game, prices[None])]), revision_step, keep_trace=keep_trace
    )
    sellers = slice(0, len(game.sellers))
    trace = None if ended.trace is None else ended.trace[..., sellers]
    return Evolution(ended.probability[:, sellers], int(ended.steps.max(initial=0)), trace)


def evolutions(played: Sequence[Played], revision_step: float) -> list[Array]:
    """Every step of (25) in several games at their prices, in their order; see `evolve`, whose `trace` it is.

    played : games, each with prices of shape (n,). Games alike in their number of choices are worked out together.
    """

    def alone(game: PeriodGame, prices: Array) -> Array:
        trace = evolve(game, prices, revision_step, keep_trace=True).trace
        assert trace is not None
        return trace

    return _by_choices(played, alone, lambda alike: _evolved_side_by_side(alike, revision_step))


def _by_choices(
    played: Sequence[Played],
    alone: Callable[[PeriodGame, Array], Array],
    together: Callable[[Sequence[Played]], Iterable[Array]],
) -> list[Array]:
    """What comes out for each: `together` for those alike in their number of choices, `alone` where τ = 0."""
    places = defaultdict[int, list[int]](list)
    for place, (game, _) in enumerate(played):
        places[_choices(game) if game.temperature_cny_per_mwh > 0 else 0].append(place)
    found = {place: alone(*played[place]) for place in places.pop(0, ())}
    for alike in places.values():
        found |= zip(alike, together([played[place] for place in alike]), strict=True)
    return [found[place] for place in range(len(played))]


def _rest_side_by_side(played: Sequence[Played]) -> Iterator[Array]:
    weight = np.exp(rest_logarithm(_logits(played)))
    rest = weight / weight.sum(axis=-1, keepdims=True)
    first = 0
    for game, prices in played:
        buyers, sellers = len(game.buyers), len(game.sellers)
        rows = slice(first, first := first + buyers * len(prices))
        yield rest[rows, :sellers].reshape(len(prices), buyers, sellers)


def _evolved_side_by_side(played: Sequence[Played], revision_step: float) -> Iterator[Array]:
    logits = _logits([(game, prices[None]) for game, prices in played])
    start = np.full(logits.shape, np.log(1.0 / logits.shape[1]))
    ended = iterate_replicator(start, logits, revision_step, keep_trace=True)
    assert ended.trace is not None
    first = 0
    for game, _ in played:
        rows = slice(first, first := first + len(game.buyers))
        yield ended.trace[: int(ended.steps[rows].max(initial=0)) + 1, rows, : len(game.sellers)]


def log_weights(surplus_logarithm: Array, utility_loss: Array, temperature: Array | float) -> Array:
    """Logarithm of the weights of (M2), up to a constant of each row: ln S_j − utility_loss/τ."""
    logits: Array = surplus_logarithm - utility_loss / temperature
    return logits


def rest_logarithm(logits: Array) -> Array:
    """ln y at the rest point (M2), row by row of the logits, shape (…, n); −inf: no such seller."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    logarithm: Array = shifted - np.log(stacked_sum(np.exp(shifted), _sellers(logits))[..., None])
    return logarithm


def iterate_replicator(
    start: Array, logits: Array, revision_step: float, *, keep_trace: bool = False
) -> RestPoint:
    """Iterate (25) until it stands still, many steps at a time.

    In logarithms (25) is ln y ← (1 − δ₁τ) ln y + δ₁τ logits, less ln Σ: the distance to its rest shrinks by the
    same factor at every step, so that after k steps ln y = ln rest + (1 − δ₁τ)^k (ln start − ln rest), less ln Σ.
    start, logits : shape (rows, n); a row stops on its own, so that it does not depend on its neighbours.
    """
    rest = rest_logarithm(logits)
    distance = np.subtract(start, rest, out=np.zeros_like(start), where=np.isfinite(start))
    ended, probability = np.zeros(len(start), dtype=np.intp), np.exp(start)
    blocks, first, sellers = [probability[None].copy()], 0, _sellers(logits)
    while not ended.all():
        shrunk = (1.0 - revision_step) ** np.arange(first + 1, first + 1 + _STEPS_AT_ONCE)
        weight = np.exp(rest + shrunk[:, None, None] * distance)
        path = np.concatenate([blocks[-1][-1:], weight / stacked_sum(weight, sellers)[..., None]])
        still = np.abs(np.diff(path, axis=0)).max(axis=-1) <= _STILL
        stops = (ended == 0) & still.any(axis=0)
        ended[stops] = first + 1 + still.argmax(axis=0)[stops]
        probability[stops] = path[ended[stops] - first, stops]
        blocks.append(path[1:])
        first += _STEPS_AT_ONCE
    trace = _trace(np.concatenate(blocks), ended) if keep_trace else None
    return RestPoint(probability, ended.astype(np.float64), trace)


def _sellers(logits: Array) -> IndexArray:
    """How many sellers each row has, shape (…,)."""
    count: IndexArray = np.count_nonzero(logits > -np.inf, axis=-1)
    return count


def _trace(path: Array, ended: IndexArray) -> Array:
    """Every step up to the last row's end; a row that ended earlier stays where it did."""
    step = np.minimum(np.arange(ended.max(initial=0) + 1)[:, None], ended)
    return path[step, np.arange(path.shape[1])]


def _choices(game: PeriodGame) -> int:
    """The sellers, and the grid where it is one."""
    return len(game.sellers) + (game.grid_option_mw > 0.0)


def _logits(played: Sequence[Played]) -> Array:
    """Of each seller and, behind them, of the grid where it is a choice: as many in all of these games.

    played : games, each with prices of shape (vectors, n). Returns: shape (rows, choices); the rows of a game are
    those of its buyers at the first vector, then at the next.
    """
    games = [game for game, _ in played]
    vectors = [len(prices) for _, prices in played]
    buyers = [len(game.buyers) for game in games]
    offers = np.concatenate([_with_grid(prices, game.retail_cny_per_mwh, game) for game, prices in played])
    surplus = np.log([_with_grid(game.surplus_mw, game.grid_option_mw, game) for game in games])
    game = np.repeat(np.arange(len(games)), np.multiply(vectors, buyers))
    vector = np.repeat(np.arange(len(offers)), np.repeat(buyers, vectors))
    buyer = np.concatenate(
        [
            np.tile(np.arange(end - count, end), n)
            for end, count, n in zip(np.cumsum(buyers), buyers, vectors, strict=True)
        ]
    )
    demand = demand_curves(games).map(lambda values: values[buyer, None])
    temperature = np.array([game.temperature_cny_per_mwh for game in games])
    return log_weights(surplus[game], demand.utility_loss(offers[vector]), temperature[game, None])


def _with_grid(values: Array, of_grid: float, game: PeriodGame) -> Array:
    """Values of the sellers, and behind them the grid's where it is a choice; shape (…, n) or (…, n + 1)."""
    if game.grid_option_mw <= 0.0:
        return values
    return np.concatenate([values, np.full((*values.shape[:-1], 1), of_grid)], axis=-1)


def _pure(game: PeriodGame, prices: Array) -> Array:
    """Of each of some price vectors, shape (vectors, n)."""
    chosen = [pure_choice(game, vector) for vector in prices]
    return np.repeat(np.array(chosen)[:, None, :], len(game.buyers), axis=1)


def _surplus_share(game: PeriodGame) -> Array:
    share: Array = game.surplus_mw / game.surplus_mw.sum()
    return share


def _check_simplex(game: PeriodGame, probability: Array) -> None:
    border = 0.0 if game.temperature_cny_per_mwh > 0 else -_SIMPLEX_TOLERANCE
    off = np.abs(probability.sum(axis=1) - 1.0) > _SIMPLEX_TOLERANCE
    bad = np.flatnonzero(off | ~(probability > border).all(axis=1))
    if bad.size:
        buyer, row = game.buyers[bad[0]], probability[bad[0]].tolist()
        raise ModelError(
            f"period {game.period + 1}: probabilities must be positive and sum to 1; got {row} from {buyer!r}; "
            "start from 1/n, which (25) keeps inside the simplex"
        )
