"""The newest offers that a trader has consumed.

A seller that has not been heard of yet stands where it starts, at p_clr or its reserve: public data only.
"""

from __future__ import annotations

from collections.abc import Collection

from broker.wire.messages import Offer, Seen
from market.model.arrays import Array
from vpp_nodes.offer_pages import OfferPages, PricePage


class OfferBook:
    """Prices by period and seller, each from the newest version seen. pages : of whoever trades in these games"""

    def __init__(self, pages: OfferPages) -> None:
        self.games = pages.games
        self.opening = pages.opening.by_period
        self._pages = pages
        self._page = pages.opening
        self._newest: dict[str, Offer] = {}
        self._turned = True  # whether the page is that of the newest offers

    def take(self, seller: str, offer: Offer) -> None:
        """Consume an offer; one that is not newer than what is known is discarded.

        ProtocolError `bad_content` if it is not for the periods in which its seller sells, or leaves a band.
        """
        self._pages.screen(seller, offer)
        known = self._newest.get(seller)
        if known is None or offer.version > known.version:
            self._newest[seller] = offer
            self._turned = False

    def page(self) -> PricePage:
        """The prices by the newest offers."""
        if not self._turned:
            self._page = self._pages.page(self._newest, self._page)
            self._turned = True
        return self._page

    def moved_since(self, then: PricePage, seller: str) -> Collection[int]:
        """The periods in which somebody else than this seller asks something else now."""
        return self._pages.moved(self.page(), then, seller)

    def prices(self, period: int) -> Array:
        """The prices of a period's sellers, shape (n,), read-only: the same array until one of them moves."""
        return self.page().by_period[period]

    def complete(self, period: int) -> bool:
        """Whether every seller of a period has been heard of."""
        heard = self._newest.keys()
        return len(heard) == len(self._pages.sellers) or heard >= {*self.games[period].sellers}

    def seen(self) -> tuple[Seen, ...]:
        """The newest version consumed of each seller."""
        return tuple(Seen(vpp, self._newest[vpp].version) for vpp in sorted(self._newest))
