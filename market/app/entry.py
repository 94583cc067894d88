"""Entry point of the command: handles interrupts, and turns an uncaught error into a message and an exit code.

It imports next to nothing itself: the fork server of a run is started first, and imports while the command does.
"""

from __future__ import annotations

import codecs
import gc
import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType

from broker.process.interrupts import STOPS, listen
from market.letters import substitute

_OTHERS = 0o077
"""What we write may tell of plants: it is for its owner alone, whatever the user's habits."""
_SELDOM = 100_000
"""Objects made before the collector of cyclic garbage looks for some; a day makes few, and importing none."""


def main() -> int:
    """The command `vppmarket`; returns its exit code."""
    os.umask(_OTHERS)
    gc.set_threshold(_SELDOM)
    _prepare_streams()
    sys.excepthook = _no_trace_of_interrupts
    sys.unraisablehook = _raise_again
    listen()
    try:
        return _run()
    except KeyboardInterrupt:
        return _interrupted()
    except OSError as error:  # what nobody else has put into words
        _say(f"error: {error.filename or 'the system'}: {(error.strerror or str(error)).lower()}")
        return 4
    finally:
        for stop in STOPS:
            signal.signal(stop, signal.SIG_IGN)  # what is left is to end, which takes no time
        gc.freeze()  # else the interpreter looks through all that was ever imported, twice, before it ends


def _run() -> int:
    if sys.argv[1:2] == ["run"] and "--in-process" not in sys.argv:
        with suppress(Exception):  # the command tries again, and tells people what is wrong
            from market.app.runs.warm_up import start_fork_server  # it imports while we do

            start_fork_server()
    # An interrupt in the middle of an import leaves half a module behind. Held back here, it is raised at the
    # end of the block; and threads that numpy starts now stay deaf to it, so that later blocks hold as well.
    with _stops_held_back():
        import numpy  # noqa: F401

        from market.app.cli.main import command
    return command(sys.argv[1:])


@contextmanager
def _stops_held_back() -> Iterator[None]:
    """Interrupts come at the end of the block; on a system without POSIX's masks, when they come."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _no_trace_of_interrupts(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """An interrupt is caught by `main`; one that compiled code drops would be printed before it comes again."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)


def _raise_again(lost: sys.UnraisableHookArgs) -> None:
    """An interrupt that fell into a callback of the interpreter, which drops it, comes again a moment later."""
    if lost.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(lost)
        return
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
        signal.setitimer(signal.ITIMER_REAL, 0.01)


def _interrupted() -> int:
    _say("interrupted")
    return 130


def _say(text: str) -> None:
    with suppress(OSError):  # nobody is there to hear it
        print(text, file=sys.stderr, flush=True)


def _prepare_streams() -> None:
    """Let nothing that is printed break a command, and nothing that is printed land in a file.

    A stream that was closed leads nowhere: the next file to be opened would take its number, and all that is
    written to it. A character that a stream does not have is written in letters that it has, or by its number.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # it gets the lowest number, which is this
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    codecs.register_error("vppmarket", substitute)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="vppmarket")
