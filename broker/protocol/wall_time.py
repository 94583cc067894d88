"""Carries an epoch on in real time: messages are passed on when their links' conditions let them through.

Nodes act when something reaches them; nobody is given turns. A lost message is recovered by the protocol: its
receiver learns, when it should have arrived, that there is such a message, asks for it, and it is sent again under
the same conditions, with back-off. Nothing relevant is in flight when everybody has confirmed the newest prices,
and that is what ends a period (M3).
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from broker.delivery.arrivals import Arrivals
from broker.delivery.network_log import CarriedMessage, MessageFate, Moment, NetworkLog
from broker.delivery.staleness import StalenessLog
from broker.delivery.undelivered import Undelivered
from broker.network import AttemptKey, Conditions, LinkQueue
from broker.protocol.actions import Action, Parcel, Publish, Send, Write
from broker.protocol.epoch import Epoch
from broker.tape import DoneSaid, OrderGiven
from broker.wire.messages import Beat, Begin, Done, Offer, Ref
from market.errors import ProtocolError
from market.model.network import NetworkRules

SAY_AGAIN_S = 1.0
_SOONEST_S = 0.1
"""A message is not sent to anybody a third time, or more often, within this; a node asks again after 0.5 s."""


@dataclass(frozen=True, slots=True, order=True)
class _ScheduledDelivery:
    """At `time_s`, `ref` reaches `receiver`; or, if `lost`, the receiver is told that it should have."""

    time_s: float
    receiver: str
    sender: str
    seq: int
    lost: bool
    queued: bool = field(default=False, compare=False)  # arrived, and waits for its receiver


@dataclass(slots=True)
class _Passage:
    """One message on its way to one receiver, as it is logged; how many copies of it are under way."""

    log: CarriedMessage
    tried_s: float = 0.0
    under_way: int = 0

    @property
    def arrived(self) -> bool:
        """Whether a first copy has."""
        return self.log.arrival_s is not None


def stall_story(rules: NetworkRules) -> str:
    """Why a period stalls that no gap explains."""
    return f"nothing has moved for {rules.stall_after_s:g} s"


class WallTime:
    """One epoch in real time, which counts from the beginning of the first."""

    def __init__(self, epoch: Epoch, conditions: Conditions, log: NetworkLog, time_s: float) -> None:
        self.epoch = epoch
        self.log = log
        self.time_s = time_s
        self.turn = 1
        self._conditions = conditions
        self._stall_after_s = conditions.rules.stall_after_s
        self._staleness = StalenessLog(self.log)
        self._began = 0.0
        self._said_s = time_s
        self._moved_s = time_s
        self._queue = LinkQueue()
        self._heap: list[_ScheduledDelivery] = []
        self._passages: dict[tuple[str, Ref], _Passage] = {}
        self._busy_until_s: dict[str, float] = {}
        self._arrivals = Arrivals(log)
        self._due: dict[tuple[str, str], int] = {}  # that should have, as its receiver has been told
        self._newest_done: dict[str, Done] = {}
        self._waiting: set[str] = set(epoch.roster)

    # --- what comes in ---

    def begin(self, now: float) -> list[Action]:
        """Ask everybody to plan the day and declare; the clock starts."""
        self._began = now - self.time_s
        self._begin = Begin(self.turn, self.time_s, self.epoch.roster, live=True, round=self.epoch.round)
        record = [Write(OrderGiven(self.turn, self.time_s, vpp, self._begin)) for vpp in self.epoch.roster]
        return [*record, *(Send(vpp, self._begin) for vpp in self.epoch.roster)]

    def data(self, parcel: Parcel, now: float) -> list[Action] | None:
        """A member has published; None if it is a repetition, ProtocolError if it may not publish this."""
        message = self.epoch.accept(parcel)
        if message is None:
            return None
        sender = parcel.envelope.sender
        self.time_s = now - self._began
        self._moved_s = self.time_s
        written = self.epoch.take(parcel, message, self.time_s)
        ref = Ref(sender, parcel.envelope.seq)
        if isinstance(message, Offer):
            seen = self._newest_done[sender].seen if sender in self._newest_done else ()
            self._staleness.offer(self.time_s, sender, message, seen)
        for receiver in self.epoch.others(sender):
            kind = type(message).__name__
            logged = CarriedMessage(self.epoch.number, sender, receiver, ref.seq, kind, self.time_s)
            self._passages[(receiver, ref)] = _Passage(self.log.sent(logged))
            self.log.link(sender, receiver).sent += 1
            self._try(receiver, ref, self.time_s + self._conditions.compute_s(sender))
        self._occupy(sender, self.time_s + self._conditions.compute_s(sender))
        self.epoch.open_trading()  # whoever holds all declarations may offer before this one is confirmed
        return [written, *self._confirm(sender)]

    def _occupy(self, sender: str, until_s: float) -> None:
        """Nothing is passed on to a node that computes or pauses, or whose last message has not left its links."""
        others = self.epoch.others(sender)
        self._busy_until_s[sender] = self._conditions.free_s(sender, others, until_s, self._queue)

    def done(self, vpp: str, done: Done, now: float) -> list[Action] | None:
        """A member confirms what it has consumed and published so far; None if it has said so before.

        One counts once all before it have come: a beat tells the member which has, and it goes on from there.
        """
        confirmed = self._confirmed(vpp)
        if done.turn <= confirmed:
            return None
        if done.turn != confirmed + 1:
            raise ProtocolError("gap", f"{vpp}'s confirmation {done.turn} came after {confirmed}")
        self.epoch.check(vpp, done)
        self.time_s = now - self._began
        self._newest_done[vpp] = done
        return [Write(DoneSaid(self.time_s, vpp, done)), *self._confirm(vpp)]

    def _confirm(self, vpp: str) -> list[Action]:
        """Let a confirmation count once everything that it speaks of has come."""
        done = self._newest_done.get(vpp)
        if done is None or self.epoch.owes(vpp, done.published_upto):
            return []
        self._waiting.discard(vpp)
        self.epoch.confirm(vpp, done)
        self.epoch.settle_if_at_rest()
        return []

    def resend(self, vpp: str, refs: Sequence[Ref], now: float) -> list[Action]:
        """A member misses messages: try again those that are not under way to it."""
        self.time_s = now - self._began
        for ref in self.epoch.known(refs):
            passage = self._passages.get((vpp, ref))
            if passage is not None and self._may_try(passage):
                self.epoch.counters["resent"] += 1
                self._try(vpp, ref, self.time_s)
        return []

    def _may_try(self, passage: _Passage) -> bool:
        """Whether another attempt is due: none is under way, nor was the last of several made just now."""
        return not passage.under_way and (passage.log.attempts < 2 or self.time_s - passage.tried_s >= _SOONEST_S)

    # --- what goes out ---

    def _try(self, receiver: str, ref: Ref, sent_s: float) -> None:
        """One attempt, under the link's conditions."""
        passage = self._passages[(receiver, ref)]
        passage.tried_s = sent_s
        size_bytes = len(self.epoch.parcel(ref).frame)
        passage.log.tried(size_bytes)
        attempts = passage.log.attempts
        transit = AttemptKey(self.epoch.number, ref.sender, receiver, ref.seq, attempts)
        attempt = self._conditions.attempt(transit, sent_s, size_bytes, self._queue)
        link = self.log.link(ref.sender, receiver)
        link.bytes += size_bytes
        link.lost += not attempt.delays_s
        link.resent += attempts > 1
        if not attempt.delays_s:
            tell_s = sent_s + attempt.link_s + self._conditions.rules.retransmission.wait_s(attempts)
            heapq.heappush(self._heap, _ScheduledDelivery(tell_s, receiver, ref.sender, ref.seq, True))
        for delay_s in attempt.delays_s:
            passage.under_way += 1
            heapq.heappush(self._heap, _ScheduledDelivery(sent_s + delay_s, receiver, ref.sender, ref.seq, False))

    def tick(self, now: float) -> list[Action]:
        """Pass on what is due by now; give up when nothing can come any more."""
        if self.epoch.results is not None:
            return []
        self.time_s = now - self._began
        actions = self._begin_again()
        if self._due_by(now):
            self.log.moments.append(self._moment())
        while self._due_by(now):
            actions += self._pass_on(heapq.heappop(self._heap))
        if self._can_stall() and self.time_s - self._moved_s > self._stall_after_s and not self._in_flight():
            self._stall()
        return actions

    def _can_stall(self) -> bool:
        """A market in which somebody still plans its day waits for it, however long that takes."""
        return self.epoch.trading is not None

    def _begin_again(self) -> list[Action]:
        """The order that opened the epoch, to those who have not answered it; a beat says what follows."""
        silent = [vpp for vpp in self.epoch.roster if vpp not in self._newest_done]
        if not silent or self.time_s - self._said_s < SAY_AGAIN_S:
            return []
        self._said_s = self.time_s
        return [Send(vpp, self._begin) for vpp in silent]

    def _due_by(self, now: float) -> bool:
        """Compared as `next_due` has it: a sum and a difference of the same times need not agree."""
        return bool(self._heap) and self._began + self._heap[0].time_s <= now

    def _pass_on(self, due: _ScheduledDelivery) -> list[Action]:
        ref, link = Ref(due.sender, due.seq), self.log.link(due.sender, due.receiver)
        passage = self._passages[(due.receiver, ref)]
        if due.lost:
            if passage.arrived or passage.under_way:
                return []
            link_of = (due.sender, due.receiver)
            self._due[link_of] = max(self._due.get(link_of, 0), due.seq)  # each beat says so again
            return [Send(due.receiver, Beat((ref,), self._confirmed(due.receiver)))]
        free_s = self._busy_until_s.get(due.receiver, 0.0)
        if self.time_s < free_s:
            heapq.heappush(self._heap, replace(due, time_s=free_s, queued=True))
            return []
        passage.under_way -= 1
        if passage.arrived:
            link.duplicated += 1
        else:
            self._moved_s = self.time_s
            self.epoch.counters["delivered"] += 1
            self._arrivals.count(passage.log, due.time_s)
        return [Publish((self.epoch.parcel(ref).frame,), (due.receiver,))]

    def next_due(self) -> float | None:
        """The real time at which something is to be passed on."""
        return self._began + self._heap[0].time_s if self._heap else None

    def _in_flight(self) -> int:
        return sum(not due.lost for due in self._heap)

    def _moment(self) -> Moment:
        """What is under way now, and what has come and waits for a node that computes."""
        queued = sum(due.queued for due in self._heap)
        return Moment(self.time_s, self._in_flight() - queued, queued)

    def _stall(self) -> None:
        """Nothing is under way, and for too long nothing has come."""
        missing = [passage.log for passage in self._passages.values() if not passage.arrived]
        for log in missing:
            self.log.link(log.sender, log.receiver).undeliverable += 1
            log.fate = MessageFate.UNDELIVERABLE
        undelivered = [
            Undelivered(log.sender, log.seq, log.receiver, log.sent_s, f"tried {log.attempts} times")
            for log in missing
        ]
        self.epoch.stall(undelivered, stall_story(self._conditions.rules))

    def beat(self, vpp: str) -> Beat:
        """The newest message of each sender that a member should have by now, and its newest confirmation."""
        newest = {
            sender: max(self._arrivals.newest(sender, vpp), self._due.get((sender, vpp), 0))
            for sender in self.epoch.others(vpp)
        }
        refs = tuple(Ref(sender, seq) for sender, seq in sorted(newest.items()) if seq)
        return Beat(refs, self._confirmed(vpp))

    def _confirmed(self, vpp: str) -> int:
        """The number of a member's newest confirmation; 0 before the first."""
        return self._newest_done[vpp].turn if vpp in self._newest_done else 0

    # --- who is waited for ---

    def waiting_for(self) -> tuple[str, ...]:
        """Who has not confirmed anything yet, or owes messages."""
        return tuple(sorted(self._waiting | self.owed().keys()))

    def owed(self) -> dict[str, tuple[Ref, ...]]:
        """By member, what it says it has published and has not arrived here."""
        owed = {vpp: self.epoch.lacks(vpp, done.published_upto) for vpp, done in sorted(self._newest_done.items())}
        return {vpp: refs for vpp, refs in owed.items() if refs}
