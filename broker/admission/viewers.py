"""Serves viewers of a run: pieces of its tape on request, and the rest of it when the run ends.

A viewer asks for the tape from a byte on and gets one piece; nothing is kept or queued for it, so that a slow one
just asks less often, and one that is gone is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from broker.wire.messages import Count, Watch, Watched

PIECE_BYTES = 128 << 10
ANSWERS_PER_S = 200
"""Of all viewers together: whatever they ask for, the market's own work goes on."""

RECENT_S = 10.0
"""Who has asked within this time is seen off; on a busy machine a viewer may not come to ask for seconds."""

MOST_VIEWERS = 16
FAREWELL_BYTES = 4 << 20


class Shown(Protocol):
    """A tape that can be read while it is written."""

    @property
    def size(self) -> int:
        """Bytes written so far."""
        ...

    def piece(self, offset: int, most: int) -> bytes:
        """At most so many bytes from an offset on."""
        ...


@dataclass(frozen=True, slots=True)
class RunStatus:
    """How a run is."""

    phase: str
    time_s: float
    waiting_for: tuple[str, ...]
    waiting_s: float
    counts: tuple[Count, ...]


@dataclass(frozen=True, slots=True)
class _Viewer:
    asked_at: float
    upto: int


class Viewers:
    """The viewers of one run, as far as the run needs to know of them."""

    def __init__(self, tape: Shown) -> None:
        self._tape = tape
        self._viewers: dict[bytes, _Viewer] = {}
        self._second = 0
        self._answers = 0
        self._over = False
        self._fault = ""

    @property
    def visited(self) -> bool:
        """Whether anybody has looked on so far."""
        return bool(self._viewers)

    def may_answer(self, now: float) -> bool:
        """Whether one more request can be answered this second."""
        if int(now) != self._second:
            self._second, self._answers = int(now), 0
        self._answers += 1
        return self._answers <= ANSWERS_PER_S

    def answer(self, route: bytes, watch: Watch, status: RunStatus, now: float) -> Watched:
        """What a viewer gets that has asked."""
        shown = self._shown(watch.from_byte, status)
        self._viewers.pop(route, None)
        if len(self._viewers) >= MOST_VIEWERS:
            del self._viewers[next(iter(self._viewers))]  # the one that has not asked for longest
        self._viewers[route] = _Viewer(now, watch.from_byte + len(shown.piece))
        return shown

    def farewell(self, status: RunStatus, fault: str, now: float) -> Iterator[tuple[bytes, Watched]]:
        """By route, the rest of the tape for everybody who has asked of late, at most FAREWELL_BYTES for each.

        Whoever asks from now on, or has asked and not been answered yet, hears the same of the run's end.
        """
        self._over, self._fault = True, fault
        for route, viewer in self._viewers.items():
            offset = viewer.upto
            while now - viewer.asked_at <= RECENT_S:
                shown = self._shown(offset, status)
                yield route, shown
                offset += len(shown.piece)
                if not shown.piece or offset >= self._tape.size or offset - viewer.upto >= FAREWELL_BYTES:
                    break

    def _shown(self, offset: int, status: RunStatus) -> Watched:
        piece = self._tape.piece(offset, PIECE_BYTES) if offset < self._tape.size else b""
        return Watched(
            from_byte=offset,
            piece=piece,
            size=self._tape.size,
            phase=status.phase,
            time_s=status.time_s,
            waiting_for=status.waiting_for,
            waiting_s=status.waiting_s,
            counts=status.counts,
            over=self._over,
            fault=self._fault,
        )
