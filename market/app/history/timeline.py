"""A tape with its history: the records, and the snapshot and event log after any of them.

Records may be added by one thread while others look.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

from broker.tape import Record
from market.app.history.event_log import EventLog
from market.app.history.snapshot import Snapshot, apply

EVERY = 64
"""A state is kept after each so many records; those between are made anew when they are asked for."""


class Timeline:
    """The states of a market, by how many records of its tape have passed."""

    def __init__(self, records: Sequence[Record] = ()) -> None:
        self.event_log = EventLog()
        self._records: list[Record] = []
        self._kept: list[Snapshot] = [Snapshot()]
        self._newest = Snapshot()
        self._shown = Snapshot()
        self._lock = Lock()
        self.extend(records)

    def __len__(self) -> int:
        return len(self._records)

    @property
    def newest(self) -> Snapshot:
        """The state after the last record."""
        return self._newest

    @property
    def records(self) -> Sequence[Record]:
        """The records so far."""
        return tuple(self._records)

    def extend(self, records: Sequence[Record]) -> None:
        """Add records."""
        with self._lock:
            for record in records:
                before = self._newest
                after = apply(before, record)
                self.event_log.note(before, record, after)
                self._records.append(record)
                self._newest = after
                if after.position % EVERY == 0:
                    self._kept.append(after)

    def at(self, position: int) -> Snapshot:
        """The state after `position` records, at most those there are."""
        with self._lock:
            position = max(0, min(position, len(self._records)))
            if position == self._newest.position:
                return self._newest
            view = self._kept[position // EVERY]
            if view.position <= self._shown.position <= position:
                view = self._shown
            for record in self._records[view.position : position]:
                view = apply(view, record)
            self._shown = view
            return view
