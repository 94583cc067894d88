"""Virtual time: decides which message reaches whom next.

A conservative sequencer. Everything due waits in a heap of (time, receiver, sender, number). A batch is what may
be acted on at once: all that is due within [t, t + smallest link delay), since nothing that a receiver says in
answer can arrive sooner than that; with zero delay, all that is due at t. Each receiver is given one moment of its
own at a time, and none while it computes or its last message has not left its links: what arrives meanwhile waits,
and is given to it at once, which also keeps a narrow link from being flooded with prices that are stale already.
A wake-up is a message from a node to itself. A copy of what a receiver has had already is counted and discarded.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import NamedTuple

from broker.delivery.arrivals import Arrivals
from broker.delivery.network_log import CarriedMessage, MessageFate, Moment, NetworkLog
from broker.delivery.undelivered import Undelivered
from broker.network import AttemptKey, Conditions, LinkQueue
from broker.wire.messages import Ref


@dataclass(frozen=True, slots=True)
class Grant:
    """At `time_s` these messages have reached `receiver` (none: it only wakes up)."""

    receiver: str
    time_s: float
    refs: tuple[Ref, ...]


class _ScheduledArrival(NamedTuple):
    """What is due when, in the order of the heap."""

    time_s: float
    receiver: str
    sender: str
    seq: int
    queued: bool = False  # arrived, and waits for its receiver


_WAKE_SEQ = 0


class Sequencer:
    """The heap of what is under way in one epoch."""

    def __init__(self, conditions: Conditions, epoch: int, log: NetworkLog) -> None:
        self.undelivered: list[Undelivered] = []
        self._conditions = conditions
        self._epoch = epoch
        self._log = log
        self._queue = LinkQueue()
        self._heap: list[_ScheduledArrival] = []
        self._under_way: dict[tuple[str, Ref], CarriedMessage] = {}
        self._arrivals = Arrivals(log)
        self._busy_until_s: dict[str, float] = {}
        self._receivers: dict[str, set[str]] = {}
        self._in_flight = 0
        self._queued = 0

    def send(self, ref: Ref, receivers: tuple[str, ...], sent_s: float, size_bytes: int, kind: str) -> None:
        """A message was sent at `sent_s`: it reaches each receiver as its link's conditions have it, or never."""
        self._receivers.setdefault(ref.sender, set()).update(receivers)
        for receiver in receivers:
            transit = AttemptKey(self._epoch, ref.sender, receiver, ref.seq)
            journey = self._conditions.journey(transit, sent_s, size_bytes, self._queue)
            attempts = journey.lost_attempts + bool(journey.arrivals_s)
            message = CarriedMessage(self._epoch, ref.sender, receiver, ref.seq, kind, sent_s)
            self._log.sent(message).tried(size_bytes, attempts)
            link = self._log.link(ref.sender, receiver)
            link.sent += 1
            link.lost += journey.lost_attempts
            link.resent += attempts - 1
            link.bytes += size_bytes * attempts
            if journey.arrivals_s:
                self._under_way[receiver, ref] = message
            else:
                message.fate = MessageFate.UNDELIVERABLE
                link.undeliverable += 1
                self.undelivered.append(
                    Undelivered(ref.sender, ref.seq, receiver, sent_s, journey.blocked_by or "loss")
                )
            for arrival_s in journey.arrivals_s:
                self._push(_ScheduledArrival(arrival_s, receiver, ref.sender, ref.seq))

    def wake(self, node: str, now_s: float) -> None:
        """A node wants another turn of its own accord, one smallest delay from now."""
        self._push(_ScheduledArrival(now_s + self._conditions.smallest_s, node, node, _WAKE_SEQ))

    def busy(self, node: str, until_s: float) -> None:
        """A node computes until then, and is busy until what it has said has left its links."""
        links = (self._queue.idle_s(node, receiver, until_s) for receiver in self._receivers.get(node, ()))
        self._busy_until_s[node] = max(links, default=until_s)

    def _push(self, due: _ScheduledArrival) -> None:
        heapq.heappush(self._heap, due)
        self._count(due, 1)

    def _pop(self) -> _ScheduledArrival:
        due = heapq.heappop(self._heap)
        self._count(due, -1)
        return due

    def _count(self, due: _ScheduledArrival, change: int) -> None:
        """Keep the numbers of copies under way and of those that wait; a wake-up is neither."""
        if due.seq != _WAKE_SEQ:
            self._queued += change * due.queued
            self._in_flight += change * (not due.queued)

    def next_batch(self) -> tuple[Grant, ...]:
        """Take out the next batch, one grant a receiver, sorted by receiver; empty when nothing is under way."""
        while self._heap:
            grants = self._take_batch()
            if grants:
                return grants
        return ()

    def _take_batch(self) -> tuple[Grant, ...]:
        """What may be given at once; empty if it was only put off, or copies."""
        start = self._heap[0].time_s
        self._log.moments.append(Moment(start, self._in_flight, self._queued))
        horizon = start + self._conditions.smallest_s
        first: dict[str, float] = {}
        taken: dict[str, list[Ref]] = {}
        later: list[_ScheduledArrival] = []
        while self._heap and (self._heap[0].time_s == start or self._heap[0].time_s < horizon):
            due = self._pop()
            free_s = self._busy_until_s.get(due.receiver, 0.0)
            if due.time_s < free_s:
                later.append(_ScheduledArrival(free_s, due.receiver, due.sender, due.seq, queued=True))
            elif first.setdefault(due.receiver, due.time_s) != due.time_s:
                later.append(due)
            elif due.seq == _WAKE_SEQ:
                taken.setdefault(due.receiver, [])
            elif self._is_first_copy(due):
                taken.setdefault(due.receiver, []).append(Ref(due.sender, due.seq))
        for due in later:
            self._push(due)
        return tuple(Grant(name, first[name], tuple(taken[name])) for name in sorted(taken))

    def _is_first_copy(self, due: _ScheduledArrival) -> bool:
        """Whether a receiver has not had this message yet; counts it either way."""
        message = self._under_way.pop((due.receiver, Ref(due.sender, due.seq)), None)
        if message is None:
            self._log.link(due.sender, due.receiver).duplicated += 1
            return False
        self._arrivals.count(message, due.time_s)
        return True
