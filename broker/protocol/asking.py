"""One order to each member, and one answer from each: said again until it is there, taken once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

from broker.protocol.actions import Action, Send, Write
from broker.tape import OrderGiven
from broker.wire.messages import Audit, Reviewed, RoundOver, Settle
from market.errors import ProtocolError

_Order = TypeVar("_Order", RoundOver, Settle)
_Answer = TypeVar("_Answer", Reviewed, Audit)


class Asking(Generic[_Order, _Answer]):
    """Orders to the members of an epoch, by member, and the answers that have come."""

    def __init__(self, orders: Mapping[str, _Order]) -> None:
        self.answers: dict[str, _Answer] = {}
        self._orders: dict[str, _Order] = dict(orders)

    def begin(self, time_s: float) -> list[Action]:
        """Give each member its order."""
        actions: list[Action] = []
        for vpp, order in self._orders.items():
            actions += [Write(OrderGiven(order.turn, time_s, vpp, order)), Send(vpp, order)]
        return actions

    def again(self) -> list[Action]:
        """The orders whose answers are waited for, once more."""
        return [Send(vpp, self._orders[vpp]) for vpp in self.missing()]

    @property
    def complete(self) -> bool:
        """Whether every answer is here."""
        return len(self.answers) == len(self._orders)

    def missing(self) -> tuple[str, ...]:
        """Whose answer is waited for."""
        return tuple(vpp for vpp in self._orders if vpp not in self.answers)

    def _expected(self, vpp: str, turn: int) -> _Order | None:
        """The order that an answer belongs to; None if it is here already.

        ProtocolError if nobody waits for it.
        """
        order = self._orders.get(vpp)
        if order is None or order.turn != turn:
            raise ProtocolError("out_of_turn", f"an answer of {vpp} that nobody waits for")
        return None if vpp in self.answers else order
