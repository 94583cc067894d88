"""Keeps messages that arrive before their turn.

Data and turns travel on different connections, without an order between them: a turn can be taken only when
every message it names is here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from broker.wire.messages import DataMessage, Ref


class Inbox:
    """Messages by sender and number, each kept until its turn has been taken."""

    def __init__(self) -> None:
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
        return ref in self._taken or ref in self._waiting

    def waiting(self) -> tuple[Ref, ...]:
        """What has come and was not taken."""
        return tuple(self._waiting)

    def missing(self, refs: Sequence[Ref]) -> tuple[Ref, ...]:
        """Which of these have not come."""
        return tuple(ref for ref in refs if ref not in self._waiting)

    def take(self, refs: Sequence[Ref]) -> tuple[tuple[str, DataMessage], ...]:
        """Take out these messages, all of which are here, in this order."""
        self._taken.update(refs)
        return tuple((ref.sender, self._waiting.pop(ref)) for ref in refs)

    def forget(self, refs: Iterable[Ref]) -> None:
        """Drop what has come and is for others only."""
        for ref in refs:
            self._waiting.pop(ref, None)
