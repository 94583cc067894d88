"""A buyer's behaviour: answers the newest offers, usually with the rest point of the evolutionary game.

It needs nothing of its own plant: its deficit is in the games.
"""

from __future__ import annotations

import numpy as np

from broker.wire.messages import Selection
from market.game.buyers import BuyersReply, Chooser
from market.model.arrays import Array
from market.model.rules import MarketRules
from vpp_nodes.offer_book import OfferBook


class Buyer:
    """One VPP in the periods in which it buys."""

    def __init__(self, vpp: str, book: OfferBook, rules: MarketRules, chooser: Chooser) -> None:
        self._vpp = vpp
        self._book = book
        self._rules = rules
        self._chooser = chooser
        self._periods = tuple(t for t, game in book.games.items() if vpp in game.buyers)
        self._answered: dict[
            int, tuple[Array, BuyersReply]
        ] = {}  # by period: the prices, and what they called for
        self._published: Selection | None = None

    def answer(self) -> Selection | None:
        """Answer where prices have moved; None if nothing changes or some seller has not been heard of yet."""
        if not self._periods or not all(self._book.complete(period) for period in self._periods):
            return None
        self._answer_moved()
        return self._publish()

    def requested_mw(self) -> dict[int, Array]:
        """What the newest selection asks of each seller, by period; empty before the first."""
        said = self._published
        return {} if said is None else {t: said.requested_mw[said.part(t)] for t in said.periods}

    def _answer_moved(self) -> None:
        prices = self._book.page().by_period
        moved = [t for t in self._periods if t not in self._answered or self._answered[t][0] is not prices[t]]
        if not moved:
            return
        answers = self._chooser(
            self._vpp, [self._book.games[t] for t in moved], [prices[t] for t in moved], self._rules
        )
        for period, answer in zip(moved, answers, strict=True):
            self._answered[period] = (prices[period], answer)

    def _publish(self) -> Selection | None:
        answers = [self._answered[period][1] for period in self._periods]
        probability = np.concatenate([answer.probability for answer in answers])
        requested_mw = np.concatenate([answer.requested_mw for answer in answers])
        last = self._published
        if last and (last.probability == probability).all() and (last.requested_mw == requested_mw).all():
            return None
        counts = tuple(len(answer.probability) for answer in answers)
        version = last.version + 1 if last else 1
        self._published = Selection(version, self._periods, counts, probability, requested_mw)
        return self._published
