"""How far a run is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """How far a run is."""

    JOINING = "joining"
    PLANNING = "planning"
    TRADING = "trading"
    REVIEWING = "reviewing"
    SETTLING = "settling"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands, for people."""

    phase: Phase
    rounds: int
    unrested_periods: int
    messages: int
    time_s: float
    waiting_for: tuple[str, ...]
    waiting_s: float
