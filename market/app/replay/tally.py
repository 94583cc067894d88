"""The outcome of a replay: how many decisions, and whose, are the recorded ones.

A replay may stop at a moment: behind the last record that is not later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from broker.protocol.run_result import RunResult
from broker.tape import Record, time_of
from market.app.history.snapshot import Snapshot, apply
from market.app.replay.decision import Agreement, Decision
from market.app.replay.replay import NO_PLANTS, Replay
from market.app.replay.verdicts import state_at_moment
from market.model.vpp import Vpp

BROKEN_OFF = "the tape ends here, before the run was complete"
STOPPED = "the replay stops here"


@dataclass(slots=True)
class Tally:
    """All decisions of a replay.

    counts : by who, what and agreement · differing : those that came out otherwise, in the order of the tape
    unknown : by the reason why something was not computed again, whose that was
    unchecked : what there was nothing to hold against, and why · left : what the run left behind
    complete : whether the tape's last record was replayed · stood : what stood where the replay was told to stop
    """

    counts: Counter[tuple[str, str, Agreement]] = field(default_factory=Counter)
    differing: list[Decision] = field(default_factory=list)
    unknown: dict[str, list[str]] = field(default_factory=dict)
    unchecked: list[str] = field(default_factory=list)
    left: RunResult | None = None
    complete: bool = False
    stood: dict[str, Any] | None = None

    def add(self, decisions: Iterable[Decision]) -> None:
        """Count some more."""
        for decision in decisions:
            self.counts[decision.who, decision.what, decision.agreement] += 1
            if decision.differs:
                self.differing.append(decision)
            if decision.agreement is Agreement.NOT_RECOMPUTED:
                of = self.unknown.setdefault(decision.detail, [])
                of += [] if decision.who in of else [decision.who]

    def number(self, agreement: Agreement) -> int:
        """How many decisions came out so."""
        return sum(count for (_, _, found), count in self.counts.items() if found is agreement)

    @property
    def largest_difference(self) -> float:
        """Between two numbers that should be equal, in their unit; 0 where none differ."""
        sizes = (difference.size for decision in self.differing for difference in decision.differences)
        return max((size for size in sizes if size == size), default=0.0)


def replayed(
    records: Sequence[Record], until_s: float | None = None, plants: Mapping[str, Vpp] = NO_PLANTS
) -> Tally:
    """Replay a tape to its end, or until a moment. TapeError if it is none that a run leaves behind.

    plants : those that are known here; their decisions are computed again as well
    """
    replay, tally = Replay(plants), Tally()
    stop = len(records) if until_s is None else _stop(records, until_s)
    for record in records[:stop]:
        tally.add(replay.take(record))
    if until_s is not None:
        if stop < len(records):
            tally.add(replay.stop_before(records[stop]))
        tally.stood = state_at_moment(_viewed(records[:stop]), replay.broker)
    tally.complete, tally.left = replay.complete, replay.left
    tally.add(replay.end(BROKEN_OFF if stop == len(records) else STOPPED))
    return tally


def _stop(records: Sequence[Record], until_s: float) -> int:
    """How many records there are up to the last of that time or before, and those behind it that tell none."""
    stop = 0
    for number, record in enumerate(records, start=1):
        time_s = time_of(record)
        if stop == number - 1 if time_s is None else time_s <= until_s:
            stop = number
    return stop


def _viewed(records: Sequence[Record]) -> Snapshot:
    view = Snapshot()
    for record in records:
        view = apply(view, record)
    return view
