"""The state of an epoch in which prices are agreed on, once all have declared: answers, and what is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from broker.delivery.undelivered import Undelivered, story
from broker.screening.answers import AnswerRules, judged_of
from broker.wire.messages import Answer, Done, MarketMessage
from market.coordination.consensus import ConsensusRound, ConsensusSearch, scale_of
from market.coordination.pool import agreed_rounds, pool_declaration, pooled, verdict_of
from market.game.period import PeriodGame
from market.game.result import PeriodResult, Verdict
from market.model.arrays import Array
from market.model.declaration import Declaration
from market.model.public import PublicRules
from market.settlement.rounds import DayRounds


class Pooling:
    """One epoch's search for prices. Whoever is alone has nobody to trade with: that is over at once."""

    def __init__(self, declarations: Sequence[Declaration], public: PublicRules) -> None:
        self.parts = AnswerRules(public)
        self._public = public
        self._roster = tuple(declaration.vpp for declaration in declarations)
        scale = scale_of(declarations, public.tariff)
        self._search = ConsensusSearch(len(self._roster), scale, public.tariff, public.horizon, public.market)
        self._answers: dict[str, Answer] = {}
        self._stalled = ""

    def take(self, sender: str, message: MarketMessage) -> None:
        """An answer that has passed the screening; the last of a round shows how good the one before was."""
        assert isinstance(message, Answer)
        self._answers[sender] = message
        if len(self._answers) < len(self._roster) or self._search.over:
            return
        answers = [self._answers[vpp] for vpp in self._roster]
        self._answers = {}
        self._search.judged([judged_of(answer) for answer in answers])
        if not self._search.over:
            self._search.answered(np.array([answer.net_in_mw for answer in answers]))

    def done(self, vpp: str, done: Done) -> None:
        """A confirmation; what has been said is all that counts."""

    def concerned(self, message: MarketMessage) -> set[str]:
        """An answer matters to everybody."""
        return set(self._roster)

    def settled(self) -> bool:
        """Whether the search is over."""
        return self._search.over or len(self._roster) == 1

    def stall(self, undelivered: Sequence[Undelivered], otherwise: str) -> None:
        """Nothing will come any more: nothing is traded."""
        if not self.settled():
            self._stalled = story(list(undelivered)) or otherwise

    def residual(self) -> int:
        """How many periods have no price yet that all agree to: all of them, or none."""
        return 0 if self.settled() else self._public.horizon.periods

    def unconfirmed(self, game: PeriodGame) -> tuple[str, ...]:
        """Whose answer is waited for."""
        return () if self.settled() else tuple(vpp for vpp in self._roster if vpp not in self._answers)

    def rounds(self) -> int:
        """How many rounds everybody has answered."""
        return self._search.standing.number

    def results(self) -> tuple[PeriodResult, ...]:
        """Every period as the pool of the round that is settled."""
        settled, prices = self._settled, self._search.standing.price_cny_per_mwh
        if settled is None:
            nothing = pooled(self._roster, self._nothing(), prices, Verdict.NO_TRADE, "", self._public)
            return tuple(self._ended(result) for result in nothing)
        verdict, evidence = verdict_of(self._search.found)
        traded = (settled.net_in_mw, settled.price_cny_per_mwh, verdict, evidence)
        return tuple(self._ended(result) for result in pooled(self._roster, *traded, self._public))

    def _ended(self, result: PeriodResult) -> PeriodResult:
        return replace(result, verdict=Verdict.STALLED, evidence=self._stalled) if self._stalled else result

    @property
    def declarations(self) -> tuple[Declaration, ...]:
        """What each gives to the pool and takes from it."""
        net_in = self._nothing() if self._settled is None else self._settled.net_in_mw
        return tuple(pool_declaration(vpp, own) for vpp, own in zip(self._roster, net_in, strict=True))

    @property
    def day_rounds(self) -> DayRounds | None:
        """All rounds, and which one counts; None where none was judged."""
        rounds, settled = self._search.rounds, self._settled or next(iter(self._search.rounds), None)
        return None if settled is None else agreed_rounds(self._roster, rounds, settled, self._public)

    @property
    def _settled(self) -> ConsensusRound | None:
        """The round that counts; None where nothing is traded at all."""
        return self._search.found.settled if self._search.over and not self._stalled else None

    def _nothing(self) -> Array:
        return np.zeros((len(self._roster), self._public.horizon.periods))
