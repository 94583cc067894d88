"""Claims: what stands in the folder that a command is started in is data, whatever its name; none of it is run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.processes.command import COMMAND

NAMES = ("market/__init__.py", "vpp_nodes/__init__.py", "broker.py", "multiprocessing.py", "signal.py", "numpy.py")
COMMANDS = {
    "processes": ("run", "two_vpp", "--quiet"),
    "commands": ("experiment", "network", "two_vpp", "--delays", "0ms", "--losses", "0", "--quiet"),
    "workers": ("experiment", "sensitivity", "two_vpp", "--quiet"),
}


@pytest.mark.sampled(1)
@pytest.mark.parametrize("started", COMMANDS)
def test_modules_of_the_same_names_beside_the_user_are_not_ours(started: str, tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("open('imported', 'w').close()\nraise SystemExit('not ours')\n")
    done = subprocess.run([COMMAND, *COMMANDS[started]], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "imported").exists()
