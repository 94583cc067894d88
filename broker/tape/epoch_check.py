"""Checks the records of one epoch, by the rules by which a broker lets anything onto its tape."""

from __future__ import annotations

from collections.abc import Sequence

from broker.screening.audits import screen_audit
from broker.screening.messages import MarketParts, parts_of, screen, screen_exchange
from broker.screening.reviews import screen_review
from broker.screening.versions import Versions
from broker.tape.records import (
    AuditGiven,
    DoneSaid,
    EpochBegun,
    MessageSaid,
    OrderGiven,
    RoundReviewed,
    StepWanted,
    TurnGiven,
)
from broker.wire.limits import MOST_AHEAD
from broker.wire.messages import BROKER, Audit, Begin, Concluded, Declared, RoundOver, Settle, Trade
from market.errors import ProtocolError, TapeError
from market.model.declaration import Declaration
from market.model.disclosure import Disclosure, disclosure_of, least
from market.model.network import TimeMode
from market.model.plan import DirectExchange
from market.model.public import PublicScenario
from market.model.rules import Coupling, Mechanism


def check(holds: bool, otherwise: str) -> None:
    """TapeError if a rule does not hold."""
    if not holds:
        raise TapeError(otherwise)


class EpochCheck:
    """One epoch, record by record; each method raises TapeError where no run leaves such a record."""

    def __init__(self, shared: PublicScenario, audit: Disclosure, begun: EpochBegun) -> None:
        self._audit = audit
        self._public = shared.public
        self._periods = shared.public.horizon.periods
        self._live = shared.network.time is TimeMode.WALL
        self._number = begun.number
        self.roster = begun.roster
        self._said = dict.fromkeys(begun.roster, 0)
        self._confirmed = dict.fromkeys(begun.roster, 0)
        self._versions = Versions(begun.roster, of_declarations=shared.public.market.mechanism.clears)
        self._declarations: dict[str, Declaration] = {}
        self._parts: MarketParts | None = None
        self._coupling = shared.public.market.coupling
        self.round = begun.round
        self._begun: set[str] = set()
        self._over: set[str] = set()
        self._reviewed: list[str] = []
        self._concluded = False
        self._settled: set[str] = set()
        self._audited: list[str] = []

    # --- what the broker ordered ---

    def ordered(self, record: OrderGiven) -> None:
        """An order to one node."""
        order, vpp = record.order, record.receiver
        self._member(vpp, "an order to")
        check(order.turn == record.number, f"order {record.number} says that it is turn {order.turn}")
        if isinstance(order, Begin):
            self._begin(vpp, order)
        elif isinstance(order, RoundOver):
            self._round_over(vpp, order)
        else:
            self._settle(vpp, order)

    def _begin(self, vpp: str, order: Begin) -> None:
        check(vpp not in self._begun, f"{vpp} is told to begin twice")
        check(order.roster == self.roster, f"{vpp} is told of another roster than the epoch's")
        check(order.live == self._live, f"{vpp} is told to go by another clock than the scenario's")
        check(order.round == self.round, f"{vpp} is told of round {order.round} in round {self.round}")
        check(not any(self._said.values()), f"{vpp} is told to begin when others have spoken")
        self._begun.add(vpp)

    def _round_over(self, vpp: str, order: RoundOver) -> None:
        check(self._coupling is Coupling.ITERATE, f"{vpp} is to review a round of a day that has but one")
        check(self._concluded, f"{vpp} is to review a round before the market was concluded")
        check(vpp not in self._over, f"{vpp} is to review a round twice")
        check(order.round == self.round, f"{vpp} is to review round {order.round} in round {self.round}")
        left_open = order.left_open
        vectors = (left_open.most_in_mw, left_open.most_out_mw, left_open.price_cny_per_mwh)
        fits = all(vector.shape == (self._periods,) for vector in vectors)
        check(fits, f"{vpp} is told of an option that is not for {self._periods} periods")
        self._traded(vpp, order.direct, order.trades)
        self._over.add(vpp)

    def _settle(self, vpp: str, order: Settle) -> None:
        check(self._concluded, f"{vpp} is told to settle before the market was concluded")
        several = self._coupling is Coupling.ITERATE
        check(self.all_reviewed or not several, f"{vpp} is told to settle before all have reviewed the round")
        agreed = self._public.market.mechanism is Mechanism.CONSENSUS
        known = self._public.market.consensus_rounds if agreed else self.round if several else 0
        check(order.round <= known, f"{vpp} is told to settle round {order.round} of a day with {known + 1}")
        check(vpp not in self._settled, f"{vpp} is told to settle twice")
        check(order.audit is self._audit, f"{vpp} is asked to show another part of its day than the header says")
        self._traded(vpp, order.direct, order.trades)
        self._settled.add(vpp)

    def _traded(self, vpp: str, direct: DirectExchange, trades: Sequence[Trade]) -> None:
        try:
            screen_exchange(direct, self._periods)
        except ProtocolError as error:
            raise TapeError(f"{vpp} is told of {error}") from None
        for trade in trades:
            other, period = trade.counterpart, trade.period
            check(other in self._said and other != vpp, f"{vpp} trades with {other!r:.40}")
            check(period < self._periods, f"{vpp} trades in period {period + 1} of {self._periods}")

    # --- what was said ---

    def said(self, record: MessageSaid) -> None:
        """A message of a VPP's, or the broker's conclusion."""
        check(record.epoch == self._number, f"a message of epoch {record.epoch} in epoch {self._number}")
        check(not self._concluded, f"{record.sender!r:.40} speaks when the market was concluded")
        if isinstance(record.message, Concluded):
            self._conclude(record, record.message)
        else:
            self._speak(record)

    def _conclude(self, record: MessageSaid, message: Concluded) -> None:
        check((record.sender, record.seq) == (BROKER, 1), f"{record.sender!r:.40} concludes the market")
        check(self._parts is not None, "a market is concluded in which not everybody has declared")
        check(len(message.verdicts) == self._periods, f"verdicts that are not for {self._periods} periods")
        self._concluded = True

    def _speak(self, record: MessageSaid) -> None:
        sender, seq = record.sender, record.seq
        self._member(sender, "a message of")
        check(sender in self._begun, f"{sender} speaks before it was told to begin")
        check(seq == self._said[sender] + 1, f"message {seq} of {sender} after {self._said[sender]}")
        try:
            message = screen(sender, record.message, self._public, self._parts)
            self._versions.take(sender, message)
        except ProtocolError as error:
            raise TapeError(str(error)) from None
        check(isinstance(message, Declared) == (seq == 1), f"{sender} does not declare first, or twice")
        self._said[sender] = seq
        if isinstance(message, Declared):
            self._declare(sender, message.declaration)

    def _declare(self, vpp: str, declaration: Declaration) -> None:
        self._declarations[vpp] = declaration
        if len(self._declarations) == len(self.roster):
            self._parts = parts_of([self._declarations[vpp] for vpp in self.roster], self._public)

    # --- what reached whom ---

    def turn(self, record: TurnGiven) -> None:
        """In virtual time: what has reached a node."""
        vpp = record.receiver
        self._member(vpp, "a turn of")
        check(not self._live, f"a turn of {vpp} in real time")
        check(not self._concluded, f"a turn of {vpp} when the market was concluded")
        check(vpp in self._begun, f"a turn of {vpp} before it was told to begin")
        for ref in record.refs:
            known = 1 <= ref.seq <= self._said.get(ref.sender, 0)
            check(known, f"message {ref.seq} of {ref.sender!r:.40} reaches {vpp}, and was not said")

    def step_wanted(self, record: StepWanted) -> None:
        """In virtual time: a node that learns goes on by itself."""
        vpp = record.vpp
        self._member(vpp, "a step of")
        check(not self._live, f"a step that {vpp} wants in real time")
        check(self._public.market.learning_turns > 0, f"{vpp} wants a step in a market where nobody learns")
        check(not self._concluded, f"{vpp} wants a step when the market was concluded")
        sells: Sequence[int] = self._parts.sells(vpp) if self._parts else ()
        fits = len(record.periods) > 0 and set(record.periods).issubset(sells)
        check(fits, f"{vpp} wants another step where it does not sell")

    def done(self, record: DoneSaid) -> None:
        """In real time: what a node has confirmed."""
        vpp, done = record.vpp, record.done
        self._member(vpp, "a confirmation of")
        check(self._live, f"a confirmation of {vpp} in virtual time")
        check(not self._concluded, f"a confirmation of {vpp} when the market was concluded")
        confirmed = self._confirmed[vpp]
        check(done.turn == confirmed + 1, f"confirmation {done.turn} of {vpp} after {confirmed}")
        check(done.published_upto <= self._said[vpp] + MOST_AHEAD, f"{vpp} says it has said {done.published_upto}")
        sells: Sequence[int] = self._parts.sells(vpp) if self._parts else range(self._periods)
        check(set(done.pending).issubset(sells), f"{vpp} wants another step where it does not sell")
        try:
            self._versions.check_seen(vpp, done.seen)
        except ProtocolError as error:
            raise TapeError(str(error)) from None
        self._confirmed[vpp] = done.turn

    # --- the end of a round ---

    def reviewed(self, record: RoundReviewed) -> None:
        """What a VPP makes of the round."""
        vpp = record.vpp
        self._member(vpp, "a review of")
        check(not self.all_reviewed, f"a review of {vpp} behind the last one")
        check(
            len(self._over) == len(self.roster), f"a review of {vpp} before all were told that the round is over"
        )
        check(vpp == self.roster[len(self._reviewed)], f"a review of {vpp} out of turn")
        try:
            screen_review(vpp, record.regret_cny, no_loss=record.no_loss)
        except ProtocolError as error:
            raise TapeError(str(error)) from None
        self._reviewed.append(vpp)

    @property
    def all_reviewed(self) -> bool:
        """Whether another round may follow."""
        return len(self._reviewed) == len(self.roster)

    # --- the end ---

    def audited(self, record: AuditGiven) -> None:
        """What a VPP shows."""
        vpp = record.vpp
        self._member(vpp, "an audit of")
        check(len(self._audited) < len(self.roster), f"an audit of {vpp} behind the last one")
        check(len(self._settled) == len(self.roster), f"an audit of {vpp} before all were told to settle")
        check(vpp == self.roster[len(self._audited)], f"an audit of {vpp} out of turn")
        shown = disclosure_of(record.before)
        check(least(shown, self._audit) is shown, f"{vpp} shows more of its day than it was asked for")
        try:
            audit = Audit(0, record.before, record.after, 0.0, (), record.planned, record.regret, record.reality)
            certified, realised = self._public.market.day_certificate, self._public.imbalance is not None
            screen_audit(vpp, audit, self._periods, certified=certified, realised=realised)
        except ProtocolError as error:
            raise TapeError(str(error)) from None
        self._audited.append(vpp)

    def ended(self) -> None:
        """The run is complete."""
        missing = [vpp for vpp in self.roster if vpp not in self._audited]
        check(not missing, f"the end comes before the audits of {', '.join(missing)}")

    def _member(self, vpp: str, what: str) -> None:
        check(vpp in self._said, f"{what} {vpp!r:.40}, who is not on the roster")
