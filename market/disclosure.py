"""What a plant shows of its day once the market is over."""

from __future__ import annotations

from enum import StrEnum


class Disclosure(StrEnum):
    """How much of its day a VPP shows in its audit, least first."""

    NONE = "none"  # nothing but that it has settled
    TOTALS = "totals"  # cost, emission and quota of its day, without trade and with it
    FULL = "full"  # both its plans, every period of them


_ORDER = list(Disclosure)


def least(*levels: Disclosure) -> Disclosure:
    """The one that shows least of these.

    >>> least(Disclosure.FULL, Disclosure.TOTALS).value
    'totals'
    """
    return min(levels, key=_ORDER.index)
