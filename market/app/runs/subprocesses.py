"""Runs this program's own command several times at once, each as a process tree of its own.

An interrupt ends all of them as it would end each, and nothing is left behind.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO

from broker.process.launch import deaf_to_interrupts, safe_path

COMMAND = (sys.executable, "-c", "import sys; from market.app.entry import main; sys.exit(main())")
_GLANCE_S = 0.05
GRACE_S = 10.0


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How one call ended, and what it wrote."""

    exit_code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class _Running:
    number: int
    process: subprocess.Popen[bytes]
    out: IO[bytes]
    err: IO[bytes]


def run_side_by_side(
    calls: Sequence[Sequence[str]], at_once: int, on_done: Callable[[int], None]
) -> list[CommandResult]:
    """The command with each of these arguments, at most `at_once` at a time; results in the order of `calls`.

    `on_done` is told how many have ended, in this thread.
    """
    ended: dict[int, CommandResult] = {}
    waiting = list(enumerate(calls))[::-1]
    with _all_ended() as running:
        while waiting or running:
            while waiting and len(running) < at_once:
                running.append(_started(*waiting.pop()))
            for one in _finished(running):
                running.remove(one)
                ended[one.number] = _result(one)
                on_done(len(ended))
    return [ended[number] for number in range(len(calls))]


def _started(number: int, arguments: Sequence[str]) -> _Running:
    """One process; in a group of its own, so that an interrupt from the keyboard comes through us alone."""
    out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115  closed with the result
    command = [*COMMAND, *arguments]
    process = subprocess.Popen(
        command,
        env={**os.environ, **safe_path()},
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        process_group=0,
    )
    return _Running(number, process, out, err)


def _finished(running: Sequence[_Running]) -> list[_Running]:
    """Those that have ended, after waiting a little for the first."""
    with suppress(subprocess.TimeoutExpired):
        running[0].process.wait(timeout=_GLANCE_S)
    return [one for one in running if one.process.poll() is not None]


def _result(one: _Running) -> CommandResult:
    texts = []
    for file in (one.out, one.err):
        file.seek(0)
        texts.append(file.read().decode(errors="replace"))
        file.close()
    return CommandResult(one.process.returncode, *texts)


@contextmanager
def _all_ended() -> Iterator[list[_Running]]:
    """Processes under way; whatever ends the block, they end as well: interrupted first, then forced."""
    running: list[_Running] = []
    try:
        yield running
    finally:
        with deaf_to_interrupts():
            for end in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
                left = [one.process for one in running if one.process.poll() is None]
                for process in left:
                    process.send_signal(end)
                for process in left:
                    _wait(process)


def _wait(process: subprocess.Popen[bytes]) -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=GRACE_S)
