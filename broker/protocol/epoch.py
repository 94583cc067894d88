"""One epoch of the negotiation: numbering, screening, declarations, then trading, until there are results.

Turns and delivery are in `virtual_time` and `wall_time` beside it, the two ways to carry an epoch on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from broker.delivery.undelivered import Undelivered
from broker.equilibrium.trading import Trading
from broker.protocol.actions import Parcel, Write
from broker.protocol.clearing import Clearing
from broker.protocol.pooling import Pooling
from broker.screening.messages import screen
from broker.screening.versions import Versions
from broker.tape import MessageSaid
from broker.wire.limits import MOST_AHEAD
from broker.wire.messages import Declared, Done, MarketMessage, Ref
from market.errors import ProtocolError, RunError
from market.game.period import period_games
from market.game.result import PeriodResult
from market.model.declaration import Declaration
from market.model.public import PublicRules
from market.model.rules import Mechanism


@dataclass(frozen=True, slots=True)
class Said:
    """A market message, and the time at which it was sent."""

    time_s: float
    sender: str
    message: MarketMessage


class Epoch:
    """One roster, one set of declarations, and what follows from them. `round`: which of the day's it is."""

    def __init__(
        self,
        public: PublicRules,
        roster: Sequence[str],
        number: int,
        counters: Counter[str] | None = None,
        round: int = 0,
    ) -> None:
        self.public = public
        self.roster = tuple(roster)
        self.number = number
        self.round = round
        self.results: tuple[PeriodResult, ...] | None = None
        self.trading: Trading | Pooling | Clearing | None = None
        self.said: list[Said] = []
        self.counters: Counter[str] = Counter() if counters is None else counters  # of the whole run
        self._upto = dict.fromkeys(self.roster, 0)
        self._versions = Versions(self.roster, of_declarations=public.market.mechanism.clears)
        self._parcels: dict[Ref, Parcel] = {}
        self._declarations: dict[str, Declaration] = {}
        self._confirmed: set[str] = set()

    @property
    def declarations(self) -> tuple[Declaration, ...]:
        """Everybody's declaration, in the order of the roster, once all have declared."""
        return tuple(self._declarations[vpp] for vpp in self.roster)

    def accept(self, parcel: Parcel) -> MarketMessage | None:
        """The message of a parcel that is its sender's next one; None for a duplicate.

        ProtocolError with reason `not_a_member`, `wrong_epoch`, `gap`, or one of the screening.
        """
        envelope = parcel.envelope
        sender = envelope.sender
        if sender not in self._upto:
            raise ProtocolError("not_a_member", f"{sender!r:.40} is not on the roster")
        if envelope.epoch != self.number:
            raise ProtocolError("wrong_epoch", f"epoch {envelope.epoch}, this is {self.number}")
        if 0 < envelope.seq <= self._upto[sender]:
            self.counters["duplicates"] += 1
            return None
        if envelope.seq != self._upto[sender] + 1:
            raise ProtocolError("gap", f"{sender}'s message {envelope.seq} came after {self._upto[sender]}")
        parts = self.trading.parts if self.trading else None
        message = screen(sender, envelope.message, self.public, parts)
        if isinstance(message, Declared) and envelope.seq > 1:
            raise ProtocolError("out_of_turn", f"{sender} declares twice in one epoch")
        self._versions.take(sender, message)
        self._upto[sender] = envelope.seq
        self._parcels[Ref(sender, envelope.seq)] = parcel
        return message

    def take(self, parcel: Parcel, message: MarketMessage, time_s: float) -> Write:
        """An accepted message counts from now on, and belongs on the tape."""
        envelope = parcel.envelope
        self.counters["sent"] += 1
        self.said.append(Said(time_s, envelope.sender, message))
        if isinstance(message, Declared):
            self._declarations[envelope.sender] = message.declaration
        elif self.trading is not None:
            self.trading.take(envelope.sender, message)
        return Write(MessageSaid(time_s, self.number, envelope.sender, envelope.seq, message))

    def check(self, vpp: str, done: Done) -> None:
        """ProtocolError if a confirmation promises more than anybody can owe, or speaks of what is not there."""
        if vpp not in self._upto:
            raise ProtocolError("not_a_member", f"{vpp} is not on the roster")
        if done.published_upto > self._upto[vpp] + MOST_AHEAD:
            raise ProtocolError("bad_content", f"{vpp} says that it has published {done.published_upto} messages")
        self._versions.check_seen(vpp, done.seen)
        sells = self.trading.parts.sells(vpp) if self.trading else range(self.public.horizon.periods)
        if not set(done.pending).issubset(sells):
            raise ProtocolError("bad_content", f"{vpp} wants another step where it does not sell")

    def confirm(self, vpp: str, done: Done) -> None:
        """A member has confirmed what it consumed; its own messages up to then have been taken."""
        if self.trading is not None:
            self.trading.done(vpp, done)
            self._confirmed.add(vpp)

    def open_trading(self) -> bool:
        """Whether trading is open; it opens with the last declaration."""
        if self.trading is None and len(self._declarations) == len(self.roster):
            if self.public.market.mechanism is Mechanism.CONSENSUS:
                self.trading = Pooling(self.declarations, self.public)
            elif self.public.market.mechanism.clears:
                self.trading = Clearing(self.declarations, self.public)
            else:
                self.trading = Trading(period_games(self.declarations, self.public), self.public.market)
        return self.trading is not None

    def at_rest(self) -> bool:
        """Whether every period rests, or has been found not to."""
        return self.trading is not None and self.trading.settled() and self._all_have_heard()

    def settle_if_at_rest(self) -> bool:
        """Whether there are results."""
        if self.trading is not None and self.at_rest():
            self.results = self.trading.results()
        return self.results is not None

    def _all_have_heard(self) -> bool:
        """Whether each knows everybody's declaration, where it bounds its regret of the day by that."""
        asked = self.public.market.day_certificate and len(self.roster) > 1
        return not asked or self._confirmed.issuperset(self.roster)

    def stall(self, undelivered: Sequence[Undelivered], otherwise: str) -> None:
        """Nothing more can come: what does not rest is stalled, by the undelivered messages of it, or `otherwise`.

        RunError if not everybody has declared: then there is no market to speak of.
        """
        if self.trading is None:
            silent = ", ".join(vpp for vpp in self.roster if vpp not in self._declarations)
            raise RunError(f"{silent} ended the first turn without declaring: is it the same software version?")
        self.trading.stall(undelivered, otherwise)
        self.results = self.trading.results()

    def others(self, vpp: str) -> tuple[str, ...]:
        """Everybody but one."""
        return tuple(member for member in self.roster if member != vpp)

    def concerned(self, sender: str, message: MarketMessage) -> tuple[str, ...]:
        """Whom a message matters to: a declaration all others, trade those who play in its periods."""
        if isinstance(message, Declared) or self.trading is None:
            return self.others(sender)
        concerned = self.trading.concerned(message)
        return tuple(vpp for vpp in self.others(sender) if vpp in concerned)

    def upto(self, vpp: str) -> int:
        """The number up to which nothing of a member's is missing."""
        return self._upto[vpp]

    def owes(self, vpp: str, published_upto: int) -> bool:
        """Whether a member says it has published what has not arrived."""
        return published_upto > self._upto[vpp]

    def lacks(self, vpp: str, published_upto: int) -> tuple[Ref, ...]:
        """What a member says it has published and has not arrived."""
        return tuple(Ref(vpp, seq) for seq in range(self._upto[vpp] + 1, published_upto + 1))

    def parcel(self, ref: Ref) -> Parcel:
        """A message that was accepted; KeyError for any other."""
        return self._parcels[ref]

    def known(self, refs: Sequence[Ref]) -> tuple[Ref, ...]:
        """Those of the references that were accepted, each once."""
        return tuple(ref for ref in dict.fromkeys(refs) if ref in self._parcels)
