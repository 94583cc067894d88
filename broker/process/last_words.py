"""A pipe on which a process that a run has started says why it cannot go on, past the bus.

What is said on the bus reaches the tape and whoever looks on, so no plant's limits are in it. Where run and plants
are one person's there is a pipe between that person's own processes, which nobody else has.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection

_MOST_CHARACTERS = 900
"""A pipe takes 4096 bytes in one piece, whoever else writes to it; a character is four at most."""


def say_last(pipe: Connection, text: str) -> None:
    """Tell; into the void if nobody listens any more."""
    with suppress(OSError):
        pipe.send_bytes(text[:_MOST_CHARACTERS].encode())


def heard_last(pipe: Connection) -> Iterator[str]:
    """What has been said so far."""
    with suppress(OSError, EOFError):
        while pipe.poll(0):
            yield pipe.recv_bytes().decode()
