"""Sessions in a profile of charging, and each as a vehicle that may take its energy until it leaves.

A session is a run of rows above 0. It begins when the vehicle comes; it may last until an hour at which such
vehicles leave, and always at least as long as it does in the profile, so that what was charged can be charged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class ChargingSession:
    """Rows of a profile, first to last, and the sum of their values times the length of a row, h."""

    first: int
    last: int
    hours: float
    most: float


def sessions(profile: Sequence[float], step_h: float) -> Iterator[ChargingSession]:
    """Runs of rows above 0.

    >>> [(s.first, s.last, s.hours) for s in sessions([0, 1, 0.5, 0, 1], 0.5)]
    [(1, 2, 0.75), (4, 4, 0.5)]
    """
    first: int | None = None
    for at, value in enumerate([*profile, 0.0]):
        if value > 0 and first is None:
            first = at
        elif value <= 0 and first is not None:
            rows = profile[first:at]
            yield ChargingSession(first, at - 1, sum(rows) * step_h, max(rows))
            first = None


def leaves_h(session: ChargingSession, starts: Sequence[datetime], step_h: float, hour: int) -> float:
    """When the vehicle of a session leaves, h from the first row on: the next time it is `hour` o'clock.

    Not before the session's end, and not after that of the rows.
    """
    begin = starts[session.first]
    leaving = begin.replace(hour=hour, minute=0, second=0, microsecond=0)
    if leaving <= begin:
        leaving += timedelta(days=1)
    hours = (leaving.timestamp() - starts[0].timestamp()) / 3600.0
    return min(len(starts) * step_h, max(hours, (session.last + 1) * step_h))
