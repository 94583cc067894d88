"""The random draws of a run, as uniform numbers in (0, 1).

A draw is a pure function of the seed and of what is drawn for which attempt of which message, so it is the same
in whatever order, process or time mode it is asked for. Nothing else is random anywhere.
"""

from __future__ import annotations

from enum import StrEnum
from hashlib import blake2b

_BITS = 52  # of a double's 53: n + 1/2 is exact, so that neither 0 nor 1 can come out


class RandomStream(StrEnum):
    """What a draw decides. `COPY_…`: the same of the second copy of a duplicated message."""

    LOSS = "loss"
    LATENCY = "latency"
    JITTER = "jitter"
    REORDERING = "reordering"
    DUPLICATION = "duplication"
    COPY_LATENCY = "copy_latency"
    COPY_JITTER = "copy_jitter"
    COPY_REORDERING = "copy_reordering"


def draw(seed: int, epoch: int, sender: str, receiver: str, seq: int, attempt: int, what: RandomStream) -> float:
    """A number strictly between 0 and 1, evenly distributed over keys and fixed for each.

    The first 52 bits n of blake2b over `seed|epoch|sender|receiver|seq|attempt|what` give (n + 1/2) / 2^52.
    Ids hold no `|`, so different keys are different texts.
    """
    key = f"{seed}|{epoch}|{sender}|{receiver}|{seq}|{attempt}|{what.value}"
    number = int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big") >> (64 - _BITS)
    return (number + 0.5) / (1 << _BITS)
