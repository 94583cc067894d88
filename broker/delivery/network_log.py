"""Measurements of a run's network: each message and link, messages in flight over time, staleness of offers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

MOST_MESSAGES: Final = 100_000
"""So many messages, each to one receiver, are kept one by one; of those that are sent later only the sums."""

MOST_BY_LINK: Final = 1_000_000
"""Of more copies that were sent the totals are added up by message, which may move the mean delay's last digit."""


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


@dataclass(slots=True)
class CrowdLog:
    """One message that takes as long to each of its receivers. delay_s : None before it has arrived"""

    sender: str
    receivers: tuple[str, ...]
    sent_s: float
    bytes: int
    delivered: int = 0
    delay_s: float | None = None

    def arrived(self, receivers: int, time_s: float) -> None:
        """It has reached so many more of them."""
        self.delivered += receivers
        self.delay_s = time_s - self.sent_s

    def as_link(self) -> LinkLog:
        """Its deliveries as those of one direction."""
        assert self.delay_s is not None
        delays_s = (self.delivered * self.delay_s, self.delay_s, self.delay_s)
        return LinkLog(self.delivered, self.delivered, 0, 0, 0, 0, 0, self.bytes * self.delivered, *delays_s)


class MessageFate(StrEnum):
    """What became of a message on its way to one receiver, by the end of its epoch."""

    UNDER_WAY = "under_way"
    DELIVERED = "delivered"
    LATE = "late"  # delivered, after a newer message of the same sender
    UNDELIVERABLE = "undeliverable"


@dataclass(slots=True)
class CarriedMessage:
    """One message to one receiver. Numbers begin anew in each epoch. bytes : of all attempts

    arrival_s : when its first copy was given to the receiver, None before that
    """

    epoch: int
    sender: str
    receiver: str
    seq: int
    kind: str
    sent_s: float
    attempts: int = 0
    bytes: int = 0
    arrival_s: float | None = None
    fate: MessageFate = MessageFate.UNDER_WAY

    def tried(self, size_bytes: int, attempts: int = 1) -> None:
        """It has been sent, or sent again."""
        self.attempts += attempts
        self.bytes += attempts * size_bytes

    def arrived(self, time_s: float, *, late: bool) -> None:
        """Its first copy has arrived."""
        self.arrival_s = time_s
        self.fate = MessageFate.LATE if late else MessageFate.DELIVERED


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
    """Everything about a run's network. messages : the first `most_messages` that were sent, in that order

    crowds : what is told of all receivers of a message together, and not in `link`
    """

    most_messages: int = MOST_MESSAGES
    messages: list[CarriedMessage] = field(default_factory=list)
    crowds: list[CrowdLog] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    staleness: list[Staleness] = field(default_factory=list)
    _links: dict[tuple[str, str], LinkLog] = field(default_factory=dict)
    _groups: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)

    @property
    def links(self) -> dict[tuple[str, str], LinkLog]:
        """The log of each direction, put together anew."""
        links = {between: replace(link) for between, link in self._links.items()}
        for crowd in self.crowds:
            for receiver in crowd.receivers:
                link = links.setdefault((crowd.sender, receiver), LinkLog())
                link.sent += 1
                link.bytes += crowd.bytes
                if crowd.delay_s is not None:
                    link.arrived(crowd.delay_s)
        return links

    def delays(self) -> list[LinkLog]:
        """What was delivered, and how long it took: by direction or, where very much was sent, by message."""
        if self.total("sent") <= MOST_BY_LINK:
            return [link for link in self.links.values() if link.delivered]
        told = [link for link in self._links.values() if link.delivered]
        return told + [crowd.as_link() for crowd in self.crowds if crowd.delivered]

    def crowd(self, sender: str, receivers: tuple[str, ...], sent_s: float, size_bytes: int) -> CrowdLog:
        """The log of a message that takes as long to each of its receivers."""
        log = CrowdLog(sender, self._groups.setdefault(receivers, receivers), sent_s, size_bytes)
        self.crowds.append(log)
        return log

    def link(self, sender: str, receiver: str) -> LinkLog:
        """The log of one direction."""
        link = self._links.get((sender, receiver))
        if link is None:
            link = self._links[sender, receiver] = LinkLog()
        return link

    def kept(
        self, epoch: int, sender: str, receiver: str, seq: int, kind: str, sent_s: float
    ) -> CarriedMessage | None:
        """The record of a message that is about to be sent to a receiver; None of one that is in the sums only."""
        if len(self.messages) >= self.most_messages:
            return None
        return self.sent(CarriedMessage(epoch, sender, receiver, seq, kind, sent_s))

    def sent(self, message: CarriedMessage) -> CarriedMessage:
        """A message is about to be sent to a receiver; what becomes of it is to be told to what comes back."""
        if len(self.messages) < self.most_messages:
            self.messages.append(message)
        return message

    def total(self, what: str) -> int:
        """A count summed over all links, by its field's name."""
        told: int = sum(getattr(link, what) for link in self._links.values())
        match what:
            case "sent":
                return told + sum(len(crowd.receivers) for crowd in self.crowds)
            case "bytes":
                return told + sum(len(crowd.receivers) * crowd.bytes for crowd in self.crowds)
            case "delivered":
                return told + sum(crowd.delivered for crowd in self.crowds)
            case _:
                return told
