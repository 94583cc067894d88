"""Claims: on a system without POSIX's parts days run in one process, and what needs processes says so in a line.

Such a system is imitated: the modules and functions that it lacks are taken away before anything is imported.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

WITHOUT_POSIX = """
import os, signal, sys

for name in ("fcntl", "resource"):
    sys.modules[name] = None
for name in ("pthread_sigmask", "SIGALRM", "setitimer", "ITIMER_REAL"):
    delattr(signal, name)
for name in ("O_NOFOLLOW", "O_DIRECTORY", "O_NONBLOCK", "O_CLOEXEC"):
    delattr(os, name)
from market.app.entry import main
sys.argv = ["vppmarket", *sys.argv[1:]]
sys.exit(main())
"""


def elsewhere(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_POSIX, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def test_days_in_one_process_run_anywhere(tmp_path: Path) -> None:
    for arguments in (
        ("check", "two_vpp"),
        ("new", "mine", "--from", "two_vpp"),
        ("run", "mine", "--in-process", "--out", "a"),
        ("run", "mine", "--in-process", "--out", "b", "--set", "carbon.base_price_cny_per_t=300"),
        ("compare", "a", "b"),
    ):
        done = elsewhere(tmp_path, *arguments)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "two_vpp", "--out", "day"),
        ("broker", "two_vpp", "--out", "day"),
        ("node", "--id", "Farm", "--scenario", "two_vpp", "--broker", "tcp://127.0.0.1:5", "--token", "0" * 32),
    ],
    ids=lambda arguments: arguments[0],
)
def test_what_needs_processes_says_what_it_needs_and_what_works(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    done = elsewhere(tmp_path, *arguments)
    assert done.returncode == 4
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert "needs a POSIX system, and is tested on Linux" in line
    assert "--in-process" in line
