"""Owns the communication conditions of a market as values: links, outages, partitions, compute time, patience.

Knows nothing of how a message is carried or of random draws. Values here are already validated
(`market.scenario` does that). The defaults are the perfect network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class TimeMode(StrEnum):
    """Which clock a run goes by."""

    VIRTUAL = "virtual"  # simulated: nobody waits, the broker is the sequencer
    WALL = "wall"  # real: the same conditions imposed by real waiting


class OnLoss(StrEnum):
    """What a market does when it loses a VPP: its process died, or gives no sign of life."""

    STOP = "stop"  # the run breaks off
    WAIT = "wait"  # the others wait for it, and all begin again when it is back
    WITHDRAW = "withdraw"  # the others begin again without it, and with it should it come back


@dataclass(frozen=True, slots=True)
class Constant:
    """Always `value_s`."""

    value_s: float


@dataclass(frozen=True, slots=True)
class Uniform:
    """Evenly from `low_s` to `high_s`."""

    low_s: float
    high_s: float


@dataclass(frozen=True, slots=True)
class Normal:
    """Normal, truncated at three deviations on either side and at 0."""

    mean_s: float
    deviation_s: float


@dataclass(frozen=True, slots=True)
class Lognormal:
    """The logarithm is normal, truncated at three deviations `sigma` on either side of the median."""

    median_s: float
    sigma: float


@dataclass(frozen=True, slots=True)
class Empirical:
    """One of the measured samples, each equally likely; in ascending order."""

    samples_s: tuple[float, ...]


Latency: TypeAlias = Constant | Uniform | Normal | Lognormal | Empirical


@dataclass(frozen=True, slots=True)
class LinkConditions:
    """What a link does to a message. `jitter_s` adds evenly from 0 to it; None as bandwidth is unlimited.

    `loss`, `duplication` and `reordering` are probabilities; a reordered message is held back by `reordering_s`.
    """

    latency: Latency = Constant(0.0)
    jitter_s: float = 0.0
    loss: float = 0.0
    duplication: float = 0.0
    reordering: float = 0.0
    reordering_s: float = 0.0
    bandwidth_bit_per_s: float | None = None


@dataclass(frozen=True, slots=True)
class Links:
    """Which links: those from, those to, or (`vpp`) those from and to a VPP; None leaves it open."""

    sender: str | None = None
    receiver: str | None = None
    vpp: str | None = None

    def cover(self, sender: str, receiver: str) -> bool:
        """Whether the link from `sender` to `receiver` is meant."""
        return (
            self.sender in (None, sender)
            and self.receiver in (None, receiver)
            and (self.vpp is None or self.vpp in (sender, receiver))
        )

    def __str__(self) -> str:
        """As a reader writes it: `VPP1 to VPP2`, `VPP3`."""
        if self.vpp is not None:
            return self.vpp
        return f"{self.sender or 'all'} to {self.receiver or 'all'}"


@dataclass(frozen=True, slots=True)
class LinkOverride:
    """What is different on some links; None leaves it as it is for all."""

    links: Links
    latency: Latency | None = None
    jitter_s: float | None = None
    loss: float | None = None
    duplication: float | None = None
    reordering: float | None = None
    reordering_s: float | None = None
    bandwidth_bit_per_s: float | None = None


@dataclass(frozen=True, slots=True)
class Outage:
    """Nothing gets through on `links` from `start_s` until `end_s`, exclusive; None: for ever."""

    links: Links
    start_s: float
    end_s: float | None


@dataclass(frozen=True, slots=True)
class Partition:
    """Nothing passes between different groups from `start_s` until `end_s`, exclusive; None: for ever.

    A VPP that is in no group reaches everybody.
    """

    groups: tuple[tuple[str, ...], ...]
    start_s: float
    end_s: float | None

    def separates(self, sender: str, receiver: str) -> bool:
        """Whether the two are in different groups."""
        ours = next((group for group in self.groups if sender in group), None)
        theirs = next((group for group in self.groups if receiver in group), None)
        return ours is not None and theirs is not None and ours != theirs


@dataclass(frozen=True, slots=True)
class NodeCompute:
    """What a turn of one VPP costs, in place of what it costs all."""

    vpp: str
    compute_s: float


@dataclass(frozen=True, slots=True)
class Retransmission:
    """How a lost message is sent again: after `after_s`, each time `backoff` times as late, at most `max_s`.

    A message not through `give_up_after_s` after it was first sent counts as undeliverable.
    """

    after_s: float = 0.2
    backoff: float = 2.0
    max_s: float = 5.0
    give_up_after_s: float = 3600.0

    def wait_s(self, attempt: int) -> float:
        """How long to wait after the given attempt, counted from 1, before the next."""
        growth = math.log(self.backoff)
        until_longest = math.ceil(math.log(self.max_s / self.after_s) / growth) if growth > 0.0 else 0
        return min(self.after_s * self.backoff ** min(attempt - 1, until_longest), self.max_s)


@dataclass(frozen=True, slots=True)
class NetworkRules:
    """Communication conditions. `every`: all links; of `links` that cover a link, later ones win, field by field.

    `stall_after_s`: real seconds without any progress after which a run in wall time counts as stalled.
    `silence_s`: real seconds without a sign of life after which a VPP counts as lost; `wait_s`: how long a lost
    one is waited for; `answer_s`: how long one that is alive may leave an order unanswered until it
    counts as lost.
    """

    every: LinkConditions = LinkConditions()
    links: tuple[LinkOverride, ...] = ()
    outages: tuple[Outage, ...] = ()
    partitions: tuple[Partition, ...] = ()
    compute_s: float = 0.0
    compute: tuple[NodeCompute, ...] = ()
    retransmission: Retransmission = Retransmission()
    stall_after_s: float = 30.0
    time: TimeMode = TimeMode.VIRTUAL
    on_loss: OnLoss = OnLoss.STOP
    silence_s: float = 10.0
    wait_s: float = 60.0
    answer_s: float = 300.0
