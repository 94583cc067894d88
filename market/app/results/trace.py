"""The trace of a day: each price and probability on its way to the rest point, and the evolution at the end.

A row holds one value. `counterpart` is the seller that a probability is about, else empty; `residual` the absolute
change from the value before, 0 for the first. `round_trace` makes the same rows of a day without messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from broker.protocol.epoch import Said
from broker.wire.messages import Offer, Selection
from market.app.results.blocks import Trace, block
from market.app.results.columns import COLUMNS
from market.app.results.kept import TraceLevel, TraceQuantity
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


def trace_of_messages(
    said: Sequence[Said], results: Sequence[PeriodResult], rules: MarketRules, settled_s: float
) -> Trace:
    """The trace of a run over processes, by what was said, in that order."""

    def trace(level: TraceLevel) -> Iterator[Records]:
        if level is TraceLevel.NONE:
            return
        kinds = (Offer, Selection) if level is TraceLevel.FULL else (Offer,)
        rows = list(zip(*_said(said, results, kinds), strict=True))
        if rows:
            yield trace_block(*map(list, rows))
        if level is TraceLevel.FULL:
            yield from evolution(results, rules, settled_s)

    return trace


def _said(
    said: Sequence[Said], results: Sequence[PeriodResult], kinds: tuple[type[Offer] | type[Selection], ...]
) -> Iterator[tuple[float | int | str, ...]]:
    """One row for each value that a message of these kinds changed, in the order in which they were said."""
    before: dict[tuple[str, str, int], float] = {}
    for entry in said:
        message = entry.message
        if not isinstance(message, kinds):
            continue
        for counterpart, period, value in _values(message, results):
            key = (entry.sender, counterpart, period)
            last = before.get(key)
            if value != last:
                quantity = TraceQuantity.PROBABILITY if counterpart else TraceQuantity.PRICE
                change = 0.0 if last is None else abs(value - last)
                before[key] = value
                place = (entry.time_s, message.version, entry.sender, counterpart, period + 1)
                yield (*place, quantity.value, value, change)


def _values(message: Offer | Selection, results: Sequence[PeriodResult]) -> Iterator[tuple[str, int, float]]:
    """(counterpart, period, value) of everything in a message; an offer has no counterpart."""
    if isinstance(message, Offer):
        for period, price in zip(message.periods, message.price_cny_per_mwh.tolist(), strict=True):
            yield "", period, price
        return
    for period in message.periods:
        shares = message.probability[message.part(period)].tolist()
        yield from ((s, period, y) for s, y in zip(results[period].game.sellers, shares, strict=True))


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
