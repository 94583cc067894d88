"""Why an epoch begins, in the words that its record carries; they follow from the records before it."""

from __future__ import annotations

from typing import Final

ALL_JOINED: Final = "all have joined"
TAKEN_UP: Final = "resumed"


def has_withdrawn(vpp: str) -> str:
    """The others begin again without a VPP."""
    return f"{vpp} has withdrawn"


def is_back(vpp: str) -> str:
    """All begin again with a VPP that was lost."""
    return f"{vpp} is back"


def next_round(number: int) -> str:
    """Another round of the day, with new declarations."""
    return f"round {number} of the day"
