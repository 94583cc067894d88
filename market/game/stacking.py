"""Owns how games of different sizes are worked on side by side, so that none feels the others in its last digit.

numpy sums fewer than 8 numbers one after the other, and up to 128 of them in 8 columns: zeros at the end change
nothing as long as all games of a stack are summed in the same of these ways.
"""

from __future__ import annotations

from typing import Final

FEW: Final = 32
"""Up to so many games of different sizes share a stack; larger ones share it with their like."""

_COLUMNS = 8


def size_class(count: int) -> int:
    """Games may be stacked if the numbers that are summed in each, `count` of them, are of one class."""
    return 0 if count < _COLUMNS else FEW if count <= FEW else count


def padded(count: int) -> int:
    """The width of a stack whose largest game has `count`: full columns where sums are made in columns."""
    return -(-count // _COLUMNS) * _COLUMNS if _COLUMNS <= count <= FEW else count
