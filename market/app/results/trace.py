"""The trace of a run over processes: each price and probability on its way to the rest point."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from broker.protocol.epoch import Said
from broker.wire.messages import Offer, Selection
from market.game.replicator import evolve
from market.game.result import PeriodResult
from market.model.rules import MarketRules
from market.settlement.outcome import TraceQuantity, TraceRow

_EVOLVED = 1e-6
"""A choice that is further from the end of its evolution has come about otherwise."""


def trace_rows(said: Sequence[Said], results: Sequence[PeriodResult]) -> Iterator[TraceRow]:
    """One row for each value that a message changed, in the order in which they were said."""
    before: dict[tuple[str, str, int], float] = {}
    for entry in said:
        message = entry.message
        if not isinstance(message, Offer | Selection):
            continue
        for counterpart, period, value in _values(message, results):
            key = (entry.sender, counterpart, period)
            last = before.get(key)
            if value != last:
                quantity = TraceQuantity.PROBABILITY if counterpart else TraceQuantity.PRICE
                change = 0.0 if last is None else abs(value - last)
                before[key] = value
                yield TraceRow(
                    entry.time_s, message.version, entry.sender, counterpart, period, quantity, value, change
                )


def _values(message: Offer | Selection, results: Sequence[PeriodResult]) -> Iterator[tuple[str, int, float]]:
    """(counterpart, period, value) of everything in a message; an offer has no counterpart."""
    if isinstance(message, Offer):
        for period, price in zip(message.periods, message.price_cny_per_mwh.tolist(), strict=True):
            yield "", period, price
        return
    for period in message.periods:
        shares = message.probability[message.part(period)].tolist()
        yield from ((s, period, y) for s, y in zip(results[period].game.sellers, shares, strict=True))


def evolution_rows(results: Sequence[PeriodResult], rules: MarketRules, time_s: float) -> Iterator[TraceRow]:
    """The replicator steps (25) of every buyer at the final prices, `round` counting the steps from 0.

    A buyer that has chosen otherwise did not come to its choice in this way, and has none.
    """
    for result in results:
        game = result.game
        if result.certificate is None:  # nothing to trade, or not everybody has priced
            continue
        trace = evolve(game, result.price_cny_per_mwh, rules.revision_step, keep_trace=True).trace
        assert trace is not None
        for i, buyer in enumerate(game.buyers):
            if np.abs(trace[-1, i] - result.probability[i]).max() > _EVOLVED:
                continue
            for j, seller in enumerate(game.sellers):
                path = trace[:, i, j].tolist()
                for step, value in enumerate(path):
                    change = abs(value - path[step - 1]) if step else 0.0
                    yield TraceRow(
                        time_s, step, buyer, seller, game.period, TraceQuantity.EVOLUTION, value, change
                    )
