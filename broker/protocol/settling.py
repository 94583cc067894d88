"""The end of an epoch: announces the trades that were concluded, has each member settle, collects its audit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import fsum

from broker.protocol.actions import Action, Announce, Send, Write
from broker.screening.audits import screen_audit
from broker.tape import AuditGiven, Ended, MessageSaid, OrderGiven
from broker.wire.frames import Envelope
from broker.wire.messages import BROKER, Audit, Concluded, Settle, Trade
from market.errors import ProtocolError
from market.game.result import PeriodResult, worst
from market.model.disclosure import Disclosure, shown
from market.model.public import PublicRules
from market.settlement.settlement import direct_exchange, settled_mw


class Settling:
    """The settlement of one epoch. `first_turn`: the number of the first member's order; the others' follow."""

    def __init__(
        self,
        epoch: int,
        roster: Sequence[str],
        results: Sequence[PeriodResult],
        public: PublicRules,
        first_turn: int,
        audit: Disclosure,
    ) -> None:
        self.audits: dict[str, Audit] = {}
        self._epoch = epoch
        self._results = tuple(results)
        self._orders = {
            vpp: Settle(
                number,
                direct_exchange(vpp, results, public),
                audit,
                tuple(_trades(vpp, results)),
                fsum(_regrets_cny(vpp, results)),
            )
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

    def again(self) -> list[Action]:
        """The orders whose audits are waited for, once more."""
        return [Send(vpp, self._orders[vpp]) for vpp in self.missing()]

    def take(self, vpp: str, audit: Audit) -> bool:
        """A member's audit; False if it is here already.

        What it shows beyond what was asked for is not kept. ProtocolError if it is not the one that is waited for,
        or its plans are no plans.
        """
        order = self._orders.get(vpp)
        if order is None or order.turn != audit.turn:
            raise ProtocolError("out_of_turn", f"an audit of {vpp} that nobody waits for")
        if vpp in self.audits:
            return False
        screen_audit(vpp, audit, len(self._results))
        before, after = shown(audit.before, order.audit), shown(audit.after, order.audit)
        self.audits[vpp] = replace(audit, before=before, after=after)
        return True

    def missing(self) -> tuple[str, ...]:
        """Whose audit is waited for."""
        return tuple(vpp for vpp in self._orders if vpp not in self.audits)

    def end(self) -> list[Action]:
        """What goes on the tape once every audit is here."""
        verdict = worst([result.verdict for result in self._results])
        audits = [(vpp, self.audits[vpp]) for vpp in self._orders]
        return [*(Write(AuditGiven(vpp, a.before, a.after)) for vpp, a in audits), Write(Ended(verdict))]


def _trades(vpp: str, results: Sequence[PeriodResult]) -> Iterator[Trade]:
    """What a VPP has bought (+) and sold (−), by period and counterpart."""
    for result in results:
        game, delivered_mw, prices = result.game, settled_mw(result), result.price_cny_per_mwh.tolist()
        if vpp in game.buyers:
            bought = zip(game.sellers, delivered_mw[game.buyers.index(vpp)].tolist(), prices, strict=True)
            yield from (Trade(game.period, other, mw, price) for other, mw, price in bought if mw > 0)
        if vpp in game.sellers:
            index = game.sellers.index(vpp)
            sold = zip(game.buyers, delivered_mw[:, index].tolist(), strict=True)
            yield from (Trade(game.period, other, -mw, prices[index]) for other, mw in sold if mw > 0)


def _regrets_cny(vpp: str, results: Sequence[PeriodResult]) -> Iterator[float]:
    """What a VPP could still have gained by moving alone, in each period that has a certificate."""
    for result in results:
        if result.certificate is None:
            continue
        if vpp in result.game.sellers:
            yield float(result.certificate.seller_regret_cny[result.game.sellers.index(vpp)])
        if vpp in result.game.buyers:
            yield float(result.certificate.buyer_gain_cny[result.game.buyers.index(vpp)])
