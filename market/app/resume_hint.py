"""Owns what is said of how a run that broke off is taken up: a command that works as it stands, from anywhere."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from market.app.run_options import RunOptions


def resume_command(name: str, folder: Path, options: RunOptions, port: int, more: tuple[str, ...] = ()) -> str:
    """The command `name` with the flags that it was begun with, as far as they still say something.

    port : where it listened · more : flags that only `name` has
    """
    words = ("vppmarket", name, "--resume", str(folder.resolve()), *more, *_flags(options, port))
    return shlex.join(words)


def _flags(options: RunOptions, port: int) -> Iterator[str]:
    if port:
        yield from ("--port", str(port))
    if options.keys is not None:
        yield from ("--keys", str(options.keys.resolve()))
    if options.restarts:
        yield from ("--restart", str(options.restarts))
    yield from ("--wait", f"{options.join_s:g}")
    for flag, wanted in (("--watch", options.watch), ("--figures", options.figures), ("--report", options.report)):
        if wanted:
            yield flag
