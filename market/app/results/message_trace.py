"""The trace of a day over processes: each price and probability on its way to the rest point, as it was said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from broker.protocol.epoch import Said
from broker.wire.messages import Offer, Selection
from market.app.results.blocks import Trace
from market.app.results.kept import TraceLevel, TraceQuantity
from market.app.results.records import Records
from market.app.results.trace import evolution, trace_block
from market.game.result import PeriodResult
from market.model.rules import MarketRules


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
