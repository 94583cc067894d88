"""One VPP where prices are agreed on: it answers each round's prices, and says what it makes of the round before.

Everybody works out prices and balanced exchanges from everybody's answers: nobody's word is taken for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import numpy as np

from broker.screening.answers import judged_of
from broker.wire.messages import Answer, Offer, Seen
from market.coordination.consensus import (
    Participant,
    Standing,
    after,
    answer_of,
    is_last,
    judged_by,
    opening,
    scale_of,
)
from market.errors import ProtocolError
from market.model.arrays import frozen
from market.model.declaration import Declaration
from market.model.public import PublicRules


class Answerer:
    """The answers of one VPP in one epoch."""

    def __init__(
        self, declarations: Sequence[Declaration], own: str, public: PublicRules, participant: Participant
    ) -> None:
        self.roster = tuple(declaration.vpp for declaration in declarations)
        self._own = own
        self._public = public
        self._participant = participant
        scale = scale_of(declarations, public.tariff)
        self._standings = [opening(len(self.roster), scale, public.tariff, public.horizon)]
        self._answers: dict[int, dict[str, Answer]] = {}

    def open(self) -> tuple[Answer, ...]:
        """The first answer, to the prices that all begin with; who is alone has nobody to trade with."""
        return () if len(self.roster) == 1 else (self._next(),)

    def take(self, sender: str, answer: Offer | Answer) -> None:
        """Another one's answer, of this round or, where the network has overtaken itself, of the next.

        ProtocolError `bad_content` if it is of another, or not for all periods.
        """
        if isinstance(answer, Offer):
            raise ProtocolError("out_of_turn", f"{sender} offers where prices are agreed on")
        if sender not in self.roster:
            raise ProtocolError("not_a_member", f"{sender!r:.40} is not on the roster")
        now = len(self._standings)
        periods = 0 if is_last(answer.round - 1, self._public.market) else self._public.horizon.periods
        if not now <= answer.round <= now + 1 or answer.net_in_mw.shape != (periods,):
            raise ProtocolError("bad_content", f"{sender}'s answer {answer.round} came in round {now}")
        self._answers.setdefault(answer.round, {}).setdefault(sender, answer)

    def answer(self) -> tuple[Answer, ...]:
        """The next answer, once all have answered in this round and another is asked for."""
        said: list[Answer] = []
        while not is_last(len(self._standings) - 1, self._public.market):
            answers = self._answers.get(len(self._standings), {})
            if len(answers) < len(self.roster):
                break
            del self._answers[len(self._standings)]
            own = [answers[vpp] for vpp in self.roster]
            powers, judged = np.array([each.net_in_mw for each in own]), [judged_of(each) for each in own]
            self._standings.append(after(self._standings[-1], powers, judged))
            said.append(self._next())
        return tuple(said)

    def _next(self) -> Answer:
        """What we make of the standing, and our answer to it unless it is the last."""
        now, k = self._standings[-1], self.roster.index(self._own)
        hours = self._public.horizon.period_h
        judged = judged_by(self._participant, now, k, hours)
        told = (judged.regret_cny, judged.saving_cny) if isfinite(judged.regret_cny) else (None, None)
        last = is_last(now.number, self._public.market)
        power = frozen(np.zeros(0)) if last else answer_of(self._participant, now, k)
        answer = Answer(now.number + 1, power, told[0], told[1], judged.commits)
        self._answers.setdefault(answer.round, {})[self._own] = answer
        return answer

    def seen(self) -> tuple[Seen, ...]:
        """The newest round of others that we have used, and our own newest answer."""
        used = len(self._standings) - 1
        rounds = ((vpp, used + 1 if vpp == self._own else used) for vpp in self.roster)
        return tuple(Seen(vpp, number) for vpp, number in rounds if number)

    @property
    def pending(self) -> tuple[int, ...]:
        """Nothing is to be done before others have answered."""
        return ()

    def standing(self, number: int) -> Standing | None:
        """What all had agreed on by that round; None if it is not known here."""
        return self._standings[number] if number < len(self._standings) else None
