"""A node with a real plant: it plans with OR-Tools and declares what comes out."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from market.coordination.coupling import OpenTrade
from market.day_certificate.market_end import MarketEnd
from market.model.declaration import Declaration
from market.model.plan import DirectExchange, DispatchPlan
from market.model.public import PublicRules
from market.model.reality import Reality
from market.model.rules import Coupling, Mechanism
from market.model.vpp import Vpp
from market.settlement.regret_bounds import RegretBounds
from vpp_nodes.dispatch import dispatch
from vpp_nodes.dispatch.open_day import OpenPlan, dispatch_with_option, option_of
from vpp_nodes.dispatch.participant import participant
from vpp_nodes.dispatch.realised import reality_of
from vpp_nodes.dispatch.regret import day_regret
from vpp_nodes.node import Node
from vpp_nodes.shared_work import SharedWork
from vpp_nodes.strategies.behaviour import Behaviour, behaviour_of


class OwnPlant:
    """What a plant is asked for in the course of a day. `behaviour`: its own where nothing else is said."""

    def __init__(self, vpp: Vpp, public: PublicRules, behaviour: Behaviour | None = None) -> None:
        self._vpp = vpp
        self._public = public
        self.behaviour = behaviour or behaviour_of(vpp, public.market)
        self._alone: DispatchPlan | None = None

    def plan(self, direct: DirectExchange | None) -> DispatchPlan:
        """The cheapest day with a trade fixed, or none; without any it is planned once."""
        if direct is not None:
            return dispatch(self._vpp, self._public, direct)
        if self._alone is None:
            self._alone = dispatch(self._vpp, self._public, None)
        return self._alone

    def declared(self, plan: DispatchPlan) -> Declaration:
        """A plan made public; a buyer's satisfaction is that of the plan without trade, whatever is declared."""
        value = self.plan(None).marginal_value_cny_per_mwh
        return self.behaviour.declared(self._vpp, plan, self._public, value)

    def with_option(self, left_open: OpenTrade) -> OpenPlan:
        """The cheapest day with what a game has left open as an option."""
        return dispatch_with_option(self._vpp, self._public, option_of(left_open))

    def reality(self, before: DispatchPlan, after: DispatchPlan) -> Reality:
        """What becomes in reality of its plans without trade and with it."""
        return reality_of(self._vpp, self._public, before, after)

    def regret(self, end: MarketEnd, cost_cny: float) -> RegretBounds:
        """What another day could have gained (M6), the others' final messages given."""
        return day_regret(self._vpp, self._public, end, cost_cny)


def plant_node(vpp: Vpp, public: PublicRules, work: SharedWork | None = None) -> Node:
    """The behaviour of one VPP with its own plant. work : what it shares with other nodes of its process"""
    plant = OwnPlant(vpp, public)
    behaviour = plant.behaviour
    if work is not None and vpp.strategy is None:
        behaviour = replace(behaviour, pricer=work.pricer(public.market))
    replan = plant.with_option if public.market.coupling is Coupling.ITERATE else None
    joins = partial(participant, vpp, public) if public.market.mechanism is Mechanism.CONSENSUS else None
    return Node(
        vpp.id,
        public,
        plant.plan,
        plant.declared,
        replan,
        joins,
        plant.regret,
        behaviour,
        plant.reality,
        work,
    )
