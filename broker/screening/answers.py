"""Screens answers in a market of consensus: the rules beyond their types that each must satisfy."""

from __future__ import annotations

from math import inf

import numpy as np

from broker.screening.audits import NUMBER_LIMIT
from broker.wire.messages import Answer, MarketMessage
from market.coordination.consensus import Judged, is_last
from market.errors import ProtocolError
from market.model.public import PublicRules

_POWER_LIMIT_MW = 1e9


def judged_of(answer: Answer) -> Judged:
    """What a VPP says of the round before its answer."""
    if answer.regret_cny is None or answer.saving_cny is None:
        return Judged(inf, -inf, answer.commits)
    return Judged(answer.regret_cny, answer.saving_cny, answer.commits)


class AnswerRules:
    """What a VPP may say once all have declared, where prices are agreed on: answers, and nothing else."""

    def __init__(self, public: PublicRules) -> None:
        self._periods = public.horizon.periods
        self._rules = public.market

    def sells(self, vpp: str) -> tuple[int, ...]:
        """Nobody offers in any period."""
        return ()

    def check(self, sender: str, message: MarketMessage) -> None:
        """ProtocolError for anything but an answer for all periods, in a round that may be, within reason."""
        if not isinstance(message, Answer):
            raise ProtocolError("out_of_turn", f"{sender} says {type(message).__name__} in a consensus")
        if message.round < 1 or (message.round > 1 and is_last(message.round - 2, self._rules)):
            raise ProtocolError("bad_content", f"{sender} answers in round {message.round}")
        periods = 0 if is_last(message.round - 1, self._rules) else self._periods
        power = message.net_in_mw
        if power.shape != (periods,) or (np.abs(power) > _POWER_LIMIT_MW).any():
            raise ProtocolError("bad_content", f"{sender}'s answer is not for {periods} periods, or beyond reason")
        self._judgement(sender, message)

    def _judgement(self, sender: str, message: Answer) -> None:
        regret, saving = message.regret_cny, message.saving_cny
        if (regret is None) is not (saving is None):
            raise ProtocolError("bad_content", f"{sender} has a day with its exchange, and has none")
        if regret is None or saving is None:
            if message.round == 1:
                raise ProtocolError("bad_content", f"{sender} has no day without trade")
        elif not 0.0 <= regret <= NUMBER_LIMIT or abs(saving) > NUMBER_LIMIT:
            raise ProtocolError("bad_content", f"{sender} regrets {regret:g} CNY and saves {saving:g} CNY")
