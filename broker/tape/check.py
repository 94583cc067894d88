"""What a tape has to be beyond the types of its records: a fold that refuses the first which no run leaves."""

from __future__ import annotations

from broker.tape.records import Opened, Record, Shared
from broker.wire.frames import WIRE_VERSION
from market.errors import TapeError
from market.scenario.digest import seal_shared


class TapeCheck:
    """The records so far. `take` one more; TapeError where it does not belong there."""

    def __init__(self) -> None:
        self._position = 0
        self._header: Opened | None = None

    def take(self, record: Record) -> None:
        """One more record."""
        self._position += 1
        if self._position == 1:
            self._opened(record)
        elif self._position == 2:
            self._shared(record)

    def _opened(self, record: Record) -> None:
        if not isinstance(record, Opened):
            raise TapeError("it does not begin with a tape's header")
        if record.wire_version != WIRE_VERSION:
            story = f"the tape holds messages of wire version {record.wire_version}"
            raise TapeError(f"{story}, this software reads {WIRE_VERSION}")
        self._header = record

    def _shared(self, record: Record) -> None:
        if not isinstance(record, Shared):
            raise TapeError("the tape does not hold its scenario")
        sealed = seal_shared(record.scenario)
        if sealed.digest != record.scenario.digest or sealed.public.digest != record.scenario.public.digest:
            raise TapeError(f"the tape's scenario was altered: its digest is {sealed.digest}")
