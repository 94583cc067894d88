"""The horizontal axis of a picture of convergence: simulated time where it passes, else records."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from market.app.history.snapshot import Snapshot


class _TimedEntry(Protocol):
    @property
    def position(self) -> int: ...

    @property
    def time_s(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Clock:
    """An axis. `timed`: seconds of simulated time, else records of the tape."""

    timed: bool
    span: tuple[float, float]

    def zoomed(self, window: tuple[float, float] | None) -> Clock:
        """The same axis, of which a window is shown; the whole where they do not meet."""
        if window is None:
            return self
        low, high = max(window[0], self.span[0]), min(window[1], self.span[1])
        return replace(self, span=(low, high)) if low < high else self

    @property
    def label(self) -> str:
        """What the axis is called."""
        return "simulated time, s" if self.timed else "records of the tape"

    def of(self, entry: _TimedEntry) -> float:
        """Where an entry stands."""
        return entry.time_s if self.timed else float(entry.position)


def clock_of(view: Snapshot, begun: int) -> Clock:
    """The axis for a moment; `begun` is the position at which the epoch began."""
    if view.time_s > 0:
        return Clock(True, (0.0, view.time_s))
    return Clock(False, (float(begun), float(max(view.position, begun + 1))))
