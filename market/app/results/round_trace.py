"""The trace of a day solved in one process: prices and probabilities round by round, without a clock.

`market.app.results.trace` makes the same rows of messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from market.game.period import PeriodGame
from market.game.replicator import rest_point
from market.game.solver import Negotiation
from market.model.arrays import Array
from market.settlement.outcome import TraceQuantity, TraceRow


def round_rows(games: Sequence[PeriodGame], negotiations: Sequence[Negotiation]) -> Iterator[TraceRow]:
    """One row for each price that a round changed, and for each probability that followed from it."""
    for game, negotiation in zip(games, negotiations, strict=True):
        if game.tradable:
            prices = np.array(negotiation.path)[:, None, :]
            answers = np.array([rest_point(game, price) for price in negotiation.path])
            yield from _rows(game, ("",), game.sellers, prices, TraceQuantity.PRICE)
            yield from _rows(game, game.buyers, game.sellers, answers, TraceQuantity.PROBABILITY)


def _rows(
    game: PeriodGame, who: Sequence[str], sellers: Sequence[str], path: Array, quantity: TraceQuantity
) -> Iterator[TraceRow]:
    """Rows of what changed in a path of shape (rounds, who, sellers)."""
    for number, values in enumerate(path):
        before = path[number - 1] if number else np.full_like(values, np.nan)
        for i, j in np.argwhere(values != before).tolist():
            name, counterpart = (who[i], sellers[j]) if who[i] else (sellers[j], "")
            change = abs(values[i, j] - before[i, j]) if number else 0.0
            value = float(values[i, j])
            yield TraceRow(0.0, number + 1, name, counterpart, game.period, quantity, value, float(change))
