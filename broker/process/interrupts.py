"""Interrupts: what asks a program to end, and whether it was asked, whatever a library has made of it.

It needs no library: the command's entry loads it.
"""

from __future__ import annotations

import signal
from types import FrameType
from typing import Final

STOPS: Final = frozenset(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""From the keyboard, from whoever manages the machine, from a terminal that was closed or a line that broke."""

_asked = False


def listen() -> None:
    """Let each raise KeyboardInterrupt, but for those that whoever started this program has had ignored."""
    for stop in STOPS:
        if signal.getsignal(stop) is not signal.SIG_IGN:
            signal.signal(stop, _interrupt)


def interrupted() -> bool:
    """Whether one has come since `listen`: a library may have made an error of its own of it."""
    return _asked


def _interrupt(number: int, frame: FrameType | None) -> None:
    global _asked
    _asked = True
    raise KeyboardInterrupt
