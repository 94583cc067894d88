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
        if record[0] in _TIME_AT:
            time_s = max(time_s, float(record[_TIME_AT[record[0]]]))
    return Past(epoch, time_s)
