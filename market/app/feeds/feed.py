"""What every source of records offers to the page: its timeline, its status, a way to close it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from market.app.history.timeline import Timeline
from market.scenario.scenario import Scenario


class State(StrEnum):
    """How a source is."""

    SEARCHING = "searching"  # nothing has come yet
    GOING_ON = "going on"
    ENDED = "ended"  # the tape is complete
    BROKEN = "broken"  # there will be no more, and the tape is not complete


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """What a tape cannot tell of a market that goes on: its time, who is waited for, what became of messages."""

    time_s: float = 0.0
    waiting_for: tuple[str, ...] = ()
    waiting_s: float = 0.0
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Status:
    """How a source is, in words. `fault` says what is wrong, empty if nothing is."""

    state: State
    words: str
    fault: str = ""
    live: LiveStatus = LiveStatus()


class Feed(Protocol):
    """A source of records; any number of pages may look at one."""

    @property
    def name(self) -> str:
        """What the source is called on the page."""
        ...

    @property
    def timeline(self) -> Timeline:
        """The records so far."""
        ...

    @property
    def scenario(self) -> Scenario | None:
        """The scenario with its plants, where they are at hand: they are on no tape."""
        ...

    def status(self) -> Status:
        """How the source is now."""
        ...
