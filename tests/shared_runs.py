"""Run folders that many tests read and none changes: each is made once, by whichever worker needs it first."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from tests.processes.command import run


def _made_once(factory: pytest.TempPathFactory, name: str, *flags: str) -> Path:
    """The folder of a run of the default case; workers side by side wait for the one that makes it."""
    base = factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared_runs"
    shared.mkdir(exist_ok=True)
    folder, whole = shared / name, shared / f"{name}.whole"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a worker that broke off
            ended = run("run", "--out", folder, "--quiet", *flags)
            assert ended.returncode == 0, ended.stderr
            whole.touch()
    return folder


@pytest.fixture(scope="session")
def default_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a default run: five node processes and a broker."""
    return _made_once(tmp_path_factory, "default")


@pytest.fixture(scope="session")
def slow_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same day with delays and losses."""
    return _made_once(tmp_path_factory, "slow", "--delay", "lognormal:50ms:0.5", "--loss", "0.1", "--seed", "3")


@pytest.fixture(scope="session")
def in_process_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the same day in one process."""
    return _made_once(tmp_path_factory, "in_process", "--in-process")
