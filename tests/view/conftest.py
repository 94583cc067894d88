"""Runs for tests of the view: real ones, of processes, each run once a file at most."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.processes.command import run


def _run(folder: Path, *flags: str) -> Path:
    ended = run("run", "--out", folder, "--quiet", *flags)
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.fixture(scope="module")
def default_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a default run: five node processes and a broker."""
    return _run(tmp_path_factory.mktemp("runs") / "default")


@pytest.fixture(scope="module")
def slow_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same day with delays and losses."""
    flags = ("--delay", "lognormal:50ms:0.5", "--loss", "0.1", "--seed", "3")
    return _run(tmp_path_factory.mktemp("runs") / "slow", *flags)
