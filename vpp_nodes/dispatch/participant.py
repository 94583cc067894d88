"""One VPP as a participant in consensus: its dispatch behind three callables."""

from __future__ import annotations

from functools import cache, partial
from math import inf

from market.coordination.consensus import Participant, Scale
from market.errors import DispatchError
from market.model.arrays import Array
from market.model.public import PublicRules
from market.model.vpp import Vpp
from vpp_nodes.dispatch.day import checked_day
from vpp_nodes.dispatch.open_day import OpenProgram, direct_of, least_at, movable_mw
from vpp_nodes.dispatch.proximal import ProximalQuestion, proximal_answer
from vpp_nodes.dispatch.solve import dispatch


def participant(vpp: Vpp, public: PublicRules, participants: int) -> Participant:
    """`vpp` in consensus with so many participants.

    Where it has no limit of direct exchange, so many times all that it can make or use itself stand in for one:
    that takes nobody else's plant.
    """
    most_mw = movable_mw([vpp], public.horizon.periods) * participants
    alone_cny: list[float] = []
    opened = cache(partial(OpenProgram, vpp, public, most_mw, most_mw))  # once there is a question

    def answer(price: Array, anchor: Array, scale: Scale) -> Array:
        return proximal_answer(opened(), ProximalQuestion(price, anchor, scale.step, scale.reach_mw))

    def cost_cny(net_in_mw: Array) -> float:
        if not net_in_mw.any():
            if not alone_cny:  # without trade there must be a day
                alone_cny.append(dispatch(vpp, public, None).objective_cny)
            return alone_cny[0]
        try:
            return dispatch(vpp, public, direct_of(checked_day(vpp, public, None), net_in_mw)).objective_cny
        except DispatchError:
            return inf

    def least_cny(price: Array) -> float:
        return least_at(opened(), price)

    return Participant(vpp.id, answer, cost_cny, least_cny)
