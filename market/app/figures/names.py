"""Names of VPPs as they stand in pictures: long ones cut in the middle, so that no two read alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

MOST_LETTERS = 18


def short_names(names: Sequence[str], most: int = MOST_LETTERS) -> dict[str, str]:
    """Each name in at most `most` letters where all can still be told apart, else in as few more as that takes.

    >>> short_names(["VPP1", "household-north-street-0001", "household-north-street-0002"], 12)
    {'VPP1': 'VPP1', 'household-north-street-0001': 'househ…-0001', 'household-north-street-0002': 'househ…-0002'}
    >>> list(short_names(["a" * 20 + "x" + "b" * 11, "a" * 20 + "y" + "b" * 11], 16).values())
    ['aaa…xbbbbbbbbbbb', 'aaa…ybbbbbbbbbbb']
    """
    whole = list(dict.fromkeys(names))
    for length in range(min(most, max(map(len, whole), default=0)), max(map(len, whole), default=0)):
        for front in _fronts(length):
            cut = [_cut(name, length, front) for name in whole]
            if len(set(cut)) == len(whole):
                return dict(zip(whole, cut, strict=True))
    return {name: name for name in whole}


def _fronts(length: int) -> Iterator[int]:
    """How many letters to keep before the gap: half of them first, then more unevenly to either side."""
    half = length // 2
    return iter(sorted(range(length), key=lambda front: abs(front - half)))


def _cut(name: str, length: int, front: int) -> str:
    if len(name) <= length:
        return name
    return name[:front] + "…" + name[len(name) - (length - 1 - front) :]
