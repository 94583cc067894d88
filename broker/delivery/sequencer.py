"""Virtual time: decides which message reaches whom next.

A conservative sequencer. What is due waits in a line for each receiver; what takes as long to each of many waits
once for all of them. A batch is what may be acted on at once: all that is due within [t, t + smallest link delay),
since nothing that a receiver says in answer can arrive sooner than that; with zero delay, all that is due at t.
Each receiver is given one moment of its own at a time, and none while it computes or its last message has not
left its links: what arrives meanwhile waits, and is given to it at once, which also keeps a narrow link from being
flooded with prices that are stale already. What is given at once is in the order of senders and numbers. A wake-up
is a message from a node to itself. A copy of what a receiver has had already is counted and discarded.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field, replace
from operator import attrgetter, itemgetter
from typing import NamedTuple

from broker.delivery.network_log import CarriedMessage, CrowdLog, LinkLog, MessageFate, Moment, NetworkLog
from broker.delivery.timetable import Timetable
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


@dataclass(slots=True)
class _Batch:
    """What is given at once.

    given_s, refs : by receiver, the moment it is given, and what reaches it then
    later : until when a busy receiver has to wait, and what for · put_off : a crowd's rest, and its moment
    passed : whose lines have been seen to
    """

    given_s: dict[str, float] = field(default_factory=dict)
    refs: dict[str, list[Ref]] = field(default_factory=dict)
    later: list[tuple[float, str, list[_Due]]] = field(default_factory=list)
    put_off: list[tuple[float, _Crowd]] = field(default_factory=list)
    passed: set[str] = field(default_factory=set)


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
        self._crowds = Timetable[_Crowd]()
        self._ways: dict[str, dict[str, _Way]] = {}
        self._lines: dict[str, Timetable[_Due]] = {}
        self._heads: list[tuple[float, str]] = []  # a heap of the first moments of lines, passed ones among them
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
        self._crowds.at(time_s).append(_Crowd(ref, receivers, log, tuple(kept)))
        self._in_flight += len(receivers)

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
        """A node computes until then, and is given nothing before it has paused and its links are idle."""
        receivers = self._ways.get(node, ())
        self._busy_until_s[node] = self._conditions.free_s(node, receivers, until_s, self._queue)

    def _at(self, time_s: float, receiver: str) -> list[_Due]:
        """What is due for a receiver at a moment, which may be a new one."""
        line = self._lines.get(receiver)
        if line is None:
            line = self._lines[receiver] = Timetable()
        if time_s < line.next_s:
            heapq.heappush(self._heads, (time_s, receiver))
        return line.at(time_s)

    def _line_up(self, receiver: str) -> None:
        """What is first in a receiver's line may come next."""
        next_s = self._lines[receiver].next_s
        if next_s < math.inf:
            heapq.heappush(self._heads, (next_s, receiver))

    def next_batch(self) -> tuple[Grant, ...]:
        """Take out the next batch, one grant a receiver, sorted by receiver; empty when nothing is under way."""
        while (start_s := self._next_s()) < math.inf:
            grants = self._take_batch(start_s)
            if grants:
                return grants
        return ()

    def _next_s(self) -> float:
        """When something is due next; never: infinity."""
        while self._heads and self._lines[self._heads[0][1]].next_s != self._heads[0][0]:
            heapq.heappop(self._heads)
        return min(self._heads[0][0] if self._heads else math.inf, self._crowds.next_s)

    def _take_batch(self, start_s: float) -> tuple[Grant, ...]:
        """What may be given at once; empty if it was only put off, or copies."""
        self._log.moments.append(Moment(start_s, self._in_flight, self._queued))
        batch, time_s = _Batch(), start_s
        while time_s == start_s or time_s < start_s + self._conditions.smallest_s:
            if self._crowds.next_s == time_s:
                self._take_crowds(time_s, batch)
            else:
                self._take_line(heapq.heappop(self._heads)[1], time_s, batch)
            time_s = self._next_s()
        for time_s, receiver, due in batch.later:
            self._at(time_s, receiver).extend(due)
        for receiver in batch.passed:
            self._line_up(receiver)
        for time_s, crowd in batch.put_off:
            self._crowds.at(time_s).append(crowd)
        return tuple(Grant(name, batch.given_s[name], tuple(batch.refs[name])) for name in sorted(batch.refs))

    def _take_line(self, receiver: str, time_s: float, batch: _Batch) -> None:
        """The first of what is due for a receiver: give it, or put it off; a second moment is left where it is."""
        line, free_s = self._lines[receiver], self._busy_until_s.get(receiver, 0.0)
        if time_s < free_s:
            batch.later.append((free_s, receiver, self._now_queued(line.take_next())))
            self._line_up(receiver)
            return
        batch.passed.add(receiver)
        if batch.given_s.setdefault(receiver, time_s) != time_s:
            return
        due = line.take_next()
        refs = self._arrived(due, time_s)
        if refs or any(one.seq == _WAKE_SEQ for one in due):
            batch.refs.setdefault(receiver, []).extend(refs)

    def _take_crowds(self, time_s: float, batch: _Batch) -> None:
        """What reaches many at a moment, in order; of who has been given another moment, put off."""
        for crowd in sorted(self._crowds.take_next(), key=_BY_REF):
            now = [one for one in crowd.receivers if batch.given_s.setdefault(one, time_s) == time_s]
            if len(now) < len(crowd.receivers):
                others = tuple(one for one in crowd.receivers if batch.given_s[one] != time_s)
                batch.put_off.append((time_s, replace(crowd, receivers=others)))
            for receiver in now:
                batch.refs.setdefault(receiver, []).append(crowd.ref)
            self._in_flight -= len(now)
            crowd.log.arrived(len(now), time_s)
            for message in crowd.kept:
                if batch.given_s[message.receiver] == time_s:
                    message.arrived(time_s, late=False)

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
