"""Prices of a market by the newest offers consumed, worked out once for whoever has consumed the same.

Nodes of one process hold the same offers most of the time. What follows from them does not depend on who asks, so
it is kept by the offers themselves, object by object: only what was really heard alike is shared.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Final

import numpy as np

from broker.screening.messages import TradingRoles
from broker.wire.messages import Offer
from market.game.clearing.clearing_price import clearing_price, opening_prices
from market.game.period import PeriodGame
from market.model.arrays import Array, BoolArray, IndexArray, frozen

_PAGES: Final = 64
"""So many pages are kept, the newest: whoever has fallen further behind works out its own."""


@dataclass(frozen=True, slots=True, eq=False)
class PricePage:
    """Prices, CNY/MWh, read-only. flat : of all periods' sellers, one period after another

    by_period : of a period's sellers, shape (n,), the same array as on the page before where none of them moved
    """

    flat: Array
    by_period: Mapping[int, Array]


class OfferPages:
    """The pages of one epoch's games.

    games : those in which there is anything to trade, by period · opening : where sellers stand that have not been
    heard of, at p_clr or their reserves
    """

    def __init__(self, games: Sequence[PeriodGame]) -> None:
        self.games = {game.period: game for game in games if game.tradable}
        self._roles = TradingRoles(games)
        self._screened: dict[int, tuple[str, Offer]] = {}  # by identity: they are kept, so that it stays theirs
        self._pages: dict[tuple[int, ...], tuple[tuple[Offer | None, ...], PricePage]] = {}
        self._spans: dict[int, slice] = {}
        places: dict[str, list[int]] = {}
        start = 0
        for period, game in self.games.items():
            for index, seller in enumerate(game.sellers):
                places.setdefault(seller, []).append(start + index)
            self._spans[period] = slice(start, start := start + len(game.sellers))
        self._places: dict[str, IndexArray] = {vpp: np.array(at, dtype=np.intp) for vpp, at in places.items()}
        self.sellers = tuple(self._places)
        opening = {t: opening_prices(game, clearing_price(game)) for t, game in self.games.items()}
        self.opening = PricePage(frozen(np.concatenate([*opening.values(), ()])), opening)
        self._starts = np.array([span.start for span in self._spans.values()], dtype=np.intp)

    def screen(self, seller: str, offer: Offer) -> None:
        """ProtocolError `bad_content` if it is not for the periods in which its seller sells, or leaves a band."""
        if self._screened.get(id(offer), ("", offer))[0] != seller:
            self._roles.offer(seller, offer)
            self._screened[id(offer)] = (seller, offer)

    def page(self, newest: Mapping[str, Offer], before: PricePage) -> PricePage:
        """The prices by these offers; of periods in which they are as before, the array that was there before."""
        offers = tuple(newest.get(seller) for seller in self.sellers)
        key = tuple(map(id, offers))
        known = self._pages.get(key)
        if known is None:
            known = self._pages[key] = (offers, self._made(newest, before))
            if len(self._pages) > _PAGES:
                del self._pages[next(iter(self._pages))]
        return known[1]

    def _made(self, newest: Mapping[str, Offer], before: PricePage) -> PricePage:
        flat = self.opening.flat.copy()
        for seller, offer in newest.items():
            flat[self._places[seller]] = offer.price_cny_per_mwh
        flat.flags.writeable = False
        fresh = {period: flat[self._spans[period]] for period in self._where(flat != before.flat)}
        return PricePage(flat, {**before.by_period, **fresh})

    def moved(self, now: PricePage, then: PricePage, seller: str) -> Collection[int]:
        """The periods in which somebody else than this seller asks something else."""
        if now is then:
            return ()
        apart = now.flat != then.flat
        apart[self._places[seller]] = False
        return self._where(apart)

    def _where(self, apart: BoolArray) -> list[int]:
        """The periods in which some price is."""
        found = np.logical_or.reduceat(apart, self._starts).tolist()
        return list(compress(self._spans, found))
