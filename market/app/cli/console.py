"""Prints to the terminal: text and JSON on standard output, errors and a run's progress on standard error."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import wrap
from typing import TextIO

from market.app.report.terminal.screen import screen_of
from market.app.results.run_metadata import OnProgress, RunProgress
from market.letters import spelled
from market.visible import some_of, visible, visible_styled


def echo(text: str, *, styled: bool = False) -> None:
    """Write to standard output. If its reader has gone, as `head` does, what follows goes nowhere, quietly.

    Control characters are shown escaped; styled : but for the colours of a page that was drawn for a terminal
    """
    try:
        sys.stdout.write(visible_styled(text) if styled else visible(text))
        sys.stdout.flush()
    except BrokenPipeError:
        _lead_nowhere(sys.stdout)


def put_json(text: str) -> None:
    """Write JSON to standard output; in ASCII, which is the same JSON, where that cannot take a character."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        text = json.dumps(json.loads(text), indent=2) + "\n"
    echo(text)


def echo_error(text: str) -> None:
    """Write a line to standard error, its control characters escaped; for a person it is broken between words.

    Where nobody can be told any more, nothing else is to break on it.
    """
    shown = spelled(visible(text), sys.stderr.encoding or "ascii")
    try:
        print(_filled(shown) if sys.stderr.isatty() else shown, file=sys.stderr, flush=True)
    except OSError:
        _lead_nowhere(sys.stderr)


def _filled(text: str) -> str:
    """Lines as wide as the terminal; one that begins with a blank is a command, and stays whole to be copied."""
    width = screen_of(sys.stderr).width
    return "\n".join(line if line.startswith(" ") else _broken(line, width) for line in text.split("\n"))


def _broken(line: str, width: int) -> str:
    return "\n".join(wrap(line, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False))


def _lead_nowhere(stream: TextIO) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


@contextmanager
def live_progress(since: float, *, wanted: bool) -> Iterator[OnProgress]:
    """Show progress on standard error while a person watches, and nothing anywhere else.

    It is drawn by the caller's thread alone: a thread of its own would take the interrupts that other code
    holds back. since : `time.monotonic()` at the start of the command.
    """
    if not wanted or not sys.stderr.isatty():
        yield lambda progress: None
        return
    from rich.console import Console
    from rich.live import Live

    with Live("", console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        yield lambda progress: live.update(_line(progress, time.monotonic() - since), refresh=True)


def _line(progress: RunProgress, elapsed_s: float) -> str:
    parts = [f"[bold]{progress.stage}[/bold]", f"{elapsed_s:.1f} s"]
    if progress.rounds:
        parts.append(f"{progress.rounds} rounds")
    if progress.unrested_periods is not None:
        parts.append(f"{progress.unrested_periods} periods not at rest")
    if progress.messages:
        parts.append(f"{progress.messages} messages")
    if progress.waiting_for and progress.waiting_s >= 1.0:
        parts.append(f"waiting for {some_of(progress.waiting_for)} since {progress.waiting_s:.0f} s")
    return " · ".join(parts)
