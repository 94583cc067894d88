"""Cuts what is worked on side by side into parts, so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

_Item = TypeVar("_Item")


def parts_of(items: Sequence[_Item], sizes: Sequence[int], most: int) -> Iterator[Sequence[_Item]]:
    """The items in their order, cut so that the sizes of a part come to no more than `most`, or it is one item.

    >>> list(parts_of("abcd", [1, 2, 2, 9], 4))
    ['ab', 'c', 'd']
    """
    first, size = 0, 0
    for place, more in enumerate(sizes):
        if place > first and size + more > most:
            yield items[first:place]
            first, size = place, 0
        size += more
    if first < len(items):
        yield items[first:]
