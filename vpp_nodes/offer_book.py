"""The newest offers that a trader has consumed.

A seller that has not been heard of yet stands where it starts, at p_clr or its reserve: public data only.
"""

from __future__ import annotations

from collections.abc import Sequence

from broker.screening.messages import TradingRoles
from broker.wire.messages import Offer, Seen
from market.game.clearing.clearing_price import clearing_price, opening_prices
from market.game.period import PeriodGame
from market.model.arrays import Array


class OfferBook:
    """Prices by period and seller, each from the newest version seen."""

    def __init__(self, games: Sequence[PeriodGame]) -> None:
        self.games = {game.period: game for game in games if game.tradable}
        self.opening = {t: opening_prices(game, clearing_price(game)) for t, game in self.games.items()}
        self._prices = dict(self.opening)
        self._parts = TradingRoles(games)
        self._versions: dict[str, int] = {}
        self._heard: dict[int, set[str]] = {period: set() for period in self.games}

    def take(self, seller: str, offer: Offer) -> None:
        """Consume an offer; one that is not newer than what is known is discarded.

        ProtocolError `bad_content` if it is not for the periods in which its seller sells, or leaves a band.
        """
        self._parts.offer(seller, offer)
        if offer.version <= self._versions.get(seller, 0):
            return
        self._versions[seller] = offer.version
        for period, price in zip(offer.periods, offer.price_cny_per_mwh.tolist(), strict=True):
            self._place(period, self.games[period].sellers.index(seller), price)
            self._heard[period].add(seller)

    def _place(self, period: int, index: int, price: float) -> None:
        if self._prices[period][index] != price:
            prices = self._prices[period].copy()
            prices[index] = price
            prices.flags.writeable = False
            self._prices[period] = prices

    def prices(self, period: int) -> Array:
        """The prices of a period's sellers, shape (n,), read-only: the same array until one of them moves."""
        return self._prices[period]

    def complete(self, period: int) -> bool:
        """Whether every seller of a period has been heard of."""
        return len(self._heard[period]) == len(self.games[period].sellers)

    def seen(self) -> tuple[Seen, ...]:
        """The newest version consumed of each seller."""
        return tuple(Seen(vpp, version) for vpp, version in sorted(self._versions.items()))
