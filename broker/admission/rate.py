"""Limits the rate of one sender with a token bucket. The time is an argument; there is no clock here."""

from __future__ import annotations


class TokenBucket:
    """At most `burst` at once and `rate_per_s` a second in the long run; it starts full."""

    def __init__(self, rate_per_s: float, burst: int) -> None:
        self._rate_per_s = rate_per_s
        self._burst = float(burst)
        self._level = float(burst)
        self._at: float | None = None

    def take(self, now: float) -> bool:
        """Whether one more may pass at `now`, seconds; a clock that goes back gives nothing and takes nothing."""
        if self._at is not None:
            self._level = min(self._burst, self._level + max(0.0, now - self._at) * self._rate_per_s)
        self._at = now
        if self._level < 1.0:
            return False
        self._level -= 1.0
        return True
