"""The queue of each link of limited bandwidth: the only state of the conditions.

A link of limited bandwidth carries one message at a time. The answers depend on the order of calls, which the
sequencer makes the same in every run of a seed.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass, field

_Span = tuple[float, float]


@dataclass(slots=True)
class LinkQueue:
    """For each link the spans of time in which it is taken, in ascending order and apart from each other."""

    _busy: dict[tuple[str, str], list[_Span]] = field(default_factory=dict)

    @property
    def unused(self) -> bool:
        """Whether no link has been taken yet: none is limited."""
        return not self._busy

    def depart_s(self, sender: str, receiver: str, ready_s: float, duration_s: float) -> float:
        """When a message ready at `ready_s`, which takes the link for `duration_s`, has left it.

        It takes the first gap that is long enough, and keeps it: a message sent again later leaves the link to
        others until then.
        """
        spans = self._busy.setdefault((sender, receiver), [])
        start_s = ready_s
        first = bisect_right(spans, ready_s, key=lambda span: span[1])
        for taken_s, free_s in spans[first:]:
            if start_s + duration_s <= taken_s:
                break
            start_s = free_s
        if duration_s > 0.0:
            self._take(spans, (start_s, start_s + duration_s))
        return start_s + duration_s

    def idle_s(self, sender: str, receiver: str, now_s: float) -> float:
        """From when on the link is free again, if it is taken at `now_s`; else `now_s`."""
        spans = self._busy.get((sender, receiver), [])
        at = bisect_right(spans, now_s, key=lambda span: span[1])
        return spans[at][1] if at < len(spans) and spans[at][0] <= now_s else now_s

    @staticmethod
    def _take(spans: list[_Span], span: _Span) -> None:
        """Add a span, as one with the neighbours it touches."""
        start_s, end_s = span
        at = bisect_right(spans, span)
        if at < len(spans) and spans[at][0] == end_s:
            end_s = spans.pop(at)[1]
        if at and spans[at - 1][1] == start_s:
            start_s = spans.pop(at - 1)[0]
        insort(spans, (start_s, end_s))
