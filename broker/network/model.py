"""What happens to a message on its link: lost or delayed, once or twice, and in virtual time sent again.

Everything is a pure function of its arguments but for the link's queue, which is an argument as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import permutations

from broker.network.draw import RandomStream, draw
from broker.network.latency import latency_s, smallest_latency_s
from broker.network.link_queue import LinkQueue
from market.model.network import (
    MOST_AT_ONCE,
    Constant,
    LinkConditions,
    LinkOverride,
    NetworkRules,
    Outage,
    Partition,
)

LOSS = "loss"
_OVERRIDABLE = tuple(LinkConditions.__dataclass_fields__)
_ORIGINAL = (RandomStream.LATENCY, RandomStream.JITTER, RandomStream.REORDERING)
_COPY = (RandomStream.COPY_LATENCY, RandomStream.COPY_JITTER, RandomStream.COPY_REORDERING)


@dataclass(frozen=True, slots=True)
class AttemptKey:
    """One attempt to bring one message to one receiver: with the seed, all that a random draw may depend on."""

    epoch: int
    sender: str
    receiver: str
    seq: int
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of one attempt: seconds from sending to each arrival; none where `lost_by` says what took it.

    `link_s`: of these, seconds until it had left the link.
    """

    delays_s: tuple[float, ...]
    lost_by: str | None
    link_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Transmission:
    """All attempts of a message together: when it arrives (again and again), and how many attempts were lost.

    `blocked_by` says why a message never arrives; None where it does.
    """

    arrivals_s: tuple[float, ...]
    lost_attempts: int
    blocked_by: str | None


@dataclass(frozen=True, slots=True)
class _Link:
    """The conditions that hold on one link, and what interrupts it."""

    conditions: LinkConditions
    interruptions: tuple[Outage | Partition, ...]

    def interrupted_by(self, time_s: float) -> str | None:
        for interruption in self.interruptions:
            if interruption.start_s <= time_s and (interruption.end_s is None or time_s < interruption.end_s):
                return interruption_text(interruption)
        return None


class Conditions:
    """The network of a run.

    smallest_s : the look-ahead of virtual time, nothing ever takes less · pause_s : after a turn of any node
    """

    def __init__(self, rules: NetworkRules, vpps: Sequence[str], seed: int) -> None:
        self.rules = rules
        self._seed = seed
        self._compute_s = {node.vpp: node.compute_s for node in rules.compute}
        self._links: dict[tuple[str, str], _Link] = {}
        self.smallest_s = self._bound_s(vpps)
        self.pause_s = self._unhurried_s(len(vpps)) if rules.pause_s is None else rules.pause_s

    def compute_s(self, vpp: str) -> float:
        """Simulated seconds that a turn of this VPP takes."""
        return self._compute_s.get(vpp, self.rules.compute_s)

    def _unhurried_s(self, plants: int) -> float:
        """The pause after a turn where the rules say none; simulated seconds."""
        if plants <= MOST_AT_ONCE or self._are_alike():
            return 0.0
        every = self.rules.every
        kinds = (every, *(_overridden(every, override) for override in self.rules.links))
        return max(latency_s(kind.latency, 0.5) + kind.jitter_s / 2.0 for kind in kinds)

    def free_s(self, sender: str, receivers: Iterable[str], until_s: float, queue: LinkQueue) -> float:
        """When who computes until then may be given something: after a pause, and when what it said has left."""
        links = () if queue.unused else (queue.idle_s(sender, receiver, until_s) for receiver in receivers)
        return max(until_s + self.pause_s, max(links, default=until_s))

    def usual_s(self, sender: str, receiver: str) -> float | None:
        """How long every message takes from one to another; None where that is not the same for all.

        Then nothing is lost or doubled on the way either, and `journey` says of each when it arrives.
        """
        link = self._link(sender, receiver)
        each, latency = link.conditions, link.conditions.latency
        chances = (each.loss, each.duplication, each.reordering, each.jitter_s, each.bandwidth_bit_per_s)
        if not isinstance(latency, Constant) or any(chances) or link.interruptions:
            return None
        return latency_s(latency, 0.5)

    def alike_s(self) -> float | None:
        """How long every message takes on every link; None where they differ, or somebody takes time for a turn.

        >>> from market.model.network import NetworkRules
        >>> Conditions(NetworkRules(), ("A", "B"), seed=1).alike_s()
        0.0
        """
        takes_time = self.pause_s or self.rules.compute_s or any(self._compute_s.values())
        return None if takes_time or not self._are_alike() else self.usual_s("", "")

    def _are_alike(self) -> bool:
        """Whether every message takes as long on every link."""
        apart = self.rules.links or self.rules.outages or self.rules.partitions
        return not apart and self.usual_s("", "") is not None

    def attempt(
        self, transit: AttemptKey, sent_s: float, size_bytes: int = 0, queue: LinkQueue | None = None
    ) -> Attempt:
        """What becomes of one attempt made at `sent_s`; waiting for the link counts as delay.

        It is lost if the link is interrupted when the message leaves it. `queue` is needed where bandwidth is
        limited: without one the link is taken to be free.
        """
        link = self._link(transit.sender, transit.receiver)
        left_s = self._left_s(transit, sent_s, size_bytes, queue)
        link_s = left_s - sent_s
        if lost_by := self._lost_by(link, transit, left_s):
            return Attempt((), lost_by, link_s)
        delays_s = self._delays_s(link.conditions, transit)
        return Attempt(tuple(link_s + delay_s for delay_s in delays_s), None, link_s)

    def journey(
        self, transit: AttemptKey, sent_s: float, size_bytes: int = 0, queue: LinkQueue | None = None
    ) -> Transmission:
        """What becomes of a message first sent at `sent_s` and sent again until it is through.

        After a lost attempt the sender waits, counted from when that attempt left the link. No attempt is made
        later than `give_up_after_s` after the first.
        """
        link = self._link(transit.sender, transit.receiver)
        again = self.rules.retransmission
        ready_s, lost = sent_s, 0
        while True:
            left_s = self._left_s(transit, ready_s, size_bytes, queue)
            lost_by = self._lost_by(link, transit, left_s)
            if lost_by is None:
                delays_s = self._delays_s(link.conditions, transit)
                return Transmission(tuple(sorted(left_s + delay_s for delay_s in delays_s)), lost, None)
            lost += 1
            transit = replace(transit, attempt=lost + 1)
            ready_s = left_s + again.wait_s(lost)
            if ready_s > sent_s + again.give_up_after_s:
                return Transmission((), lost, lost_by)

    def _bound_s(self, vpps: Sequence[str]) -> float:
        every = smallest_latency_s(self.rules.every.latency)
        if not any(override.latency for override in self.rules.links):
            return every
        bounds = [smallest_latency_s(self._conditions(*pair).latency) for pair in permutations(vpps, 2)]
        return min(bounds, default=every)

    def _link(self, sender: str, receiver: str) -> _Link:
        link = self._links.get((sender, receiver))
        if link is None:
            outages = [outage for outage in self.rules.outages if outage.links.cover(sender, receiver)]
            apart = [partition for partition in self.rules.partitions if partition.separates(sender, receiver)]
            link = _Link(self._conditions(sender, receiver), (*outages, *apart))
            self._links[sender, receiver] = link
        return link

    def _conditions(self, sender: str, receiver: str) -> LinkConditions:
        conditions = self.rules.every
        for override in self.rules.links:
            if override.links.cover(sender, receiver):
                conditions = _overridden(conditions, override)
        return conditions

    def _draw(self, transit: AttemptKey, what: RandomStream) -> float:
        return draw(
            self._seed, transit.epoch, transit.sender, transit.receiver, transit.seq, transit.attempt, what
        )

    def _left_s(self, transit: AttemptKey, ready_s: float, size_bytes: int, queue: LinkQueue | None) -> float:
        """When a message ready at `ready_s` has left the link: after those before it, and after its last bit."""
        bandwidth = self._link(transit.sender, transit.receiver).conditions.bandwidth_bit_per_s
        if bandwidth is None:
            return ready_s
        duration_s = 8.0 * size_bytes / bandwidth
        if queue is None:
            return ready_s + duration_s
        return queue.depart_s(transit.sender, transit.receiver, ready_s, duration_s)

    def _lost_by(self, link: _Link, transit: AttemptKey, left_s: float) -> str | None:
        if interruption := link.interrupted_by(left_s):
            return interruption
        loss = link.conditions.loss
        return LOSS if loss and self._draw(transit, RandomStream.LOSS) < loss else None

    def _delays_s(self, conditions: LinkConditions, transit: AttemptKey) -> tuple[float, ...]:
        """Seconds on the way of a message that gets through, and of its copy where it is duplicated."""
        delay_s = self._delay_s(conditions, transit, *_ORIGINAL)
        if conditions.duplication and self._draw(transit, RandomStream.DUPLICATION) < conditions.duplication:
            return (delay_s, self._delay_s(conditions, transit, *_COPY))
        return (delay_s,)

    def _delay_s(
        self,
        conditions: LinkConditions,
        transit: AttemptKey,
        latency: RandomStream,
        jitter: RandomStream,
        reordering: RandomStream,
    ) -> float:
        constant = isinstance(conditions.latency, Constant)
        delay_s = latency_s(conditions.latency, 0.5 if constant else self._draw(transit, latency))
        if conditions.jitter_s:
            delay_s += conditions.jitter_s * self._draw(transit, jitter)
        if conditions.reordering and self._draw(transit, reordering) < conditions.reordering:
            delay_s += conditions.reordering_s
        return delay_s


def interruption_text(interruption: Outage | Partition) -> str:
    """An interruption in words: what, whom it separates, and when."""
    until = "on" if interruption.end_s is None else f"to {interruption.end_s:g} s"
    window = f"from {interruption.start_s:g} s {until}"
    if isinstance(interruption, Outage):
        return f"outage of {interruption.links} {window}"
    return f"partition {' / '.join(', '.join(group) for group in interruption.groups)} {window}"


def _overridden(conditions: LinkConditions, override: LinkOverride) -> LinkConditions:
    given = {name: value for name in _OVERRIDABLE if (value := getattr(override, name)) is not None}
    return replace(conditions, **given)
