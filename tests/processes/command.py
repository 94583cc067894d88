"""Runs the command as a person would: a process, bounded in time, with nothing left behind."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

COMMAND = Path(sys.executable).parent / "vppmarket"
LIMIT_S = 150.0


def start(*arguments: str | Path, **options: Any) -> subprocess.Popen[str]:
    """Start the command in a session of its own, with its output captured if nothing else is said.

    Its environment is the one that Python knows of: readline, which pytest loads, sets COLUMNS behind its back.
    """
    told = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": dict(os.environ), **options}
    return subprocess.Popen(
        [COMMAND, *map(str, arguments)], stdin=subprocess.DEVNULL, text=True, start_new_session=True, **told
    )


def finish(process: subprocess.Popen[str], limit_s: float = LIMIT_S) -> subprocess.CompletedProcess[str]:
    """Wait for a command to end by itself, and see that nothing of it is left."""
    try:
        out, err = process.communicate(timeout=limit_s)
    finally:
        left = settle_session(process.pid)
    assert left == [], f"left behind: {left}"
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def run(*arguments: str | Path, limit_s: float = LIMIT_S) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return finish(start(*arguments), limit_s)


def session(leader: int) -> list[psutil.Process]:
    """Every living process of a session."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess, PermissionError):
            continue
    return found


def settle_session(leader: int, grace_s: float = 5.0) -> list[str]:
    """What is still there of a session some seconds after its leader has ended; killed, so that nothing stays."""
    deadline = time.monotonic() + grace_s
    while (left := session(leader)) and time.monotonic() < deadline:
        psutil.wait_procs(left, timeout=0.2)
    names = [f"{process.pid}" for process in left]
    for process in left:
        process.send_signal(signal.SIGKILL)
    return names


@contextmanager
def held_node(process: subprocess.Popen[str], among: int = 5, *, early: bool = False) -> Iterator[psutil.Process]:
    """A node of a starting run, stopped as soon as all are there, so that the run cannot end meanwhile.

    A day of two is over so soon that its first node is stopped when it is there; any day's, if `early`.
    """
    deadline, held = time.monotonic() + LIMIT_S, None
    while time.monotonic() < deadline:
        nodes = node_processes(process.pid)
        if held is None and (len(nodes) == among or (nodes and (early or among == 2))):
            held = nodes[0]
            held.suspend()
        if held is not None and len(nodes) == among:
            yield held
            return
        assert process.poll() is None, f"the run ended first: {process.communicate()}"
        psutil.wait_procs(nodes, timeout=0.01)
    raise AssertionError("the nodes have not started")


def node_processes(command: int) -> list[psutil.Process]:
    """The node processes of a run: grandchildren, since a fork server starts them."""
    try:
        children = psutil.Process(command).children()
        return sorted((n for child in children for n in child.children()), key=lambda n: n.pid)
    except psutil.NoSuchProcess:
        return []


def wait_until(process: subprocess.Popen[str], ready: Callable[[], bool]) -> None:
    """Wait for something that comes while a command runs."""
    watched = psutil.Process(process.pid)
    for _ in range(int(LIMIT_S / 0.02)):
        if ready():
            return
        assert process.poll() is None, process.communicate()
        psutil.wait_procs([watched], timeout=0.02)
    raise AssertionError("the run does not begin")


def wait_for_tape(process: subprocess.Popen[str], tape: Path, size: int) -> None:
    """Wait until a run's tape is so long."""
    wait_until(process, lambda: tape.exists() and tape.stat().st_size >= size)


def manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a run folder."""
    document: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return document


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    """The rows of one of its tables."""
    with (folder / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def without_plants(table: list[dict[str, str]]) -> list[dict[str, str]]:
    """The rows of a table as a broker writes them, which knows no plant: without κ, to the digit else."""
    return [{name: "" if name == "kappa" else cell for name, cell in row.items()} for row in table]
