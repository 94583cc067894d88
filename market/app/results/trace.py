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
from market.parts import parts_of

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
    for some in parts_of(priced, [result.probability.size for result in priced], _CHOICES_AT_ONCE):
        played = [(result.game, result.price_cny_per_mwh) for result in some]
        yield _evolution(some, evolutions(played, rules.revision_step), time_s)


def _evolution(results: Sequence[PeriodResult], evolved: Sequence[Array], time_s: float) -> Records:
    """The rows of some periods, at least one. evolved : their steps with the start, shape (steps + 1, m, n)"""
    own = [
        np.abs(y[-1] - result.probability).max(axis=1) <= _EVOLVED
        for y, result in zip(evolved, results, strict=True)
    ]
    paths = [y[:, rows].transpose(1, 2, 0) for y, rows in zip(evolved, own, strict=True)]
    pairs = [path.shape[0] * path.shape[1] for path in paths]
    steps = np.repeat([path.shape[2] for path in paths], pairs)
    step = np.arange(steps.sum()) - np.repeat(np.cumsum(steps) - steps, steps)
    value = np.concatenate([path.ravel() for path in paths])
    change = np.abs(np.diff(value, prepend=value[:1]))
    change[step == 0] = 0.0
    sellers = [np.array(result.game.sellers, dtype=object) for result in results]
    buyers = [np.array(result.game.buyers, dtype=object)[rows] for result, rows in zip(results, own, strict=True)]
    return trace_block(
        time_s,
        step,
        np.repeat(np.concatenate([np.repeat(i, len(j)) for i, j in zip(buyers, sellers, strict=True)]), steps),
        np.repeat(np.concatenate([np.tile(j, len(i)) for i, j in zip(buyers, sellers, strict=True)]), steps),
        np.repeat(np.repeat([result.game.period + 1 for result in results], pairs), steps),
        TraceQuantity.EVOLUTION.value,
        value,
        change,
    )
