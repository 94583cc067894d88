"""Replays what a plant decides: its declaration, and the plans that it discloses in the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from broker.wire.messages import Trade
from market.coordination.consensus import Participant
from market.day_certificate.market_end import MarketEnd
from market.errors import DispatchError, StrategyError
from market.model.declaration import Declaration
from market.model.disclosure import ShownPlan, disclosure_of, shown
from market.model.plan import DirectExchange, DispatchPlan
from market.model.public import PublicRules
from market.model.reality import Reality
from market.model.vpp import Vpp
from market.settlement.regret_bounds import RegretBounds
from vpp_nodes.dispatch.participant import participant
from vpp_nodes.payment import paid_cny
from vpp_nodes.plan_rounds import PlanRounds, ReviewedRound, RoundEnd
from vpp_nodes.plant import OwnPlant
from vpp_nodes.strategies.behaviour import behaviour_of, usual_behaviour

_Answer = TypeVar("_Answer")


class PlantReplay:
    """One plant that is known here. What cannot be planned here gives None, which nothing on a tape is.

    behaviour : how it prices and chooses, by the market's rules where its own strategy is not here
    missing : the strategy that is not here and why, empty where there is none or it is
    """

    def __init__(self, vpp: Vpp, public: PublicRules) -> None:
        self.missing = ""
        try:
            self.behaviour = behaviour_of(vpp, public.market)
        except StrategyError as error:
            self.behaviour, self.missing = usual_behaviour(public.market), f"strategies that are not here: {error}"
        self._vpp = vpp
        self._public = public
        self._plant = OwnPlant(vpp, public, self.behaviour)
        self._rounds = PlanRounds(self._plant.plan, self._plant.with_option, public.horizon.period_h)
        self._astray = False

    def declaration(self, round: int) -> Declaration | None:
        """What it makes public of its day in a round."""
        return self._unless_astray(lambda: self._plant.declared(self._rounds.begin(round)))

    def review(self, end: RoundEnd) -> ReviewedRound | None:
        """What it makes of a round."""
        return self._unless_astray(lambda: self._rounds.review(end))

    def participant(self, participants: int) -> Participant:
        """The plant where prices are agreed on."""
        return participant(self._vpp, self._public, participants)

    def before(self) -> DispatchPlan | None:
        """Its day without trade; planned once, since it does not depend on who takes part."""
        return self._unless_astray(self._rounds.before)

    def after(self, direct: DirectExchange) -> DispatchPlan | None:
        """Its day with a trade fixed."""
        return self._unless_astray(lambda: self._plant.plan(direct))

    def regret(self, end: MarketEnd, after: DispatchPlan, trades: Sequence[Trade]) -> RegretBounds | None:
        """What another day could have gained, with what it then has and pays."""
        paid = paid_cny(trades, self._public.horizon.period_h)
        return self._unless_astray(lambda: self._plant.regret(end, after.objective_cny + paid))

    def reality(self, after: DispatchPlan) -> Reality | None:
        """What becomes in reality of its day, without trade and with it."""
        return self._unless_astray(lambda: self._plant.reality(self._rounds.before(), after))

    def planned(self, round: int) -> DispatchPlan | None:
        """What it declared by in a round that is settled, where that is not the plan without trade."""
        known = self._rounds.reviewed.get(round)
        return known.planned if known and round else None

    def _unless_astray(self, plan: Callable[[], _Answer]) -> _Answer | None:
        """An answer of the plant's; none once something could not be planned: all goes on from there."""
        if self._astray:
            return None
        try:
            return plan()
        except DispatchError:
            self._astray = True
            return None


def as_shown(plan: DispatchPlan | None, recorded: ShownPlan) -> ShownPlan:
    """As much of a plan as was shown of the recorded one."""
    return shown(plan, disclosure_of(recorded))
