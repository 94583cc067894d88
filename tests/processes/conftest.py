"""Runs of the default case that several tests read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.processes.command import run


@pytest.fixture(scope="session")
def default_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a default run: five node processes and a broker."""
    folder = tmp_path_factory.mktemp("runs") / "default"
    ended = run("run", "--out", folder, "--quiet")
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.fixture(scope="session")
def in_process_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the same day in one process."""
    folder = tmp_path_factory.mktemp("runs") / "in_process"
    ended = run("run", "--in-process", "--out", folder, "--quiet")
    assert ended.returncode == 0, ended.stderr
    return folder
