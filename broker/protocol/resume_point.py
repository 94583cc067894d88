"""Where a run that broke off resumes, by its tape."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from broker.tape import EpochBegun, Record, time_of


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Where a run stood that broke off: its last epoch, and the latest time on its tape."""

    epoch: int
    time_s: float


def past_of(records: Iterable[Record]) -> ResumePoint:
    """Where the run of these records stood. A new epoch follows: what was under way when it broke off is void."""
    epoch, time_s = 0, 0.0
    for record in records:
        if isinstance(record, EpochBegun):
            epoch = record.number
        time_s = max(time_s, time_of(record) or 0.0)
    return ResumePoint(epoch, time_s)
