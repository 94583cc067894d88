"""Claims: whatever breaks a run, it ends soon, with a clear message and its exit code, leaving no process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import psutil
import pytest

import market
from broker.tape import MessageSaid, read_tape
from market.errors import TapeError
from tests.processes.command import finish, held_node, manifest, node_processes, run, start
from tests.tapes import of_kind

SOON_S = 45.0


def tape_is_readable(folder: Path) -> bool:
    """Whether a tape, if the run came so far as to begin one, can be read up to where it ends."""
    path = folder / "tape.msgpack"
    if not path.exists():
        return True
    try:
        return len(list(read_tape(path))) >= 1
    except TapeError as error:
        return "no whole record" in str(error)


def said_anything(tape: Path) -> bool:
    """Whether a market message is on a tape: everybody has joined by then."""
    try:
        return bool(of_kind(read_tape(tape), MessageSaid))
    except TapeError:
        return False


def test_a_killed_node_is_named_and_the_run_ends(tmp_path: Path) -> None:
    process = start("run", "--out", tmp_path / "run")
    with held_node(process) as node:
        node.kill()
        killed_at = time.monotonic()
        ended = finish(process, SOON_S)
    assert time.monotonic() - killed_at < SOON_S
    assert ended.returncode == 4
    assert f"(id {node.pid}) was killed by signal 9 (SIGKILL) while" in ended.stderr
    assert "Traceback" not in ended.stderr
    document = manifest(tmp_path / "run")
    assert document["verdict"] == "aborted"
    assert "SIGKILL" in document["error"]
    assert tape_is_readable(tmp_path / "run")


def test_a_node_that_goes_silent_is_named(tmp_path: Path) -> None:
    """A stopped process is not dead: only its silence tells. Wall time leaves time to stop one."""
    process = start("run", "--time", "wall", "--delay", "2s", "--out", tmp_path / "run")
    tape = tmp_path / "run" / "tape.msgpack"
    deadline = time.monotonic() + SOON_S
    while time.monotonic() < deadline and not (tape.exists() and said_anything(tape)):
        psutil.wait_procs([], timeout=0.05)
    node = node_processes(process.pid)[0]
    node.suspend()
    ended = finish(process, 40.0)
    assert not node.is_running()
    assert ended.returncode == 4
    assert f"(process {node.pid}) has given no sign of life for 10 s" in ended.stderr


def test_nodes_end_when_the_command_is_killed(tmp_path: Path) -> None:
    process = start("run", "--out", tmp_path / "run")
    with held_node(process) as node:
        others = node_processes(process.pid)
        process.kill()
        process.wait()
        node.resume()
        _, alive = psutil.wait_procs(others, timeout=SOON_S)
    assert alive == []
    process.communicate()
    assert tape_is_readable(tmp_path / "run")


def test_a_busy_port_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = run("run", "--port", str(port), "--out", tmp_path / "run")
    assert ended.returncode == 4
    assert f"cannot listen on tcp://127.0.0.1:{port}: the port is in use; choose another" in ended.stderr
    assert "Traceback" not in ended.stderr


def interrupt_at(moment_s: float, folder: Path, to: str) -> subprocess.CompletedProcess[str]:
    process = start("run", "--out", folder)
    try:
        process.wait(timeout=moment_s)
    except subprocess.TimeoutExpired:
        if to == "group":  # as a terminal does
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.send_signal(signal.SIGINT)
    return finish(process, SOON_S)


@pytest.mark.sampled(7)
@pytest.mark.parametrize("to", ["group", "command"])
@pytest.mark.parametrize("moment_s", [0.1, 0.25, 0.4, 0.6, 0.8, 1.0, 1.3, 1.6])
def test_an_interrupt_at_any_moment_ends_the_run_quietly(moment_s: float, to: str, tmp_path: Path) -> None:
    """An interrupt in the interpreter's own start-up, before any line of ours, is the interpreter's to report."""
    started = time.monotonic()
    ended = interrupt_at(moment_s, tmp_path / "run", to)
    assert time.monotonic() - started < moment_s + SOON_S
    ours = str(Path(market.__file__).parent)
    before_ours = ended.returncode == -signal.SIGINT or (ended.returncode == 1 and ours not in ended.stderr)
    assert ended.returncode in (0, 130) or before_ours
    if not before_ours:
        assert "Traceback" not in ended.stderr, ended.stderr
    if ended.returncode == 130:
        assert "interrupted" in ended.stderr
        if (tmp_path / "run" / "manifest.json").exists():
            assert manifest(tmp_path / "run")["verdict"] in ("aborted", "equilibrium")
    assert tape_is_readable(tmp_path / "run")


def test_an_interrupt_while_trading_leaves_a_tape_and_a_manifest(tmp_path: Path) -> None:
    process = start("run", "--out", tmp_path / "run")
    with held_node(process):
        process.send_signal(signal.SIGINT)
        ended = finish(process, SOON_S)
    assert ended.returncode == 130
    assert manifest(tmp_path / "run")["verdict"] == "aborted"
    assert manifest(tmp_path / "run")["error"] == "interrupted"
    assert tape_is_readable(tmp_path / "run")


def test_a_day_that_cannot_be_planned_is_bad_input(tmp_path: Path) -> None:
    """The dispatch of one node is infeasible: its own explanation reaches the person who started the run."""
    assert run("new", tmp_path / "case").returncode == 0
    scenario = tmp_path / "case" / "scenario.yaml"
    text = scenario.read_text()
    assert "grid_buy_max_mw: 8" in text
    scenario.write_text(text.replace("grid_buy_max_mw: 8", "grid_buy_max_mw: 0.1"))
    ended = run("run", tmp_path / "case", "--out", tmp_path / "run")
    assert ended.returncode == 2
    assert "cannot be dispatched" in ended.stderr
    assert "period" in ended.stderr
    assert "Traceback" not in ended.stderr
