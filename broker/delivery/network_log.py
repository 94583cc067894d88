"""Measurements of a run's network: each message and link, messages in flight over time, staleness of offers."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

MOST_MESSAGES: Final = 100_000
"""So many messages, each to one receiver, are kept one by one; of those that are sent later only the sums."""


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
    """Everything about a run's network. messages : the first `most_messages` that were sent, in that order"""

    most_messages: int = MOST_MESSAGES
    messages: list[CarriedMessage] = field(default_factory=list)
    links: dict[tuple[str, str], LinkLog] = field(default_factory=dict)
    moments: list[Moment] = field(default_factory=list)
    staleness: list[Staleness] = field(default_factory=list)

    def link(self, sender: str, receiver: str) -> LinkLog:
        """The log of one direction."""
        link = self.links.get((sender, receiver))
        if link is None:
            link = self.links[sender, receiver] = LinkLog()
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
        return sum(getattr(link, what) for link in self.links.values())
