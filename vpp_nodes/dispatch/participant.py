"""One VPP as a participant in consensus: its dispatch behind three callables."""

from __future__ import annotations

from math import inf

from market.coordination.consensus import Participant, Scale
from market.errors import DispatchError
from market.model.arrays import Array
from market.model.public import PublicRules
from market.model.vpp import Vpp
from vpp_nodes.dispatch.day import checked_day
from vpp_nodes.dispatch.open_day import ExchangeOption, direct_of, dispatch_with_option
from vpp_nodes.dispatch.proximal import ProximalQuestion, proximal_answer
from vpp_nodes.dispatch.solve import dispatch


def participant(vpp: Vpp, public: PublicRules, most_mw: Array) -> Participant:
    """`vpp` in consensus; `most_mw` stands in for limits of exchange that are infinite, shape (periods,)."""

    def answer(price: Array, anchor: Array, scale: Scale) -> Array:
        question = ProximalQuestion(price, anchor, scale.step, scale.typical_mw, most_mw, most_mw)
        return proximal_answer(vpp, public, question)

    def cost_cny(net_in_mw: Array) -> float:
        direct = direct_of(checked_day(vpp, public, None), net_in_mw)
        try:
            return dispatch(vpp, public, direct).objective_cny
        except DispatchError:
            if not net_in_mw.any():
                raise  # without trade there must be a day
            return inf

    def least_cny(price: Array) -> float:
        return dispatch_with_option(vpp, public, ExchangeOption(most_mw, most_mw, price)).bound_cny

    return Participant(vpp.id, answer, cost_cny, least_cny)
