"""Keeps messages that arrive before their turn.

Data and turns travel on different connections, without an order between them: a turn can be taken only when
every message it names is here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from broker.wire.frames import Envelope
from broker.wire.messages import DataMessage, Ref

_EPOCHS: Final = 2
"""Of so many epochs a process keeps what it has heard: nodes may be in two at a time."""

_NOTHING: Final[Mapping[Ref, DataMessage]] = MappingProxyType({})


class HeardByAll:
    """What was said to all and has come to a process, kept once for all of its nodes, by epoch."""

    def __init__(self) -> None:
        self._epochs: dict[int, dict[Ref, DataMessage]] = {}

    def of(self, epoch: int) -> Mapping[Ref, DataMessage]:
        """What has come of an epoch, and will come."""
        known = self._epochs.get(epoch)
        if known is None:
            known = self._epochs[epoch] = {}
            while len(self._epochs) > _EPOCHS:
                del self._epochs[min(self._epochs)]
        return known

    def put(self, envelope: Envelope, message: DataMessage) -> bool:
        """Keep a message; False if it is a duplicate, or of what is over."""
        if envelope.epoch not in self._epochs and envelope.epoch < max(self._epochs, default=0):
            return False
        known = self._epochs.setdefault(envelope.epoch, {})
        self.of(envelope.epoch)
        ref = Ref(envelope.sender, envelope.seq)
        return known.setdefault(ref, message) is message


class Inbox:
    """Messages by sender and number, each kept until its turn has been taken.

    heard : what has come to all nodes of its process
    """

    def __init__(self, heard: Mapping[Ref, DataMessage] = _NOTHING) -> None:
        self._heard = heard
        self._waiting: dict[Ref, DataMessage] = {}
        self._taken: set[Ref] = set()

    def put(self, ref: Ref, message: DataMessage) -> bool:
        """Keep a message; False if it is a duplicate."""
        if self.has(ref):
            return False
        self._waiting[ref] = message
        return True

    def has(self, ref: Ref) -> bool:
        """Whether a message has come, taken or not."""
        return ref in self._taken or ref in self._waiting or ref in self._heard

    def waiting(self) -> tuple[Ref, ...]:
        """What has come to this node alone and was not taken."""
        return tuple(self._waiting)

    def missing(self, refs: Sequence[Ref]) -> tuple[Ref, ...]:
        """Which of these have not come."""
        if self._heard.keys() >= {*refs}:
            return ()
        return tuple(ref for ref in refs if ref not in self._waiting and ref not in self._heard)

    def take(self, refs: Sequence[Ref]) -> tuple[tuple[str, DataMessage], ...]:
        """Take out these messages, all of which are here, in this order."""
        heard = self._heard
        return tuple((ref.sender, heard[ref] if ref in heard else self._pop(ref)) for ref in refs)

    def _pop(self, ref: Ref) -> DataMessage:
        self._taken.add(ref)
        return self._waiting.pop(ref)

    def forget(self, refs: Iterable[Ref]) -> None:
        """Drop what has come and is for others only."""
        for ref in refs:
            self._waiting.pop(ref, None)
