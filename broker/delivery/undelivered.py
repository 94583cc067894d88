"""Undelivered messages: who waits for whom, since when, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Undelivered:
    """`receiver` has not got message `seq` of `sender`, sent at `sent_s`, for the reason in `why`."""

    sender: str
    seq: int
    receiver: str
    sent_s: float
    why: str


def story(undelivered: Sequence[Undelivered]) -> str:
    """The oldest undelivered message of each pair, in words; empty if there is none."""
    oldest: dict[tuple[str, str], Undelivered] = {}
    for each in undelivered:
        oldest.setdefault((each.receiver, each.sender), each)
    lines = [
        f"{each.receiver} waits for {each.sender}'s message {each.seq} since {each.sent_s:.6g} s ({each.why})"
        for _, each in sorted(oldest.items())
    ]
    more = [f"and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return "; ".join(lines[:_SHOWN] + more)
