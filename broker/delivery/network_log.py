"""Measurements of a run's network: each link's traffic, messages in flight over time, staleness of offers."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class LinkLog:
    """One direction between two VPPs. Delays are from sending to arrival, recoveries included, seconds."""

    sent: int = 0
    delivered: int = 0
    lost: int = 0  # attempts that did not get through
    resent: int = 0  # attempts after a message's first
    duplicated: int = 0  # copies that came again and were discarded
    late: int = 0  # messages that came after a newer one of the same sender
    undeliverable: int = 0
    bytes: int = 0  # of all attempts
    delay_sum_s: float = 0.0
    delay_min_s: float = float("inf")
    delay_max_s: float = 0.0

    def arrived(self, delay_s: float) -> None:
        """A first copy has arrived."""
        self.delivered += 1
        self.delay_sum_s += delay_s
        self.delay_min_s = min(self.delay_min_s, delay_s)
        self.delay_max_s = max(self.delay_max_s, delay_s)

    @property
    def delay_mean_s(self) -> float:
        """Mean delay of what was delivered, 0 if nothing was."""
        return self.delay_sum_s / self.delivered if self.delivered else 0.0


@dataclass(frozen=True, slots=True)
class Moment:
    """Just before a delivery at `time_s`: copies under way, and copies that wait for a busy receiver."""

    time_s: float
    in_flight: int
    queued: int


@dataclass(frozen=True, slots=True)
class Staleness:
    """An offer of `vpp` at `time_s`: for how long the oldest price it was based on had been superseded."""

    time_s: float
    vpp: str
    version: int
    staleness_s: float


@dataclass(slots=True)
class NetworkLog:
    """Everything about one epoch's network."""

    links: dict[tuple[str, str], LinkLog] = field(default_factory=dict)
    moments: list[Moment] = field(default_factory=list)
    staleness: list[Staleness] = field(default_factory=list)

    def link(self, sender: str, receiver: str) -> LinkLog:
        """The log of one direction."""
        link = self.links.get((sender, receiver))
        if link is None:
            link = self.links[sender, receiver] = LinkLog()
        return link

    def total(self, what: str) -> int:
        """A count summed over all links, by its field's name."""
        return sum(getattr(link, what) for link in self.links.values())
