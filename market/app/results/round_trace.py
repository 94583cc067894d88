"""The trace of a day solved in one process: prices and probabilities round by round, without a clock.

`message_trace` makes the same rows of messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from market.app.results.blocks import Trace
from market.app.results.kept import TraceLevel, TraceQuantity
from market.app.results.records import Records
from market.app.results.trace import evolution, trace_block
from market.game.period import PeriodGame
from market.game.replicator import Played, rest_points
from market.game.result import PeriodResult
from market.game.solver import Negotiation
from market.model.arrays import Array, starts_of
from market.model.rules import MarketRules
from market.parts import parts_of

_AT_ONCE = 1 << 16  # probabilities that are worked out side by side: more would cost memory, and save no time


def trace_of_rounds(
    results: Sequence[PeriodResult], negotiations: Sequence[Negotiation], rules: MarketRules
) -> Trace:
    """The trace of a day: each seller's prices and, of each price vector, the rest point (M2) that it leads to."""
    games = [result.game for result in results]
    traded = [
        (game, np.array(known.path)) for game, known in zip(games, negotiations, strict=True) if game.tradable
    ]

    def trace(level: TraceLevel) -> Iterator[Records]:
        if level is TraceLevel.NONE:
            return
        sizes = [path.size * len(game.buyers) for game, path in traded]
        for some in parts_of(traded, sizes, _AT_ONCE):
            yield _changed(list(_paths(some, level)))
        if level is TraceLevel.FULL:
            yield from evolution(results, rules, 0.0)

    return trace


@dataclass(frozen=True, slots=True)
class _Path:
    """What participants of a game said round by round. values : shape (rounds, who, counterparts)"""

    game: PeriodGame
    quantity: TraceQuantity
    who: Sequence[str]
    counterparts: Sequence[str]
    values: Array


def _paths(played: Sequence[Played], level: TraceLevel) -> Iterator[_Path]:
    """Of the prices of each game, and of the probabilities that followed from them."""
    answers = _answers(played) if level is TraceLevel.FULL else [None] * len(played)
    for (game, offers), answer in zip(played, answers, strict=True):
        yield _Path(game, TraceQuantity.PRICE, game.sellers, ("",), offers[:, :, None])
        if answer is not None:
            yield _Path(game, TraceQuantity.PROBABILITY, game.buyers, game.sellers, answer)


def _answers(played: Sequence[Played]) -> Sequence[Array]:
    """Rest points of each game, shape (rounds, m, n); of a large one, which is alone, some at a time."""
    if len(played) > 1:
        return rest_points(played)
    game, offers = played[0]
    few = max(1, _AT_ONCE // (len(game.buyers) * len(game.sellers)))
    parts = [rest_points([(game, offers[at : at + few])])[0] for at in range(0, len(offers), few)]
    return [np.concatenate(parts)]


def _changed(paths: Sequence[_Path]) -> Records:
    """One row for each value that a round changed, path by path; all values at the start of each."""
    changes = [np.abs(np.diff(path.values, axis=0, prepend=path.values[:1])) for path in paths]
    changed = [change > 0 for change in changes]
    for path in changed:
        path[0] = True
    number, i, j = np.concatenate([np.argwhere(path) for path in changed]).T
    rows = [np.count_nonzero(path) for path in changed]
    who = np.concatenate([np.array(path.who, dtype=object) for path in paths])
    counterparts = np.concatenate([np.array(path.counterparts, dtype=object) for path in paths])
    return trace_block(
        0.0,
        number + 1,
        who[i + np.repeat(starts_of([len(path.who) for path in paths]), rows)],
        counterparts[j + np.repeat(starts_of([len(path.counterparts) for path in paths]), rows)],
        np.repeat([path.game.period + 1 for path in paths], rows),
        np.repeat(np.array([path.quantity.value for path in paths], dtype=object), rows),
        np.concatenate([path.values[mask] for path, mask in zip(paths, changed, strict=True)]),
        np.concatenate([change[mask] for change, mask in zip(changes, changed, strict=True)]),
    )
