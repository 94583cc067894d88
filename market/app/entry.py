"""Owns the way in and out of the command: interrupts, and the exit code of what nobody else has caught.

Knows nothing of commands. It imports next to nothing itself: the fork server of a run is started first, and
imports while the command does.
"""

from __future__ import annotations

import signal
import sys
from contextlib import suppress

_STOPS = {signal.SIGINT, signal.SIGTERM}


def main() -> int:
    """The command `vppmarket`; returns its exit code."""
    sys.unraisablehook = _raise_again
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _run()
    except KeyboardInterrupt:
        return _interrupted()
    except OSError as error:  # what nobody else has put into words
        print(
            f"error: {error.filename or 'the system'}: {(error.strerror or str(error)).lower()}", file=sys.stderr
        )
        return 4
    finally:
        for stop in _STOPS:
            signal.signal(stop, signal.SIG_IGN)  # what is left is to end, which takes no time


def _run() -> int:
    if sys.argv[1:2] == ["run"] and "--in-process" not in sys.argv:
        from market.app.warm_up import start_fork_server  # it imports while we do

        with suppress(Exception):  # the command tries again, and tells people what is wrong
            start_fork_server()
    # An interrupt in the middle of an import leaves half a module behind. Held back here, it is raised at the
    # end of the block; and threads that numpy starts now stay deaf to it, so that later blocks hold as well.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    try:
        import numpy  # noqa: F401

        from market.app.cli import command
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return command(sys.argv[1:])


def _raise_again(lost: sys.UnraisableHookArgs) -> None:
    """An interrupt that fell into a callback of the interpreter, which drops it, comes again a moment later."""
    if lost.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(lost)
        return
    signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    signal.setitimer(signal.ITIMER_REAL, 0.01)


def _interrupted() -> int:
    print("interrupted", file=sys.stderr)
    return 130
