"""Virtual time: decides which message reaches whom next.

A conservative sequencer. Everything due waits by moment and receiver. A batch is what may
be acted on at once: all that is due within [t, t + smallest link delay), since nothing that a receiver says in
answer can arrive sooner than that; with zero delay, all that is due at t. Each receiver is given one moment of its
own at a time, and none while it computes or its last message has not left its links: what arrives meanwhile waits,
and is given to it at once, which also keeps a narrow link from being flooded with prices that are stale already.
What is given at once is in the order of senders and numbers. A wake-up is a message from a node to itself. A copy
of what a receiver has had already is counted and discarded.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from operator import attrgetter, itemgetter
from typing import NamedTuple

from broker.delivery.network_log import CarriedMessage, CrowdLog, LinkLog, MessageFate, Moment, NetworkLog
from broker.delivery.undelivered import Undelivered
from broker.network import AttemptKey, Conditions, LinkQueue, Transmission
from broker.wire.messages import Ref


@dataclass(frozen=True, slots=True)
class Grant:
    """At `time_s` these messages have reached `receiver` (none: it only wakes up)."""

    receiver: str
    time_s: float
    refs: tuple[Ref, ...]


@dataclass(slots=True)
class _Way:
    """One direction between two VPPs in this epoch.

    usual_s : how long whatever is sent there takes, None where each message has a fate of its own
    newest : the number of the newest message that has arrived
    """

    log: LinkLog
    usual_s: float | None
    newest: int = 0


@dataclass(slots=True)
class _Crowd:
    """A message that takes as long to each of its receivers. kept : where the log keeps it, for some of them"""

    ref: Ref
    receivers: tuple[str, ...]
    log: CrowdLog
    kept: tuple[CarriedMessage, ...]


@dataclass(slots=True)
class _Copies:
    """Of a message that is doubled: whether one of its copies has come."""

    come: bool = False


class _Due(NamedTuple):
    """A copy of a message that arrives at its receiver; with number 0 a wake-up.

    message : where the log keeps it · copies : where there are two · queued : arrived, and waits for its receiver
    """

    sender: str
    seq: int
    ref: Ref
    way: _Way
    sent_s: float
    message: CarriedMessage | None
    copies: _Copies | None = None
    queued: bool = False


_WAKE_SEQ = 0
_BY_SENDER = itemgetter(0, 1)  # and number
_BY_REF = attrgetter("ref")


class Sequencer:
    """What is under way in one epoch."""

    def __init__(self, conditions: Conditions, epoch: int, log: NetworkLog) -> None:
        self.undelivered: list[Undelivered] = []
        self._conditions = conditions
        self._epoch = epoch
        self._log = log
        self._queue = LinkQueue()
        self._alike_s = conditions.alike_s()
        self._crowds: dict[float, list[_Crowd]] = {}  # by moment
        self._put_off: list[tuple[float, _Crowd]] = []
        self._ways: dict[str, dict[str, _Way]] = {}
        self._moments: list[float] = []  # a heap
        self._due: dict[float, dict[str, list[_Due]]] = {}  # by moment and receiver
        self._busy_until_s: dict[str, float] = {}
        self._in_flight = 0
        self._queued = 0

    def send(self, ref: Ref, receivers: tuple[str, ...], sent_s: float, size_bytes: int, kind: str) -> None:
        """A message was sent at `sent_s`: it reaches each receiver as its link's conditions have it, or never."""
        if self._alike_s is not None:
            self._send_alike(ref, receivers, sent_s, size_bytes, kind, sent_s + self._alike_s)
            return
        ways, sender, seq = self._ways.setdefault(ref.sender, {}), ref.sender, ref.seq
        for receiver in receivers:
            way = ways.get(receiver) or self._new_way(sender, receiver)
            message = self._log.kept(self._epoch, sender, receiver, seq, kind, sent_s)
            way.log.sent += 1
            if way.usual_s is None:
                self._send_by(way, ref, receiver, sent_s, size_bytes, message)
                continue
            way.log.bytes += size_bytes
            if message is not None:
                message.tried(size_bytes, 1)
            self._at(sent_s + way.usual_s, receiver).append(_Due(sender, seq, ref, way, sent_s, message))
            self._in_flight += 1

    def _send_alike(
        self, ref: Ref, receivers: tuple[str, ...], sent_s: float, size_bytes: int, kind: str, time_s: float
    ) -> None:
        """Send over links of which each takes as long, and loses nothing."""
        kept = []
        for receiver in receivers:
            message = self._log.kept(self._epoch, ref.sender, receiver, ref.seq, kind, sent_s)
            if message is None:
                break
            message.tried(size_bytes, 1)
            kept.append(message)
        log = self._log.crowd(ref.sender, receivers, sent_s, size_bytes)
        self._crowds_at(time_s).append(_Crowd(ref, receivers, log, tuple(kept)))
        self._in_flight += len(receivers)

    def _crowds_at(self, time_s: float) -> list[_Crowd]:
        """What is due for many at a moment, which they are given."""
        self._moment(time_s)
        return self._crowds.setdefault(time_s, [])

    def _moment(self, time_s: float) -> dict[str, list[_Due]]:
        by_receiver = self._due.get(time_s)
        if by_receiver is None:
            by_receiver = self._due[time_s] = {}
            heapq.heappush(self._moments, time_s)
        return by_receiver

    def _new_way(self, sender: str, receiver: str) -> _Way:
        way = _Way(self._log.link(sender, receiver), self._conditions.usual_s(sender, receiver))
        self._ways[sender][receiver] = way
        return way

    def _send_by(
        self, way: _Way, ref: Ref, receiver: str, sent_s: float, size_bytes: int, message: CarriedMessage | None
    ) -> None:
        """Send over a link on which a message may be lost, doubled, late or held up."""
        transit = AttemptKey(self._epoch, ref.sender, receiver, ref.seq)
        journey = self._conditions.journey(transit, sent_s, size_bytes, self._queue)
        attempts = journey.lost_attempts + bool(journey.arrivals_s)
        if message is not None:
            message.tried(size_bytes, attempts)
        way.log.lost += journey.lost_attempts
        way.log.resent += attempts - 1
        way.log.bytes += size_bytes * attempts
        if not journey.arrivals_s:
            self._never(way, ref, receiver, sent_s, message, journey)
        copies = _Copies() if len(journey.arrivals_s) > 1 else None
        for arrival_s in journey.arrivals_s:
            due = _Due(ref.sender, ref.seq, ref, way, sent_s, message, copies)
            self._at(arrival_s, receiver).append(due)
            self._in_flight += 1

    def _never(
        self,
        way: _Way,
        ref: Ref,
        receiver: str,
        sent_s: float,
        message: CarriedMessage | None,
        journey: Transmission,
    ) -> None:
        if message is not None:
            message.fate = MessageFate.UNDELIVERABLE
        way.log.undeliverable += 1
        why = journey.blocked_by or "loss"
        self.undelivered.append(Undelivered(ref.sender, ref.seq, receiver, sent_s, why))

    def wake(self, node: str, now_s: float) -> None:
        """A node wants another turn of its own accord, one smallest delay from now."""
        due = _Due(node, _WAKE_SEQ, Ref(node, _WAKE_SEQ), _Way(LinkLog(), None), now_s, None)
        self._at(now_s + self._conditions.smallest_s, node).append(due)

    def busy(self, node: str, until_s: float) -> None:
        """A node computes until then, and is busy until what it has said has left its links."""
        receivers = () if self._queue.unused else self._ways.get(node, ())
        links = (self._queue.idle_s(node, receiver, until_s) for receiver in receivers)
        self._busy_until_s[node] = max(links, default=until_s)

    def _at(self, time_s: float, receiver: str) -> list[_Due]:
        """What is due for a receiver at a moment, which it is given."""
        return self._moment(time_s).setdefault(receiver, [])

    def next_batch(self) -> tuple[Grant, ...]:
        """Take out the next batch, one grant a receiver, sorted by receiver; empty when nothing is under way."""
        while self._moments:
            grants = self._take_batch()
            if grants:
                return grants
        return ()

    def _take_batch(self) -> tuple[Grant, ...]:
        """What may be given at once; empty if it was only put off, or copies."""
        start = self._moments[0]
        self._log.moments.append(Moment(start, self._in_flight, self._queued))
        horizon = start + self._conditions.smallest_s
        first: dict[str, float] = {}
        taken: dict[str, tuple[Ref, ...]] = {}
        later: list[tuple[float, str, list[_Due]]] = []
        while self._moments and (self._moments[0] == start or self._moments[0] < horizon):
            time_s = heapq.heappop(self._moments)
            crowds = self._arrived_alike(time_s, first)
            for receiver, due in self._due.pop(time_s).items():
                free_s = self._busy_until_s.get(receiver, 0.0)
                if time_s < free_s:
                    later.append((free_s, receiver, self._now_queued(due)))
                elif first.setdefault(receiver, time_s) != time_s:
                    later.append((time_s, receiver, due))
                else:
                    refs = (*crowds.pop(receiver, ()), *self._arrived(due, time_s))
                    if refs or any(one.seq == _WAKE_SEQ for one in due):
                        taken[receiver] = refs
            taken.update((receiver, tuple(refs)) for receiver, refs in crowds.items())
        for time_s, receiver, due in later:
            self._at(time_s, receiver).extend(due)
        for time_s, crowd in self._put_off:
            self._crowds_at(time_s).append(crowd)
        self._put_off.clear()
        return tuple(Grant(name, first[name], taken[name]) for name in sorted(taken))

    def _arrived_alike(self, time_s: float, first: dict[str, float]) -> dict[str, list[Ref]]:
        """What reaches many at a moment, by receiver and in order; of who has been given another, put off."""
        by_receiver: dict[str, list[Ref]] = {}
        for crowd in sorted(self._crowds.pop(time_s, ()), key=_BY_REF):
            now = [one for one in crowd.receivers if first.setdefault(one, time_s) == time_s]
            if len(now) < len(crowd.receivers):
                others = tuple(one for one in crowd.receivers if first[one] != time_s)
                self._put_off.append((time_s, replace(crowd, receivers=others)))
            for receiver in now:
                by_receiver.setdefault(receiver, []).append(crowd.ref)
            self._in_flight -= len(now)
            crowd.log.arrived(len(now), time_s)
            for message in crowd.kept:
                if first[message.receiver] == time_s:
                    message.arrived(time_s, late=False)
        return by_receiver

    def _now_queued(self, due: list[_Due]) -> list[_Due]:
        """They have arrived, and wait for their receiver, who is busy."""
        fresh = sum(one.seq != _WAKE_SEQ and not one.queued for one in due)
        self._in_flight -= fresh
        self._queued += fresh
        return [one._replace(queued=True) if one.seq != _WAKE_SEQ else one for one in due]

    def _arrived(self, due: list[_Due], time_s: float) -> tuple[Ref, ...]:
        """What reaches a receiver now and has not reached it before, in order."""
        due.sort(key=_BY_SENDER)
        refs: list[Ref] = []
        for _, seq, ref, way, sent_s, message, copies, queued in due:
            if seq == _WAKE_SEQ:
                continue
            if queued:
                self._queued -= 1
            else:
                self._in_flight -= 1
            if copies is not None:
                if copies.come:
                    way.log.duplicated += 1
                    continue
                copies.come = True
            refs.append(ref)
            late = seq < way.newest
            way.newest = seq if seq > way.newest else way.newest
            way.log.late += late
            way.log.arrived(time_s - sent_s)
            if message is not None:
                message.arrived(time_s, late=late)
        return tuple(refs)
