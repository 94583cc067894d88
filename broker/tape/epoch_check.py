"""Checks the records of one epoch, by the rules by which a broker lets anything onto its tape."""

from __future__ import annotations

from collections.abc import Sequence

from broker.screening.audits import screen_audit
from broker.screening.messages import TradingRoles, screen, screen_exchange
from broker.screening.versions import Versions
from broker.tape.records import AuditGiven, DoneSaid, EpochBegun, MessageSaid, OrderGiven, TurnGiven
from broker.wire.limits import MOST_AHEAD
from broker.wire.messages import BROKER, Audit, Begin, Concluded, Declared, Settle
from market.errors import ProtocolError, TapeError
from market.game.period import period_games
from market.model.declaration import Declaration
from market.model.disclosure import Disclosure, disclosure_of, least
from market.model.network import TimeMode
from market.model.public import PublicScenario


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
        self._roster = begun.roster
        self._said = dict.fromkeys(begun.roster, 0)
        self._confirmed = dict.fromkeys(begun.roster, 0)
        self._versions = Versions(begun.roster)
        self._declarations: dict[str, Declaration] = {}
        self._parts: TradingRoles | None = None
        self._begun: set[str] = set()
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
        else:
            self._settle(vpp, order)

    def _begin(self, vpp: str, order: Begin) -> None:
        check(vpp not in self._begun, f"{vpp} is told to begin twice")
        check(order.roster == self._roster, f"{vpp} is told of another roster than the epoch's")
        check(order.live == self._live, f"{vpp} is told to go by another clock than the scenario's")
        check(not any(self._said.values()), f"{vpp} is told to begin when others have spoken")
        self._begun.add(vpp)

    def _settle(self, vpp: str, order: Settle) -> None:
        check(self._concluded, f"{vpp} is told to settle before the market was concluded")
        check(vpp not in self._settled, f"{vpp} is told to settle twice")
        check(order.audit is self._audit, f"{vpp} is asked to show another part of its day than the header says")
        try:
            screen_exchange(order.direct, self._periods)
        except ProtocolError as error:
            raise TapeError(f"{vpp} is told of {error}") from None
        for trade in order.trades:
            other, period = trade.counterpart, trade.period
            check(other in self._said and other != vpp, f"{vpp} trades with {other!r:.40}")
            check(period < self._periods, f"{vpp} trades in period {period + 1} of {self._periods}")
        self._settled.add(vpp)

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
        if len(self._declarations) == len(self._roster):
            self._parts = TradingRoles(
                period_games([self._declarations[vpp] for vpp in self._roster], self._public)
            )

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

    # --- the end ---

    def audited(self, record: AuditGiven) -> None:
        """What a VPP shows."""
        vpp = record.vpp
        self._member(vpp, "an audit of")
        check(len(self._audited) < len(self._roster), f"an audit of {vpp} behind the last one")
        check(len(self._settled) == len(self._roster), f"an audit of {vpp} before all were told to settle")
        check(vpp == self._roster[len(self._audited)], f"an audit of {vpp} out of turn")
        shown = disclosure_of(record.before)
        check(least(shown, self._audit) is shown, f"{vpp} shows more of its day than it was asked for")
        try:
            screen_audit(vpp, Audit(0, record.before, record.after, 0.0, ()), self._periods)
        except ProtocolError as error:
            raise TapeError(str(error)) from None
        self._audited.append(vpp)

    def ended(self) -> None:
        """The run is complete."""
        missing = [vpp for vpp in self._roster if vpp not in self._audited]
        check(not missing, f"the end comes before the audits of {', '.join(missing)}")

    def _member(self, vpp: str, what: str) -> None:
        check(vpp in self._said, f"{what} {vpp!r:.40}, who is not on the roster")
