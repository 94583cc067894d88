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


def say_ended(pipe: Connection, vpp: str, exit_code: int) -> None:
    """Tell that a node has ended whose process goes on with others; into the void if nobody listens any more."""
    with suppress(OSError):
        pipe.send_bytes(f"{exit_code} {vpp}".encode())


def heard_endings(pipe: Connection) -> Iterator[tuple[str, int]]:
    """Whose nodes have been told to have ended so far, with their exit codes."""
    with suppress(OSError, EOFError):
        while pipe.poll(0):
            exit_code, vpp = pipe.recv_bytes().decode().split(" ", 1)
            yield vpp, int(exit_code)
