"""A clock for patience with others, which stands still while this process does.

A process that is stopped, or whose machine sleeps, hears nobody meanwhile: what it missed is not others' silence.
The same goes for one that computes for long. So between two looks at most MOST_AT_ONCE_S pass, whatever passes.
"""

from __future__ import annotations

from collections.abc import Callable

MOST_AT_ONCE_S = 1.0
"""Who is there looks at the clock ten times a second; below every patience that can be set."""


class Attention:
    """`clock` as it passes for one who looks at it often, in seconds. `away_s`: what has been left out so far."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.away_s = 0.0
        self._clock = clock
        self._read = clock()

    def now(self) -> float:
        """The time; it never goes back, nor on by more than MOST_AT_ONCE_S from one look to the next."""
        read = self._clock()
        self.away_s += max(0.0, read - self._read - MOST_AT_ONCE_S)
        self._read = read
        return read - self.away_s
