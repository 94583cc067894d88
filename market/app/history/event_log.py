"""The events of a tape so far, in lists that only grow: prices, choices, deliveries, and a log in words.

Every entry carries the position of its record, so that the past of any moment is a prefix of each list. The state
at a moment is in `market.app.history.snapshot`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from broker.delivery.network_log import NetworkLog
from broker.delivery.staleness import StalenessLog
from broker.tape import DoneSaid, MessageSaid, Record, TurnGiven
from broker.wire.messages import MarketMessage, Offer, Seen, Selection
from market.app.history.snapshot import Snapshot
from market.app.history.wording import event_lines


@dataclass(frozen=True, slots=True)
class SaidAt:
    """An offer or a selection, when it was said."""

    position: int
    time_s: float
    epoch: int
    sender: str
    message: MarketMessage


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that has reached a receiver."""

    position: int
    time_s: float
    sender: str
    receiver: str
    delay_s: float


@dataclass(frozen=True, slots=True)
class StalenessAt:
    """An offer, and for how long the oldest price it was based on had been superseded."""

    position: int
    time_s: float
    vpp: str
    version: int
    staleness_s: float


@dataclass(frozen=True, slots=True)
class Load:
    """How many copies of messages are under way after a record."""

    position: int
    time_s: float
    in_flight: int


@dataclass(frozen=True, slots=True)
class Line:
    """What happened, in words. `who` is empty for what concerns the market as a whole."""

    position: int
    time_s: float
    who: str
    text: str


class _HasPosition(Protocol):
    @property
    def position(self) -> int: ...


_Entry = TypeVar("_Entry", bound=_HasPosition)


def until(entries: Sequence[_Entry], position: int) -> Sequence[_Entry]:
    """The entries of the first `position` records."""
    return entries[: bisect_right(entries, position, key=lambda entry: entry.position)]


def since(entries: Sequence[_Entry], position: int) -> Sequence[_Entry]:
    """The entries after the first `position` records."""
    return entries[bisect_right(entries, position, key=lambda entry: entry.position) :]


@dataclass
class EventLog:
    """The lists. `note` adds what a record brings; `before` and `after` are the states around it."""

    said: list[SaidAt] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    staleness: list[StalenessAt] = field(default_factory=list)
    loads: list[Load] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    epochs: list[int] = field(default_factory=lambda: [0])

    def __post_init__(self) -> None:
        self._begin_epoch()

    def _begin_epoch(self) -> None:
        self._log = NetworkLog()
        self._staleness = StalenessLog(self._log)
        self._seen: dict[str, dict[str, int]] = {}
        self._versions: dict[tuple[str, int], int] = {}

    def note(self, before: Snapshot, record: Record, after: Snapshot) -> None:
        """Add what there is to tell of a record."""
        if after.epoch != before.epoch:
            self._begin_epoch()
            self.epochs.append(after.position)
        if isinstance(record, MessageSaid):
            self._note_message(before, record, after)
        elif isinstance(record, TurnGiven):
            self._note_turn(before, record, after)
        elif isinstance(record, DoneSaid):
            self._note_done(before, record, after)
        if len(after.under_way) != len(before.under_way):
            self.loads.append(Load(after.position, after.time_s, len(after.under_way)))
        for who, text in event_lines(before, record, after):
            self.lines.append(Line(after.position, after.time_s, who, text))

    def _note_message(self, before: Snapshot, record: MessageSaid, after: Snapshot) -> None:
        time_s, sender = record.time_s, record.sender
        message: Offer | Selection
        if after.offers.get(sender) is not before.offers.get(sender):
            message = after.offers[sender]
            self._versions[sender, record.seq] = message.version
            self._note_staleness(after.position, time_s, sender, message)
        elif after.selections.get(sender) is not before.selections.get(sender):
            message = after.selections[sender]
        else:
            return
        self.said.append(SaidAt(after.position, time_s, record.epoch, sender, message))

    def _note_staleness(self, position: int, time_s: float, seller: str, offer: Offer) -> None:
        seen = [Seen(vpp, version) for vpp, version in self._seen.get(seller, {}).items()]
        self._staleness.offer(time_s, seller, offer, seen)
        age = self._log.staleness[-1]
        self.staleness.append(StalenessAt(position, age.time_s, seller, offer.version, age.staleness_s))

    def _note_turn(self, before: Snapshot, record: TurnGiven, after: Snapshot) -> None:
        time_s, receiver = record.time_s, record.receiver
        for ref in record.refs:
            passage = before.under_way.get((receiver, ref.sender, ref.seq))
            if passage is not None:
                delay_s = time_s - passage.sent_s
                self.deliveries.append(Delivery(after.position, time_s, ref.sender, receiver, delay_s))
            version = self._versions.get((ref.sender, ref.seq), 0)
            seen = self._seen.setdefault(receiver, {})
            if version:
                seen[ref.sender] = max(version, seen.get(ref.sender, 0))

    def _note_done(self, before: Snapshot, record: DoneSaid, after: Snapshot) -> None:
        """In real time an offer counts as delivered when it is used."""
        time_s, receiver = record.time_s, record.vpp
        used = self._seen[receiver] = {entry.vpp: entry.version for entry in record.done.seen}
        for key, passage in before.under_way.items():
            if key not in after.under_way and passage.version == used.get(passage.sender):
                delay_s = time_s - passage.sent_s
                self.deliveries.append(Delivery(after.position, time_s, passage.sender, receiver, delay_s))
