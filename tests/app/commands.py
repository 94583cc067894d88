"""Carries out the command in a folder, and reads the errors that it reports.

In this process, where nothing that is claimed is about processes: to start one takes longer than most commands do.
What a process of its own adds is claimed in `tests/processes`.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path

from market.app.cli.main import command

OTHERS = 0o077
"""As the program's entry point has it: what it writes is for its owner alone."""


def vppmarket(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command with these arguments, to its end; what it printed, as a pipe would have it."""
    words = [os.fspath(word) for word in arguments]
    out, err = (TextIOWrapper(BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with chdir(cwd), _private_files(), redirect_stdout(out), redirect_stderr(err):
        exit_code = int(command(words))
    printed, told = (stream.buffer.getvalue().decode() for stream in (out, err))
    return subprocess.CompletedProcess(["vppmarket", *words], exit_code, printed, told)


@contextmanager
def _private_files() -> Iterator[None]:
    before = os.umask(OTHERS)
    try:
        yield
    finally:
        os.umask(before)


def error_lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What a failed command said: only lines that begin with `error: `, or the test fails."""
    lines = done.stderr.splitlines()
    assert lines
    assert all(line.startswith("error: ") for line in lines), done.stderr
    return lines
