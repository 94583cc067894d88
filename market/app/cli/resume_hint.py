"""Prints how to resume a run that broke off: a command that works as it stands, from any folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from market.app.cli.run_options import RunOptions
from market.app.runs.command_line import pasted


def resume_command(name: str, folder: Path, options: RunOptions, port: int, more: tuple[str, ...] = ()) -> str:
    """The command `name` with the flags that it was begun with, as far as they still say something.

    port : where it listened · more : flags that only `name` has
    """
    return pasted(name, *more, *_flags(options, port), "--resume", folder)


def _flags(options: RunOptions, port: int) -> Iterator[str | Path]:
    if port:
        yield from ("--port", str(port))
    if options.keys is not None:
        yield from ("--keys", options.keys)
    if options.restarts:
        yield from ("--restart", str(options.restarts))
    yield from ("--wait", f"{options.join_s:g}")
    for flag, wanted in (("--watch", options.watch), ("--figures", options.figures), ("--report", options.report)):
        if wanted:
            yield flag
