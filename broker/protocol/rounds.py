"""The rounds of a day whose plans see the market: each is reviewed; another begins, or the best is settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

from broker.protocol.actions import Write
from broker.protocol.asking import Asking
from broker.protocol.conclusion import trades_of
from broker.protocol.epoch import Epoch, Said
from broker.protocol.pooling import Pooling
from broker.screening.reviews import screen_review
from broker.tape import RoundReviewed
from broker.wire.messages import Reviewed, RoundOver
from market.coordination.coupling import (
    CoupledRound,
    Review,
    coupled_round,
    coupled_rounds,
    is_last,
    open_trade,
    round_to_settle,
)
from market.game.result import PeriodResult
from market.model.declaration import Declaration
from market.model.public import PublicRules
from market.settlement.rounds import DayRounds
from market.settlement.settlement import direct_exchange


class Reviewing(Asking[RoundOver, Reviewed]):
    """The end of one round. `first_turn`: the number of the first member's order; the others' follow."""

    def __init__(
        self,
        number: int,
        roster: Sequence[str],
        results: Sequence[PeriodResult],
        public: PublicRules,
        first_turn: int,
    ) -> None:
        super().__init__(
            {
                vpp: RoundOver(
                    turn,
                    number,
                    direct_exchange(vpp, results, public),
                    tuple(trades_of(vpp, results)),
                    open_trade(vpp, results),
                )
                for turn, vpp in enumerate(roster, start=first_turn)
            }
        )

    def take(self, vpp: str, review: Reviewed) -> bool:
        """A member's review; False if it is here already, ProtocolError if nobody waits for it or it is none."""
        if self._expected(vpp, review.turn) is None:
            return False
        screen_review(vpp, review.regret_cny, no_loss=review.no_loss)
        self.answers[vpp] = review
        return True

    def end(self) -> list[Write]:
        """What goes on the tape once every review is here."""
        given = [(vpp, self.answers[vpp]) for vpp in self._orders]
        return [Write(RoundReviewed(vpp, review.regret_cny, review.no_loss)) for vpp, review in given]

    @property
    def reviews(self) -> dict[str, Review]:
        """What each member makes of the round."""
        return {vpp: review_of(self.answers[vpp].regret_cny, self.answers[vpp].no_loss) for vpp in self._orders}


def review_of(regret_cny: float | None, no_loss: bool) -> Review:
    """A review as it was told."""
    return Review(inf if regret_cny is None else regret_cny, no_loss)


@dataclass(frozen=True, slots=True)
class PlayedRound:
    """A market that was concluded: what was declared and said in it, and when it was over.

    rounds : where it was one of several rounds itself, which they were
    """

    declarations: tuple[Declaration, ...]
    results: tuple[PeriodResult, ...]
    said: tuple[Said, ...]
    ended_s: float
    rounds: DayRounds | None = None


def played(epoch: Epoch, ended_s: float) -> PlayedRound:
    """An epoch that has come to its end."""
    assert epoch.results is not None
    market = epoch.trading
    if isinstance(market, Pooling):
        return PlayedRound(market.declarations, epoch.results, tuple(epoch.said), ended_s, market.day_rounds)
    return PlayedRound(epoch.declarations, epoch.results, tuple(epoch.said), ended_s)


class Rounds:
    """The rounds of one day so far. Of those played only the one is kept that would be settled."""

    def __init__(self, public: PublicRules) -> None:
        self._rules = public.market
        self._rounds: list[CoupledRound] = []
        self._best: PlayedRound | None = None

    @property
    def number(self) -> int:
        """Of the round that is under way."""
        return len(self._rounds)

    def add(self, one: PlayedRound, reviews: Mapping[str, Review]) -> None:
        """A round is over, and everybody has reviewed it."""
        number = len(self._rounds)
        self._rounds.append(coupled_round(number, reviews, one.results))
        if round_to_settle(self._rounds) == number:
            self._best = one

    @property
    def over(self) -> bool:
        """Whether no round follows."""
        return bool(self._rounds) and is_last(self._rounds[-1].number, self._rules)

    @property
    def settled(self) -> PlayedRound:
        """The round that counts, once it is over."""
        assert self._best is not None
        return replace(self._best, rounds=self.day)

    @property
    def day(self) -> DayRounds:
        """All rounds, and which one counts."""
        return coupled_rounds(self._rounds, self._rounds[round_to_settle(self._rounds)])
