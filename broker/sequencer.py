"""Owns virtual time: which message reaches whom next. Knows nothing of sockets, real time or what messages say.

A conservative sequencer. Everything due waits in a heap of (arrival time, receiver, sender, number). A batch is
what may be acted on at once: all that is due within [t, t + smallest link delay), since nothing that a receiver
says in answer can arrive sooner than that; with zero delay, all that is due at t. Each receiver is given one
moment of its own at a time. A wake-up is a message from a node to itself.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

from broker.delay import Delay, Transit
from broker.wire.messages import Ref


@dataclass(frozen=True, slots=True)
class Grant:
    """At `time_s` these messages have reached `receiver` (none: it only wakes up)."""

    receiver: str
    time_s: float
    refs: tuple[Ref, ...]


@dataclass(frozen=True, slots=True, order=True)
class _Due:
    time_s: float
    receiver: str
    sender: str
    seq: int


_WAKE_SEQ = 0


@dataclass(slots=True)
class Sequencer:
    """The heap of what is under way."""

    delay: Delay
    seed: int
    epoch: int
    _heap: list[_Due] = field(default_factory=list)

    def send(self, ref: Ref, receivers: tuple[str, ...], now_s: float) -> None:
        """A message was sent at `now_s`: it will reach each receiver after its link's delay."""
        for receiver in receivers:
            transit = Transit(self.seed, self.epoch, ref.sender, receiver, ref.seq, attempt=1)
            self._push(now_s + self.delay.delay_s(transit), receiver, ref)

    def wake(self, node: str, now_s: float) -> None:
        """A node wants another turn of its own accord, one smallest delay from now."""
        self._push(now_s + self.delay.smallest_s, node, Ref(node, _WAKE_SEQ))

    def _push(self, time_s: float, receiver: str, ref: Ref) -> None:
        heapq.heappush(self._heap, _Due(time_s, receiver, ref.sender, ref.seq))

    @property
    def in_flight(self) -> int:
        """How many messages and wake-ups are under way."""
        return len(self._heap)

    def next_batch(self) -> tuple[Grant, ...]:
        """Take out the next batch, one grant a receiver, sorted by receiver; empty when nothing is under way."""
        if not self._heap:
            return ()
        start = self._heap[0].time_s
        horizon = start + self.delay.smallest_s
        first: dict[str, float] = {}
        taken: dict[str, list[Ref]] = {}
        later: list[_Due] = []
        while self._heap and (self._heap[0].time_s == start or self._heap[0].time_s < horizon):
            due = heapq.heappop(self._heap)
            if first.setdefault(due.receiver, due.time_s) != due.time_s:
                later.append(due)
                continue
            refs = taken.setdefault(due.receiver, [])
            if due.seq != _WAKE_SEQ:
                refs.append(Ref(due.sender, due.seq))
        for due in later:
            heapq.heappush(self._heap, due)
        return tuple(Grant(name, first[name], tuple(taken[name])) for name in sorted(taken))
