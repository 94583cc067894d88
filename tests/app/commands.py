"""Runs the command to its end in a folder, and reads the errors that it reports."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.processes.command import COMMAND


def vppmarket(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command with these arguments, to its end."""
    return subprocess.run(
        [COMMAND, *arguments],
        cwd=cwd,
        env=dict(os.environ),  # without the COLUMNS that readline sets where Python does not see it
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )


def error_lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What a failed command said: only lines that begin with `error: `, or the test fails."""
    lines = done.stderr.splitlines()
    assert lines
    assert all(line.startswith("error: ") for line in lines), done.stderr
    return lines
