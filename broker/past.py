"""Owns what a tape tells of a run that broke off: where to take it up again. Knows nothing of files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from broker.tape import Record

_TIME_AT = {"message": 1, "turn": 2, "command": 2, "epoch": 2, "left": 1, "back": 1, "done": 1, "resumed": 1}
"""Where the time stands in a record, by its kind."""


@dataclass(frozen=True, slots=True)
class Past:
    """Where a run stood that broke off: its last epoch, and the latest time on its tape."""

    epoch: int
    time_s: float


def past_of(records: Iterable[Record]) -> Past:
    """Where the run of these records stood. A new epoch follows: what was under way when it broke off is void."""
    epoch, time_s = 0, 0.0
    for record in records:
        if record[0] == "epoch":
            epoch = int(record[1])
        time_s = max(time_s, time_of(record) or 0.0)
    return Past(epoch, time_s)


def time_of(record: Record) -> float | None:
    """The time at which a record was made, where it tells."""
    place = _TIME_AT.get(record[0])
    return None if place is None else float(record[place])
