"""Owns what people see while a run goes on, and how text leaves the program. Knows nothing of runs' results."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from market.app.run_facts import OnProgress, RunProgress
from market.visible import visible, visible_styled


def put(text: str, *, styled: bool = False) -> None:
    """Write to standard output. If its reader has gone, as `head` does, what follows goes nowhere, quietly.

    Control characters are shown escaped; styled : but for the colours of a page that was drawn for a terminal
    """
    try:
        sys.stdout.write(visible_styled(text) if styled else visible(text))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(text: str) -> None:
    """Write a line to standard error, its control characters escaped."""
    print(visible(text), file=sys.stderr, flush=True)


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
        parts.append(f"waiting for {', '.join(progress.waiting_for)} since {progress.waiting_s:.0f} s")
    return " · ".join(parts)
