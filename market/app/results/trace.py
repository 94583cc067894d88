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
from market.game.replicator import evolve
from market.game.result import PeriodResult
from market.model.rules import MarketRules

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
    for result in results:
        game = result.game
        if result.certificate is None:  # nothing to trade, or not everybody has priced
            continue
        steps = evolve(game, result.price_cny_per_mwh, rules.revision_step, keep_trace=True).trace
        assert steps is not None
        evolved = np.abs(steps[-1] - result.probability).max(axis=1) <= _EVOLVED
        path = steps[:, evolved].transpose(1, 2, 0)
        buyers, sellers, count = path.shape
        change = np.abs(np.diff(path, axis=-1, prepend=path[..., :1]))
        yield trace_block(
            time_s,
            np.tile(np.arange(count), buyers * sellers),
            np.repeat(np.array(game.buyers, dtype=object)[evolved], sellers * count),
            np.tile(np.repeat(np.array(game.sellers, dtype=object), count), buyers),
            game.period + 1,
            TraceQuantity.EVOLUTION.value,
            path.ravel(),
            change.ravel(),
        )
