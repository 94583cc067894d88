"""How far one step of a model goes, by its tape alone: the same steps wherever the market runs."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

from broker.protocol.run_progress import Phase
from market.app.history.snapshot import Snapshot

Milestone: TypeAlias = tuple[Phase, int, int, int]


class StepUnit(StrEnum):
    """How far one step goes."""

    EVENT = "event"  # a record of the tape: a message said, a turn given, a verdict
    ROUND = "round"  # until some seller has made more offers than any before, or a phase of the day ends


def milestone(view: Snapshot) -> Milestone:
    """What a step of a round changes."""
    return view.phase, view.epoch, view.round, view.rounds
