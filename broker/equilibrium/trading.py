"""The state of an epoch once all have declared: newest offers and selections, and each period's verdict."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from broker.delivery.undelivered import Undelivered, story
from broker.equilibrium.quiescence import QuiescenceDetector
from broker.screening.messages import TradingRoles
from broker.wire.messages import Done, MarketMessage, Offer, Selection
from market.game.dithering import LARGEST_AMPLITUDE_CNY_PER_MWH, answers
from market.game.period import PeriodGame
from market.game.result import PeriodResult, Verdict
from market.game.solver import end_cycle
from market.game.verdict import AT_REST, Ending, budget_spent, conclude
from market.model.arrays import Array
from market.model.rules import MarketRules


class Trading:
    """The games of an epoch and how far each has come."""

    def __init__(self, games: Sequence[PeriodGame], rules: MarketRules) -> None:
        self.games = tuple(games)
        self.parts = TradingRoles(games)
        self._rules = rules
        self._budget = rules.offer_budget
        self._detector = QuiescenceDetector(games)
        self._selections: dict[str, Selection] = {}
        self._ended: dict[int, Ending] = {}  # of the periods found not to come to rest by themselves

    def take(self, sender: str, message: MarketMessage) -> None:
        """A message that has passed the screening."""
        if isinstance(message, Offer):
            self._detector.offer(sender, message)
        elif isinstance(message, Selection):
            self._selections[sender] = message

    def done(self, vpp: str, done: Done) -> None:
        """A confirmation, after the messages it speaks of."""
        self._detector.done(vpp, done)

    def concerned(self, message: MarketMessage) -> set[str]:
        """Whom an offer or a selection matters to."""
        return concerned(self.games, message) if isinstance(message, Offer | Selection) else set()

    def buyers(self) -> set[str]:
        """Who buys in any period."""
        return {buyer for game in self.games if game.tradable for buyer in game.buyers}

    def settled(self) -> bool:
        """Whether, at the end of a batch, every period rests or has been found not to."""
        self._detector.note_prices()
        return all(self._detector.rests(game) or self._hopeless(game) for game in self.games)

    def _hopeless(self, game: PeriodGame) -> bool:
        """Whether it will not rest by itself; where its prices leave what they had settled at, they had not."""
        if self._has_left(game):
            del self._ended[game.period]
        if game.period not in self._ended:
            cycle = () if self._rules.learning_turns else self._detector.cycle(game)
            if cycle:
                vectors = [np.array(prices) for prices in cycle]
                self._ended[game.period] = end_cycle(game, vectors, self._rules, "steps")
            elif self._detector.moves(game) >= self._budget:
                self._ended[game.period] = budget_spent(self._budget)
            elif self.rounds() > self._budget * len(self.games):
                self._ended[game.period] = budget_spent(self.rounds(), of_day=True)
        return game.period in self._ended

    def _has_left(self, game: PeriodGame) -> bool:
        ending, prices = self._ended.get(game.period), self._detector.prices(game)
        if ending is None or ending.settled is None or prices is None:
            return False
        return bool(np.abs(prices - ending.settled).max() > LARGEST_AMPLITUDE_CNY_PER_MWH)

    def stall(self, undelivered: Sequence[Undelivered], otherwise: str) -> None:
        """Nothing will come any more: what does not rest is stalled by what was not delivered, or `otherwise`."""
        for game in self.games:
            if not self._detector.rests(game):
                players = {*game.sellers, *game.buyers}
                of_it = [u for u in undelivered if u.sender in game.sellers and u.receiver in players]
                self._ended.setdefault(game.period, Ending(Verdict.STALLED, story(of_it) or otherwise))

    def residual(self) -> int:
        """How many periods do not rest yet."""
        return sum(not self._detector.rests(game) for game in self.games)

    def unconfirmed(self, game: PeriodGame) -> tuple[str, ...]:
        """Whom a period still waits for."""
        return self._detector.unconfirmed(game)

    def rounds(self) -> int:
        """The most offers that any one seller has published."""
        return max((self._detector.rounds(game) for game in self.games), default=0)

    def results(self) -> tuple[PeriodResult, ...]:
        """Every period concluded as it stands, certificates included."""
        return tuple(self._result(game) for game in self.games)

    def _result(self, game: PeriodGame) -> PeriodResult:
        ending = self._ended.get(game.period, AT_REST)
        rounds = self._detector.rounds(game) if game.tradable else 0
        if ending.settled is not None:
            chosen = answers(game, ending.settled, self._rules)
            return conclude(game, ending.settled, *chosen, rounds, ending)
        prices = self._detector.prices(game) if game.tradable else None
        if prices is None:
            prices = np.zeros(len(game.sellers))  # below every floor: cannot be taken for offers
        return conclude(game, prices, *self._answers(game), rounds, ending)

    def _answers(self, game: PeriodGame) -> tuple[Array, Array]:
        """The newest probabilities and requests of a period, shape (m, n) each."""
        probability = np.zeros((len(game.buyers), len(game.sellers)))
        requested = np.zeros_like(probability)
        for row, buyer in enumerate(game.buyers):
            selection = self._selections.get(buyer)
            if selection is not None and game.period in selection.periods:
                part = selection.part(game.period)
                probability[row], requested[row] = selection.probability[part], selection.requested_mw[part]
        return probability, requested


def concerned(games: Sequence[PeriodGame], message: Offer | Selection) -> set[str]:
    """Whom a message matters to: an offer all who play in one of its periods, a selection the sellers."""
    played = [games[t] for t in message.periods]
    sellers = {seller for game in played for seller in game.sellers}
    if isinstance(message, Selection):
        return sellers
    return sellers | {buyer for game in played for buyer in game.buyers}
