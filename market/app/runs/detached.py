"""Threads that belong to nobody's page or notebook cell.

Solara gives every `threading.Thread` the page in which it was made, and keeps that page for as long as the thread
is there. A thread that goes on until its page is gone would go on for ever, so that ours are started below that.
"""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable


class DetachedThread:
    """A function that runs beside its caller, and does not keep the program from ending."""

    def __init__(self, function: Callable[[], None]) -> None:
        self._function = function
        self._ended = threading.Event()
        _thread.start_new_thread(self._run, ())

    def _run(self) -> None:
        try:
            self._function()
        finally:
            self._ended.set()

    def join(self, timeout_s: float | None = None) -> None:
        """Wait for its end, for at most so long."""
        self._ended.wait(timeout_s)
