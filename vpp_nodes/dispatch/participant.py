"""One VPP as a participant in consensus: its dispatch behind three callables."""

from __future__ import annotations

from functools import cached_property
from math import inf, isfinite

from market.coordination.consensus import OwnChoice, Participant, Scale
from market.errors import DispatchError
from market.model.arrays import Array
from market.model.public import PublicRules
from market.model.vpp import Vpp
from vpp_nodes.dispatch.committed import committed_at, cost_committed, relaxed_at
from vpp_nodes.dispatch.open_day import OpenProgram, direct_of, least_at, movable_mw
from vpp_nodes.dispatch.proximal import ProximalQuestion, proximal_answer
from vpp_nodes.dispatch.solve import dispatch
from vpp_nodes.dispatch.variables import commitment_binaries


def participant(vpp: Vpp, public: PublicRules, participants: int) -> Participant:
    """`vpp` in consensus with so many participants.

    Where it has no limit of direct exchange, so many times all that it can make or use itself stand in for one:
    that takes nobody else's plant. (M7) is then a bound of exchanges within that.
    """
    own = _Participation(vpp, public, participants)
    return Participant(vpp.id, own.answer, own.cost_cny, own.least_cny, own.commits)


class _Participation:
    """What a VPP remembers while prices are agreed on: its program, its cost without trade, its commitments."""

    def __init__(self, vpp: Vpp, public: PublicRules, participants: int) -> None:
        self._vpp = vpp
        self._public = public
        self._participants = participants
        self._committed: dict[tuple[bytes, ...], dict[int, float]] = {}
        self.commits = bool(commitment_binaries(vpp))

    @cached_property
    def _opened(self) -> OpenProgram:
        stand_in_mw = movable_mw([self._vpp], self._public.horizon.periods) * self._participants
        limits = (self._vpp.exchange.most_in_mw, self._vpp.exchange.most_out_mw)
        most_in_mw, most_out_mw = (inf if isfinite(limit) else stand_in_mw for limit in limits)
        return OpenProgram(self._vpp, self._public, most_in_mw, most_out_mw)

    @cached_property
    def _alone_cny(self) -> float:
        """Without trade there must be a day."""
        return dispatch(self._vpp, self._public, None).objective_cny

    def _commitments(self, choice: OwnChoice | None) -> dict[int, float]:
        if choice is None or not self.commits:
            return {}
        key = tuple(each.tobytes() for each in (choice.price_cny_per_mwh, choice.anchor_mw, choice.step))
        if key not in self._committed:
            self._committed[key] = committed_at(self._opened, choice)
        return self._committed[key]

    def answer(self, price: Array, anchor: Array, scale: Scale, choice: OwnChoice | None) -> Array:
        """z_k."""
        question = ProximalQuestion(price, anchor, scale.step, scale.reach_mw)
        return proximal_answer(self._opened, question, self._commitments(choice))

    def cost_cny(self, net_in_mw: Array, choice: OwnChoice | None) -> float:
        """F_k(z), or what it costs with commitments."""
        if not net_in_mw.any():
            return self._alone_cny
        if committed := self._commitments(choice):
            cost = cost_committed(self._opened, net_in_mw, committed)
            if cost < inf:
                return cost
        try:
            return dispatch(self._vpp, self._public, direct_of(self._opened.day, net_in_mw)).objective_cny
        except DispatchError:
            return inf

    def least_cny(self, price: Array, proof: bool) -> float:
        """The least that any day costs at these prices."""
        return least_at(self._opened, price) if proof or not self.commits else relaxed_at(self._opened, price)
