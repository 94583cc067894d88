"""Owns a seller's behaviour: offer at p_clr, then re-price by the market's rule whenever a rival has moved.

Knows nothing of its own plant (its surplus is in the games) or of how an offer travels.
"""

from __future__ import annotations

import numpy as np

from broker.wire.messages import Offer
from market.arrays import frozen
from market.game.pricing import Memory, reprice
from market.rules import MarketRules
from vpp_nodes.offer_book import OfferBook


class Seller:
    """One VPP in the periods in which it sells."""

    def __init__(self, vpp: str, book: OfferBook, rules: MarketRules) -> None:
        self._vpp = vpp
        self._book = book
        self._rules = rules
        self._seats = {t: game.sellers.index(vpp) for t, game in book.games.items() if vpp in game.sellers}
        self._memories = {period: Memory.fresh() for period in self._seats}
        self._priced_at: dict[int, tuple[float, ...]] = {}
        self._restless: set[int] = set(self._seats)
        self._published: tuple[float, ...] = ()
        self._version = 0

    @property
    def restless(self) -> tuple[int, ...]:
        """Periods in which the rule wants another step though nobody else moved."""
        return tuple(sorted(self._restless))

    def open(self) -> Offer | None:
        """The first offer, at p_clr in every period; None if it sells in none."""
        return self._publish({t: self._book.clearing[t] for t in self._seats})

    def answer(self) -> Offer | None:
        """Re-price where a rival has moved or the rule is not finished; None if no price changes."""
        moved = {}
        for period, seat in self._seats.items():
            prices = self._book.prices(period)
            if period in self._restless or self._priced_at.get(period) != _rivals(prices.tolist(), seat):
                moved[period] = self._reprice(period, seat)
        return self._publish(moved)

    def _reprice(self, period: int, seat: int) -> float:
        prices = self._book.prices(period)
        step = reprice(self._rules, self._book.games[period], seat, prices, self._memories[period])
        self._memories[period] = step.memory
        self._priced_at[period] = _rivals(prices.tolist(), seat)
        (self._restless.add if step.again else self._restless.discard)(period)
        return step.price

    def _publish(self, moved: dict[int, float]) -> Offer | None:
        known = dict(zip(self._seats, self._published, strict=True)) if self._published else {}
        prices = tuple((known | moved)[period] for period in self._seats)
        if prices == self._published:
            return None
        self._published, self._version = prices, self._version + 1
        offer = Offer(self._version, tuple(self._seats), frozen(np.array(prices)))
        self._book.take(self._vpp, offer)
        return offer


def _rivals(prices: list[float], seat: int) -> tuple[float, ...]:
    return tuple(prices[:seat] + prices[seat + 1 :])
