"""Counts how often each member's messages were refused since the market last moved, by connection.

A frame names its sender, and without keys anybody who has the token can name another. So what is refused counts
against the connection that it came on, and against a member only where that is its own: the one on which it joined
and, for what it publishes, the one on which its messages have been accepted. Before any has, it has said nothing
acceptable on any connection that speaks in its name.
"""

from __future__ import annotations

from collections import Counter


class Acceptance:
    """Refusals by member, connection and reason."""

    def __init__(self) -> None:
        self._refused: dict[str, dict[int, Counter[str]]] = {}
        self._ordered: dict[str, Counter[str]] = {}
        self._own: dict[str, int] = {}

    def moved(self) -> None:
        """The run has come a step further; nothing before it counts."""
        self._refused.clear()
        self._ordered.clear()

    def accepted(self, vpp: str, connection: int) -> None:
        """A message that a member has published has been accepted."""
        self._own[vpp] = connection

    def refused_order(self, vpp: str, reason: str) -> None:
        """Something was refused that came on the connection on which a member joined."""
        self._ordered.setdefault(vpp, Counter())[reason] += 1

    def refused_data(self, vpp: str, connection: int, reason: str) -> None:
        """Something was refused that was published in a member's name."""
        self._refused.setdefault(vpp, {}).setdefault(connection, Counter())[reason] += 1

    def forget(self, vpp: str) -> None:
        """A member is gone; who comes in its place has another connection."""
        for counts in (self._refused, self._ordered, self._own):
            counts.pop(vpp, None)

    def refused(self, vpp: str) -> Counter[str]:
        """What of a member's own messages has been refused, by reason."""
        by_connection = self._refused.get(vpp, {})
        if vpp in self._own:
            published = by_connection.get(self._own[vpp], Counter())
        else:
            published = min(by_connection.values(), key=Counter.total, default=Counter())
        return published + self._ordered.get(vpp, Counter())
