"""Owns one epoch of a market in virtual time: turns out, messages in, until every period has a verdict.

Knows nothing of sockets, real time or admission. A turn gives a node a moment of virtual time and the messages
that have reached it by then; the node publishes what it has to say and ends the turn with Done. When all turns
of a batch are done, what was said goes on the tape in the order (time, sender, number) and to the sequencer, and
the next batch is due. Nothing here waits for real time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from broker.actions import Action, Parcel, Publish, Send, Write
from broker.delay import Delay
from broker.screening import screen
from broker.sequencer import Grant, Sequencer
from broker.trading import Trading
from broker.wire.frames import to_body
from broker.wire.messages import Begin, Declared, Done, MarketMessage, Ref, Turn
from market.declaration import Declaration
from market.errors import ProtocolError, RunError
from market.game.period import period_games
from market.outcome import PeriodResult
from market.scenario.model import PublicRules


@dataclass(frozen=True, slots=True)
class Said:
    """A market message, and the virtual time at which it was sent."""

    time_s: float
    sender: str
    message: MarketMessage


@dataclass(slots=True)
class _OpenTurn:
    number: int
    time_s: float
    done: Done | None = None


@dataclass(slots=True)
class _Outbox:
    """What one sender has published: nothing is missing up to number `upto`; `batch` is not yet sent on."""

    upto: int = 0
    batch: list[tuple[Parcel, MarketMessage]] = field(default_factory=list)


class Negotiation:
    """The state of one epoch; `results` is there once it is over."""

    def __init__(self, public: PublicRules, roster: Sequence[str], epoch: int, delay: Delay, seed: int) -> None:
        self.public = public
        self.roster = tuple(roster)
        self.epoch = epoch
        self.results: tuple[PeriodResult, ...] | None = None
        self.trading: Trading | None = None
        self.said: list[Said] = []
        self.counters: Counter[str] = Counter()
        self.time_s = 0.0
        self.turn = 0
        self._sequencer = Sequencer(delay, seed, epoch)
        self._outboxes = {vpp: _Outbox() for vpp in self.roster}
        self._parcels: dict[Ref, Parcel] = {}
        self._turns: dict[str, _OpenTurn] = {}
        self._unfinished: set[str] = set()
        self._declarations: dict[str, Declaration] = {}

    @property
    def declarations(self) -> tuple[Declaration, ...]:
        """Everybody's declaration, in the order of the roster, once all have declared."""
        return tuple(self._declarations[vpp] for vpp in self.roster)

    # --- what comes in ---

    def begin(self) -> list[Action]:
        """Ask everybody to plan the day and declare."""
        actions: list[Action] = []
        for vpp in self.roster:
            begin = Begin(self._open_turn(vpp, self.time_s), self.time_s, self.roster)
            actions.append(Write(["command", begin.turn, self.time_s, vpp, "Begin", to_body(begin)]))
            actions.append(Send(vpp, begin))
        return actions

    def data(self, parcel: Parcel) -> list[Action]:
        """A member has published; ProtocolError if it may not now, or not this."""
        envelope = parcel.envelope
        sender = envelope.sender
        outbox = self._outboxes.get(sender)
        if outbox is None:
            raise ProtocolError("not_a_member", f"{sender!r:.40} is not on the roster")
        if envelope.epoch != self.epoch:
            raise ProtocolError("wrong_epoch", f"epoch {envelope.epoch}, this is {self.epoch}")
        if 0 < envelope.seq <= outbox.upto:
            self.counters["duplicates"] += 1
            return []
        if sender not in self._unfinished:
            raise ProtocolError("out_of_turn", f"{sender} publishes while it is not its turn")
        if envelope.seq != outbox.upto + 1:
            raise ProtocolError("gap", f"{sender}'s message {envelope.seq} came after {outbox.upto}")
        games = self.trading.games if self.trading else None
        message = screen(sender, envelope.message, self.public.horizon.periods, games)
        outbox.upto = envelope.seq
        outbox.batch.append((parcel, message))
        self.counters["sent"] += 1
        return self._advance_if_complete(sender)

    def done(self, vpp: str, done: Done) -> list[Action]:
        """A member has ended its turn; ProtocolError if that is not the turn it holds."""
        turn = self._turns.get(vpp)
        if turn is None or turn.number != done.turn or turn.done is not None:
            raise ProtocolError("out_of_turn", f"{vpp} ends turn {done.turn}, which it does not hold")
        turn.done = done
        return self._advance_if_complete(vpp)

    def resend(self, vpp: str, refs: Sequence[Ref]) -> list[Action]:
        """A member misses messages it was promised: publish them again, to it alone."""
        found = [self._parcels[ref] for ref in refs if ref in self._parcels]
        self.counters["resent"] += len(found)
        return [Publish(parcel.frame, (vpp,)) for parcel in found]

    # --- who is waited for ---

    def waiting_for(self) -> tuple[str, ...]:
        """Whose turn is not over."""
        return tuple(sorted(self._unfinished))

    def missing(self, vpp: str) -> tuple[Ref, ...]:
        """What a member says it has published in its turn and has not arrived."""
        done = self._turns[vpp].done if vpp in self._turns else None
        upto = self._outboxes[vpp].upto
        return tuple(Ref(vpp, seq) for seq in range(upto + 1, done.published_upto + 1)) if done else ()

    # --- the end of a batch ---

    def _advance_if_complete(self, vpp: str) -> list[Action]:
        """Something came from a member; if that was the last thing waited for, the batch is over."""
        if self._turns[vpp].done is not None and not self.missing(vpp):
            self._unfinished.discard(vpp)
        if self._unfinished:
            return []
        turns, self._turns = self._turns, {}
        actions = self._send_on(turns)
        self._confirm(turns)
        if self.trading is None and len(self._declarations) == len(self.roster):
            games = period_games(self.declarations, self.public)
            self.trading = Trading(games, self.public.market.offer_budget)
        if self.trading is not None and self.trading.settled():
            self.results = self.trading.results()
            return actions
        return actions + self._next_batch()

    def _send_on(self, turns: dict[str, _OpenTurn]) -> list[Action]:
        """Put what was said in this batch on the tape and under way, in the order (time, sender, number)."""
        batch = [(turn.time_s, vpp, *said) for vpp, turn in turns.items() for said in self._outboxes[vpp].batch]
        batch.sort(key=lambda entry: (entry[0], entry[1], entry[2].envelope.seq))
        actions: list[Action] = []
        for time_s, sender, parcel, message in batch:
            seq, kind = parcel.envelope.seq, type(message).__name__
            actions.append(Write(["message", time_s, self.epoch, sender, seq, kind, to_body(message)]))
            self._parcels[Ref(sender, seq)] = parcel
            self._take(sender, message)
            self.said.append(Said(time_s, sender, message))
            self._sequencer.send(Ref(sender, seq), self._receivers(sender, message), time_s)
        for vpp in turns:
            self._outboxes[vpp].batch.clear()
        return actions

    def _take(self, sender: str, message: MarketMessage) -> None:
        if isinstance(message, Declared):
            self._declarations[sender] = message.declaration
        elif self.trading is not None:
            self.trading.take(sender, message)

    def _receivers(self, sender: str, message: MarketMessage) -> tuple[str, ...]:
        others = tuple(vpp for vpp in self.roster if vpp != sender)
        if isinstance(message, Declared) or self.trading is None:
            return others
        concerned = self.trading.concerned(message)
        return tuple(vpp for vpp in others if vpp in concerned)

    def _confirm(self, turns: dict[str, _OpenTurn]) -> None:
        for vpp, turn in turns.items():
            if turn.done is not None and self.trading is not None:
                self.trading.done(vpp, turn.done)
            if turn.done is not None and turn.done.restless:
                self._sequencer.wake(vpp, turn.time_s)

    # --- the next batch ---

    def _next_batch(self) -> list[Action]:
        grants = self._sequencer.next_batch()
        if not grants:
            return self._stall()
        self.time_s = grants[0].time_s
        return self._deliver(grants) + [action for grant in grants for action in self._turn(grant)]

    def _stall(self) -> list[Action]:
        if self.trading is None:
            silent = ", ".join(vpp for vpp in self.roster if vpp not in self._declarations)
            raise RunError(f"{silent} ended the first turn without declaring: is it the same software version?")
        self.trading.stall("nothing is under way, yet not everybody has confirmed the newest prices")
        self.results = self.trading.results()
        return []

    def _deliver(self, grants: Sequence[Grant]) -> list[Action]:
        """Publish each message of a batch once, to all whom it reaches now."""
        receivers: dict[Ref, list[str]] = {}
        for grant in grants:
            self.counters["delivered"] += len(grant.refs)
            for ref in grant.refs:
                receivers.setdefault(ref, []).append(grant.receiver)
        others = len(self.roster) - 1
        return [
            Publish(self._parcels[ref].frame, None if len(who) == others else tuple(who))
            for ref, who in receivers.items()
        ]

    def _turn(self, grant: Grant) -> list[Action]:
        turn = Turn(self._open_turn(grant.receiver, grant.time_s), grant.time_s, grant.refs)
        refs = [[ref.sender, ref.seq] for ref in grant.refs]
        return [Write(["turn", turn.turn, grant.time_s, grant.receiver, refs]), Send(grant.receiver, turn)]

    def _open_turn(self, vpp: str, time_s: float) -> int:
        self.turn += 1
        self.counters["turns"] += 1
        self._turns[vpp] = _OpenTurn(self.turn, time_s)
        self._unfinished.add(vpp)
        return self.turn
