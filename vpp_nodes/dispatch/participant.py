"""One VPP as a participant in consensus: its dispatch behind three callables."""

from __future__ import annotations

from functools import cached_property
from math import inf, isinf
from typing import Final

import numpy as np

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

_MOST_DOUBLINGS: Final = 40  # twice as far forty times is further than any power there is
_LEAST_MW: Final = 1e-3  # of a VPP that can make and use nothing itself


def participant(vpp: Vpp, public: PublicRules, participants: int) -> Participant:
    """`vpp` in consensus with so many participants.

    Where it has no limit of direct exchange, so many times all that it can make or use itself stand in for one,
    which takes nobody else's plant; doubled until it is at least twice as far as where the search stands.
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
        self._programs: dict[int, OpenProgram] = {}
        self.commits = bool(commitment_binaries(vpp))

    def _opened(self, net_in_mw: Array) -> OpenProgram:
        """Its program around an exchange, shape (periods,): the stand-in is no part of what is asked of it."""
        limits = self._vpp.exchange
        open_in, open_out = (isinf(limit) for limit in (limits.direct_in_max_mw, limits.direct_out_max_mw))
        wanted_mw = 2.0 * np.maximum(net_in_mw * open_in, -net_in_mw * open_out)
        doublings = 0
        while (wanted_mw > self._stand_in_mw(doublings)).any() and doublings < _MOST_DOUBLINGS:
            doublings += 1
        if doublings not in self._programs:
            stand_in_mw = self._stand_in_mw(doublings)
            most_in_mw, most_out_mw = (stand_in_mw if is_open else inf for is_open in (open_in, open_out))
            self._programs[doublings] = OpenProgram(self._vpp, self._public, most_in_mw, most_out_mw)
        return self._programs[doublings]

    @cached_property
    def _own_mw(self) -> Array:
        """All that it can make or use itself, shape (periods,)."""
        return movable_mw([self._vpp], self._public.horizon.periods)

    def _stand_in_mw(self, doublings: int) -> Array:
        """What stands in for an infinite limit, MW, shape (periods,); where nothing can be moved it grows, too."""
        own_mw, times = self._own_mw, 2.0**doublings
        stand_in: Array = own_mw * (self._participants * times) + max(own_mw.max(), _LEAST_MW) * (times - 1.0)
        return stand_in

    @cached_property
    def _alone_cny(self) -> float:
        """Without trade there must be a day."""
        return dispatch(self._vpp, self._public, None).objective_cny

    def _commitments(self, choice: OwnChoice | None) -> dict[int, float]:
        if choice is None or not self.commits:
            return {}
        key = tuple(each.tobytes() for each in (choice.price_cny_per_mwh, choice.anchor_mw, choice.step))
        if key not in self._committed:
            self._committed[key] = committed_at(self._opened(choice.anchor_mw), choice)
        return self._committed[key]

    def answer(self, price: Array, anchor: Array, scale: Scale, choice: OwnChoice | None) -> Array:
        """z_k."""
        question = ProximalQuestion(price, anchor, scale.step, scale.reach_mw)
        return proximal_answer(self._opened(anchor), question, self._commitments(choice))

    def cost_cny(self, net_in_mw: Array, choice: OwnChoice | None) -> float:
        """F_k(z), or what it costs with commitments."""
        if not net_in_mw.any():
            return self._alone_cny
        if committed := self._commitments(choice):
            cost = cost_committed(self._opened(net_in_mw), net_in_mw, committed)
            if cost < inf:
                return cost
        try:
            direct = direct_of(self._opened(net_in_mw).day, net_in_mw)
            return dispatch(self._vpp, self._public, direct).objective_cny
        except DispatchError:
            return inf

    def least_cny(self, price: Array, proof: bool, net_in_mw: Array) -> float:
        """The least that any day costs at these prices, up to twice as far as this exchange at least."""
        opened = self._opened(net_in_mw)
        return least_at(opened, price) if proof or not self.commits else relaxed_at(opened, price)
