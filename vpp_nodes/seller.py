"""A seller's behaviour: a first offer, then another by what prices it whenever a rival has moved.

It needs nothing of its own plant: its surplus is in the games.
"""

from __future__ import annotations

import numpy as np

from broker.wire.messages import Offer
from market.game.pricing import PriceMove, Pricer
from market.model.arrays import frozen
from vpp_nodes.offer_book import OfferBook
from vpp_nodes.offer_pages import PricePage


class Seller:
    """One VPP in the periods in which it sells."""

    def __init__(self, vpp: str, book: OfferBook, pricer: Pricer) -> None:
        self._vpp = vpp
        self._book = book
        self._pricer = pricer
        self._index = {t: game.sellers.index(vpp) for t, game in book.games.items() if vpp in game.sellers}
        self._memories = dict.fromkeys(self._index, pricer.fresh())
        self._priced_at: PricePage | None = None
        self._active: set[int] = set(self._index)
        self._published: tuple[float, ...] = ()
        self._version = 0

    @property
    def pending(self) -> tuple[int, ...]:
        """Periods in which it wants another step though nobody else moved."""
        return tuple(sorted(self._active))

    def open(self) -> Offer | None:
        """The first offer, at p_clr or its reserve in every period; None if it sells in none."""
        return self._publish({t: float(self._book.opening[t][index]) for t, index in self._index.items()})

    def answer(self) -> Offer | None:
        """Re-price where a rival has moved or it is not finished; None if no price changes."""
        due = self._due()
        steps = self._pricer.price_all([self._turn(period) for period in due])
        for period, step in zip(due, steps, strict=True):
            self._memories[period] = step.memory
            (self._active.add if step.again else self._active.discard)(period)
        self._priced_at = self._book.page()
        return self._publish({period: step.price for period, step in zip(due, steps, strict=True)})

    def turns(self) -> list[PriceMove]:
        """What `answer` will ask its pricer, as the book stands."""
        return [self._turn(period) for period in self._due()]

    def _due(self) -> list[int]:
        """Where a rival asks something else than when it priced last, or it is not finished."""
        if self._priced_at is None:
            return list(self._index)
        moved = self._book.moved_since(self._priced_at, self._vpp) if self._index else ()
        return [t for t in self._index if t in self._active or t in moved]

    def _turn(self, period: int) -> PriceMove:
        prices, memory = self._book.prices(period), self._memories[period]
        return PriceMove(self._book.games[period], self._index[period], prices, memory)

    def _publish(self, moved: dict[int, float]) -> Offer | None:
        known = dict(zip(self._index, self._published, strict=True)) if self._published else {}
        prices = tuple((known | moved)[period] for period in self._index)
        if prices == self._published:
            return None
        self._published, self._version = prices, self._version + 1
        offer = Offer(self._version, tuple(self._index), frozen(np.array(prices)))
        self._book.take(self._vpp, offer)
        return offer
