"""The end of a day: tells each member the trade that was concluded for it, and collects its audit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import fsum

from broker.protocol.actions import Action, Write
from broker.protocol.asking import Asking
from broker.protocol.conclusion import trades_of
from broker.screening.audits import screen_audit
from broker.tape import AuditGiven, Ended
from broker.wire.messages import Audit, Settle
from market.game.result import PeriodResult, worst
from market.model.disclosure import Disclosure, disclosure_of, shown
from market.model.public import PublicRules
from market.settlement.rounds import DayRounds
from market.settlement.settlement import direct_exchange, transfer_cny


class Settling(Asking[Settle, Audit]):
    """The settlement of a day. `first_turn`: the number of the first member's order; the others' follow.

    rounds : where the day took several, which they were, and which one counts
    """

    def __init__(
        self,
        roster: Sequence[str],
        results: Sequence[PeriodResult],
        public: PublicRules,
        first_turn: int,
        audit: Disclosure,
        rounds: DayRounds | None = None,
    ) -> None:
        self.round = rounds.settled if rounds else 0
        agreed = rounds.regret_cny if rounds and rounds.agreed else {}
        super().__init__(
            {
                vpp: Settle(
                    number,
                    direct_exchange(vpp, results, public),
                    audit,
                    tuple(trades_of(vpp, results)),
                    agreed[vpp] if vpp in agreed else fsum(_regrets_cny(vpp, results)),
                    self.round,
                    transfer_cny(vpp, results),
                )
                for number, vpp in enumerate(roster, start=first_turn)
            }
        )
        self._results = tuple(results)
        self._certified = public.market.day_certificate
        self._realised = public.imbalance is not None

    def take(self, vpp: str, audit: Audit) -> bool:
        """A member's audit; False if it is here already.

        What it shows beyond what was asked for is not kept. ProtocolError if it is not the one that is waited for,
        or its plans are no plans.
        """
        order = self._expected(vpp, audit.turn)
        if order is None:
            return False
        screen_audit(vpp, audit, len(self._results), certified=self._certified, realised=self._realised)
        before, after = shown(audit.before, order.audit), shown(audit.after, order.audit)
        planned = audit.planned if disclosure_of(before) is Disclosure.FULL else None
        reality = audit.reality.shown(order.audit) if audit.reality else None
        self.answers[vpp] = replace(audit, before=before, after=after, planned=planned, reality=reality)
        return True

    def end(self) -> list[Action]:
        """What goes on the tape once every audit is here."""
        verdict = worst([result.verdict for result in self._results])
        audits = [(vpp, self.answers[vpp]) for vpp in self._orders]
        shown_plans = [
            Write(AuditGiven(vpp, a.before, a.after, a.planned, a.regret, a.reality)) for vpp, a in audits
        ]
        return [*shown_plans, Write(Ended(verdict))]


def _regrets_cny(vpp: str, results: Sequence[PeriodResult]) -> Iterator[float]:
    """What a VPP could still have gained by moving alone, in each period that has a certificate."""
    for result in results:
        if result.certificate is None:
            continue
        if vpp in result.game.sellers:
            yield float(result.certificate.seller_regret_cny[result.game.sellers.index(vpp)])
        if vpp in result.game.buyers:
            yield float(result.certificate.buyer_gain_cny[result.game.buyers.index(vpp)])
