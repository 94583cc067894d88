"""Owns the end of an epoch: what was concluded is told, each member settles, its audit is collected.

Knows nothing of how the market was carried on, of routes or of time.
"""

from __future__ import annotations

from collections.abc import Sequence

from broker.actions import Action, Announce, Send, Write
from broker.audit_screening import screen_audit
from broker.tape import AuditGiven, Ended, MessageSaid, OrderGiven
from broker.wire.frames import Envelope
from broker.wire.messages import BROKER, Audit, Concluded, Settle
from market.errors import ProtocolError
from market.outcome import PeriodResult, worst
from market.scenario.model import PublicRules
from market.settlement import direct_exchange


class Settling:
    """The settlement of one epoch. `first_turn`: the number of the first member's order; the others' follow."""

    def __init__(
        self,
        epoch: int,
        roster: Sequence[str],
        results: Sequence[PeriodResult],
        public: PublicRules,
        first_turn: int,
    ) -> None:
        self.audits: dict[str, Audit] = {}
        self._epoch = epoch
        self._results = tuple(results)
        self._orders = {
            vpp: Settle(number, direct_exchange(vpp, results, public))
            for number, vpp in enumerate(roster, start=first_turn)
        }

    def begin(self, time_s: float) -> list[Action]:
        """Announce the verdicts, and tell each member the trade that was concluded for it."""
        concluded = Concluded(tuple(result.verdict for result in self._results))
        actions: list[Action] = [
            Write(MessageSaid(time_s, self._epoch, BROKER, 1, concluded)),
            Announce(Envelope(self._epoch, BROKER, 1, concluded)),
        ]
        for vpp, order in self._orders.items():
            actions += [Write(OrderGiven(order.turn, time_s, vpp, order)), Send(vpp, order)]
        return actions

    def again(self, vpp: str) -> list[Action]:
        """The order of a member that has come back, unless its audit is here already."""
        return [Send(vpp, self._orders[vpp])] if vpp in self.missing() else []

    def take(self, vpp: str, audit: Audit) -> None:
        """A member's audit; ProtocolError if it is not the one that is waited for, or its plans are no plans."""
        if vpp in self.audits or vpp not in self._orders or self._orders[vpp].turn != audit.turn:
            raise ProtocolError("out_of_turn", f"an audit of {vpp} that nobody waits for")
        screen_audit(vpp, audit, len(self._results))
        self.audits[vpp] = audit

    def missing(self) -> tuple[str, ...]:
        """Whose audit is waited for."""
        return tuple(vpp for vpp in self._orders if vpp not in self.audits)

    def end(self) -> list[Action]:
        """What goes on the tape once every audit is here."""
        verdict = worst([result.verdict for result in self._results])
        shown = [(vpp, self.audits[vpp]) for vpp in self._orders]
        return [*(Write(AuditGiven(vpp, a.before, a.after)) for vpp, a in shown), Write(Ended(verdict))]
