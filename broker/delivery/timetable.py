"""What is due, by moment, the earliest first."""

from __future__ import annotations

import heapq
import math
from typing import Generic, TypeVar

_Item = TypeVar("_Item")


class Timetable(Generic[_Item]):
    """Things that are due, by moment. A moment that was asked for stays until it is taken.

    >>> table = Timetable[str]()
    >>> table.at(2.0).append("later"), table.at(1.0).append("sooner")
    (None, None)
    >>> table.next_s, table.take_next(), table.next_s
    (1.0, ['sooner'], 2.0)
    """

    __slots__ = ("_due", "_moments")

    def __init__(self) -> None:
        self._moments: list[float] = []  # a heap
        self._due: dict[float, list[_Item]] = {}

    @property
    def next_s(self) -> float:
        """When something is due next; never: infinity."""
        return self._moments[0] if self._moments else math.inf

    def at(self, time_s: float) -> list[_Item]:
        """What is due at a moment, which may be a new one."""
        due = self._due.get(time_s)
        if due is None:
            due = self._due[time_s] = []
            heapq.heappush(self._moments, time_s)
        return due

    def take_next(self) -> list[_Item]:
        """What is due next, and no longer."""
        return self._due.pop(heapq.heappop(self._moments))
