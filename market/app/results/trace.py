"""The rows of a day's trace, and the evolution at its end.

A row holds one value. `counterpart` is the seller that a probability is about, else empty; `residual` the absolute
change from the value before, 0 for the first. `message_trace` and `round_trace` tell how it came about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from market.app.results.blocks import block
from market.app.results.columns import COLUMNS
from market.app.results.kept import TraceQuantity
from market.app.results.records import Records
from market.game.replicator import evolutions
from market.game.result import PeriodResult
from market.model.arrays import Array
from market.model.rules import MarketRules

_CHOICES_AT_ONCE = 4096  # probabilities that evolve side by side, each over some hundred steps
_EVOLVED = 1e-6
"""A choice that is further from the end of its evolution has come about otherwise."""


def trace_block(
    time_s: Any, round: Any, vpp: Any, counterpart: Any, period: Any, quantity: Any, value: Any, residual: Any
) -> Records:
    """Some rows; each argument a column, or one value for all rows. period : from 1"""
    return block(COLUMNS["trace"], time_s, round, vpp, counterpart, period, quantity, value, residual)


def evolution(results: Sequence[PeriodResult], rules: MarketRules, time_s: float) -> Iterator[Records]:
    """The replicator steps (25) of every buyer at the final prices, `round` counting the steps from 0.

    A buyer that has chosen otherwise did not come to its choice in this way, and has none.
    """
    priced = [result for result in results if result.certificate is not None]  # the others have nothing to choose
    for some in _few_at_once(priced):
        played = [(result.game, result.price_cny_per_mwh) for result in some]
        for result, steps in zip(some, evolutions(played, rules.revision_step), strict=True):
            yield _evolution(result, steps, time_s)


def _few_at_once(results: Sequence[PeriodResult]) -> Iterator[Sequence[PeriodResult]]:
    """As many side by side as memory should hold."""
    largest = max((result.probability.size for result in results), default=1)
    count = max(1, _CHOICES_AT_ONCE // max(1, largest))
    return (results[first : first + count] for first in range(0, len(results), count))


def _evolution(result: PeriodResult, steps: Array, time_s: float) -> Records:
    """The rows of a period. steps : every step with the start, shape (steps + 1, m, n)"""
    game = result.game
    evolved = np.abs(steps[-1] - result.probability).max(axis=1) <= _EVOLVED
    path = steps[:, evolved].transpose(1, 2, 0)
    buyers, sellers, count = path.shape
    change = np.abs(np.diff(path, axis=-1, prepend=path[..., :1]))
    return trace_block(
        time_s,
        np.tile(np.arange(count), buyers * sellers),
        np.repeat(np.array(game.buyers, dtype=object)[evolved], sellers * count),
        np.tile(np.repeat(np.array(game.sellers, dtype=object), count), buyers),
        game.period + 1,
        TraceQuantity.EVOLUTION.value,
        path.ravel(),
        change.ravel(),
    )
