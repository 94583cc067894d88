"""Owns the way in and out of the command: interrupts, and the exit code of what nobody else has caught.

Knows nothing of commands. Processes started by a fork server import this module again as their main module,
so it imports next to nothing before `main` is called.
"""

from __future__ import annotations

import signal
import sys


def main() -> int:
    """The command `vppmarket`; returns its exit code."""
    sys.unraisablehook = _raise_again
    try:
        return _run()
    except KeyboardInterrupt:
        return _interrupted()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # what is left is to end, which takes no time


def _run() -> int:
    if sys.argv[1:2] == ["run"] and "--in-process" not in sys.argv:
        from market.app.warm_up import start_fork_server  # it imports while we do

        start_fork_server()
    # An interrupt in the middle of an import leaves half a module behind. Held back here, it is raised at the
    # end of the block; and threads that numpy starts now stay deaf to it, so that later blocks hold as well.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
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
