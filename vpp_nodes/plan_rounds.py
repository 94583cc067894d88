"""A VPP's plans through the rounds of a day (`coupling: iterate`): what it declares by, what it makes of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import TypeAlias

from broker.wire.messages import Trade
from market.coordination.coupling import OpenTrade, moved_towards, reviewed, share_after
from market.errors import DispatchError, ProtocolError
from market.model.plan import DirectExchange, DispatchPlan
from vpp_nodes.dispatch.open_day import OpenPlan
from vpp_nodes.payment import paid_cny

Planner: TypeAlias = Callable[[DirectExchange | None], DispatchPlan]
Replanner: TypeAlias = Callable[[OpenTrade], OpenPlan]


@dataclass(frozen=True, slots=True)
class RoundEnd:
    """What a round came to for a VPP, as it is told."""

    round: int
    direct: DirectExchange
    trades: tuple[Trade, ...]
    left_open: OpenTrade


@dataclass(frozen=True, slots=True)
class ReviewedRound:
    """A round that is over. planned : the plan declared by · after : with what was traded, None without such a day

    regret_cny : None likewise
    """

    end: RoundEnd
    planned: DispatchPlan
    after: DispatchPlan | None
    regret_cny: float | None
    no_loss: bool


class PlanRounds:
    """The plans of one day. `replan`: the best plan with the market as an option, None for a day of one round."""

    def __init__(self, plan: Planner, replan: Replanner | None, period_h: float) -> None:
        self.reviewed: dict[int, ReviewedRound] = {}
        self._plan = plan
        self._replan = replan
        self._period_h = period_h
        self._before: DispatchPlan | None = None
        self._planned: DispatchPlan | None = None
        self._under_way = -1  # the round that has begun and is not over

    def before(self) -> DispatchPlan:
        """The day without trade; planned once, since it does not depend on who takes part."""
        if self._before is None:
            self._before = self._plan(None)
        return self._before

    def begin(self, number: int) -> DispatchPlan:
        """The plan to declare by in a round. ProtocolError where the round before it is not known here."""
        if number != len(self.reviewed) and number > 0:
            raise ProtocolError("out_of_turn", f"round {number} begins after {len(self.reviewed)}")
        if number == 0:
            self.reviewed, self._planned = {}, self.before()
        assert self._planned is not None
        self._under_way = number
        return self._planned

    def review(self, end: RoundEnd) -> ReviewedRound:
        """What a round comes to; the plan for the next one moves towards the best with the market as an option.

        ProtocolError where it is not the one under way.
        """
        if self._replan is None or self._planned is None or end.round != self._under_way:
            raise ProtocolError("out_of_turn", f"round {end.round} is over, which is not under way")
        better, planned = self._replan(end.left_open), self._planned
        after = self._with_trade(end.direct)
        paid = paid_cny(end.trades, self._period_h)
        review = reviewed(self.before(), after, paid, better.cost_cny)
        regret = review.regret_cny if isfinite(review.regret_cny) else None
        self._under_way = -1
        self.reviewed[end.round] = ReviewedRound(end, planned, after, regret, review.no_loss)
        self._planned = moved_towards(planned, better.plan, share_after(end.round))
        return self.reviewed[end.round]

    def _with_trade(self, direct: DirectExchange) -> DispatchPlan | None:
        """The day with what was traded; None where there is none: what was declared was an average."""
        try:
            return self._plan(direct)
        except DispatchError:
            return None
