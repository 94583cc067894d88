"""Undelivered messages: who waits for whom, since when, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Gap:
    """`receiver` has not got message `seq` of `sender`, sent at `sent_s`, for the reason in `why`."""

    sender: str
    seq: int
    receiver: str
    sent_s: float
    why: str


def story(gaps: Sequence[Gap]) -> str:
    """The oldest gap of each pair, in words; empty if there is none."""
    oldest: dict[tuple[str, str], Gap] = {}
    for gap in gaps:
        oldest.setdefault((gap.receiver, gap.sender), gap)
    told = [
        f"{gap.receiver} waits for {gap.sender}'s message {gap.seq} since {gap.sent_s:.6g} s ({gap.why})"
        for _, gap in sorted(oldest.items())
    ]
    more = [f"and {len(told) - _SHOWN} more"] if len(told) > _SHOWN else []
    return "; ".join(told[:_SHOWN] + more)
