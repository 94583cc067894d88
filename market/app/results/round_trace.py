"""The trace of a day solved in one process: prices and probabilities round by round, without a clock.

`message_trace` makes the same rows of messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from market.app.results.blocks import Trace
from market.app.results.kept import TraceLevel, TraceQuantity
from market.app.results.records import Records
from market.app.results.trace import evolution, trace_block
from market.game.period import PeriodGame
from market.game.replicator import rest_points
from market.game.result import PeriodResult
from market.game.solver import Negotiation
from market.model.arrays import Array
from market.model.rules import MarketRules

_NOBODY = np.array([""], dtype=object)
_AT_ONCE = 1 << 16  # probabilities that are worked out side by side: more would cost memory, and save no time


def trace_of_rounds(
    results: Sequence[PeriodResult], negotiations: Sequence[Negotiation], rules: MarketRules
) -> Trace:
    """The trace of a day: each seller's prices and, of each price vector, the rest point (M2) that it leads to."""

    def trace(level: TraceLevel) -> Iterator[Records]:
        if level is TraceLevel.NONE:
            return
        for result, negotiation in zip(results, negotiations, strict=True):
            if result.game.tradable:
                yield from _rounds(result.game, negotiation.path, level)
        if level is TraceLevel.FULL:
            yield from evolution(results, rules, 0.0)

    return trace


def _rounds(game: PeriodGame, path: Sequence[Array], level: TraceLevel) -> Iterator[Records]:
    """One row for each price that a round changed, and for each probability that followed from it."""
    sellers = np.array(game.sellers, dtype=object)
    offers = np.array(path)
    yield _changed(game, sellers[:, None], _NOBODY, offers[:, :, None], TraceQuantity.PRICE)
    if level is TraceLevel.FULL:
        buyers = np.array(game.buyers, dtype=object)[:, None]
        few = max(1, _AT_ONCE // (len(game.buyers) * len(game.sellers)))
        answers = np.concatenate([rest_points(game, offers[at : at + few]) for at in range(0, len(offers), few)])
        yield _changed(game, buyers, sellers, answers, TraceQuantity.PROBABILITY)


def _changed(game: PeriodGame, who: Array, counterparts: Array, path: Array, quantity: TraceQuantity) -> Records:
    """Rows of what changed in a path of shape (rounds, who, counterparts); all of it at the start."""
    change = np.abs(np.diff(path, axis=0, prepend=path[:1]))
    changed = change > 0
    changed[0] = True
    number, i, j = np.nonzero(changed)
    return trace_block(
        0.0,
        number + 1,
        who[i, 0],
        counterparts[j],
        game.period + 1,
        quantity.value,
        path[changed],
        change[changed],
    )
