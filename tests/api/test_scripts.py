"""Claims: a run over processes works from wherever Python is typed or piped, the program itself is not run again
for it, and no process is left behind, whatever ends the caller."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes.command import finish, node_processes

BODY = """
import market
print("once")
print(market.run("two_vpp", processes=True).verdict)
"""
TYPED = f"exec(compile({BODY!r}, '<ipython-input-1-abc>', 'exec'), globals())"
FORKED = """
import market
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

def verdict(seed):
    return market.run("two_vpp", processes=True, seed=seed).verdict

def error(seed):
    try:
        return verdict(seed)
    except market.errors.RunError as error:
        return str(error)

context = multiprocessing.get_context("fork")
print(verdict(0))
with ProcessPoolExecutor(2, mp_context=context) as pool:
    print(*pool.map(verdict, [1, 2]))
with context.Pool(1) as pool:
    print(*pool.map(error, [3]))
"""
HELD = """
import market, time

def hold(progress):
    if progress.messages:
        print("held", flush=True)
        time.sleep(600)

slow = {"network.time": "wall", "network.delay_s": 5}
print(market.run("two_vpp", slow, processes=True, on_progress=hold).verdict)
"""
WAYS = ("file", "module", "piped", "argument", "typed")


@pytest.fixture
def scratch() -> Iterator[Path]:
    """The folder for temporary files, of a path short enough for the sockets in it."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def started(arguments: list[str], cwd: Path, scratch: Path, given: str = "") -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, "TMPDIR": str(scratch)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdin is not None
    process.stdin.write(given)
    process.stdin.flush()
    return process


@pytest.mark.sampled(3)
@pytest.mark.parametrize("way", WAYS)
def test_no_guard_is_needed(way: str, tmp_path: Path, scratch: Path) -> None:
    (tmp_path / "study.py").write_text(BODY)
    arguments = {
        "file": ["study.py"],
        "module": ["-m", "study"],
        "piped": ["-"],
        "argument": ["-c", BODY],
        "typed": ["-c", TYPED],
    }[way]
    done = finish(started(arguments, tmp_path, scratch, BODY if way == "piped" else ""))
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["once", "equilibrium"], "")
    assert {path.name for path in tmp_path.iterdir()} <= {"study.py", "__pycache__"}
    assert list(scratch.iterdir()) == []


def test_workers_may_run_markets_unless_they_are_daemons(tmp_path: Path, scratch: Path) -> None:
    done = finish(started(["-W", "ignore::DeprecationWarning", "-c", FORKED], tmp_path, scratch))
    assert (done.returncode, done.stderr) == (0, "")
    first, both, daemon = done.stdout.splitlines()
    assert (first, both) == ("equilibrium", "equilibrium equilibrium")
    assert daemon.startswith("a daemonic process may not start others; start it from a concurrent.futures.")


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_its_caller(end: signal.Signals, tmp_path: Path, scratch: Path) -> None:
    process = started(["-c", HELD], tmp_path, scratch)
    assert process.stdout is not None
    told, nodes = process.stdout.readline(), node_processes(process.pid)
    process.send_signal(end)
    done = finish(process)
    assert (told, len(nodes)) == ("held\n", 2)
    assert (done.returncode in (1, -end), done.stdout) == (True, "")
    if end is signal.SIGINT:
        assert "KeyboardInterrupt" in done.stderr
        assert list(scratch.iterdir()) == []
