"""Claims: SIGTERM and SIGHUP end every command as Ctrl-C does; whatever the system refuses or takes away is told
in a line.

It takes away: the fork server that node processes come from, the folder for temporary files, the run folder.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.processes.command import COMMAND, finish, held_node, manifest, node_processes, run, session, start

SOON_S = 45.0


def until(true: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + SOON_S
    while not true():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def said(process: subprocess.Popen[str], words: str) -> None:
    """Wait until a command has said something on standard error."""
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return
    raise AssertionError(f"it has not said {words!r}")


def end_of(process: subprocess.Popen[str]) -> str:
    """What a command says that was asked to end, and does so as on Ctrl-C."""
    ended = finish(process, SOON_S)
    assert ended.returncode == 130, ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stderr.splitlines()[-1] == "interrupted"
    return ended.stderr


# --- SIGTERM, and SIGHUP of a closed terminal -------------------------------------------------------------------


STOPS = pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGHUP])


@STOPS
@pytest.mark.parametrize("to", ["command", "group"])
def test_a_run_leaves_a_manifest_and_says_how_to_go_on(to: str, stop: signal.Signals, tmp_path: Path) -> None:
    process = start("run", "--out", tmp_path / "run")
    with held_node(process) as node:
        os.killpg(process.pid, stop) if to == "group" else process.send_signal(stop)
        if node.is_running() and to == "group":
            node.resume()
        said_last = end_of(process)
    assert manifest(tmp_path / "run")["verdict"] == "aborted"
    assert manifest(tmp_path / "run")["error"] == "interrupted"
    assert f"--resume {tmp_path / 'run'}" in said_last


@pytest.mark.sampled(4)
@STOPS
@pytest.mark.parametrize("moment_s", [0.15, 0.3, 0.5, 0.7, 0.9, 1.2, 1.5, 2.0])
def test_at_any_moment_the_run_ends_quietly(moment_s: float, stop: signal.Signals, tmp_path: Path) -> None:
    """Before the first line of ours has run, the system's own way of ending is not ours to change."""
    process = start("run", "--out", tmp_path / "run")
    try:
        process.wait(timeout=moment_s)
    except subprocess.TimeoutExpired:
        process.send_signal(stop)
    ended = finish(process, SOON_S)
    assert ended.returncode in (0, 130) or (ended.returncode == -stop and moment_s < 0.5)
    assert "Traceback" not in ended.stderr, ended.stderr
    if ended.returncode == 130:
        assert "interrupted" in ended.stderr


@STOPS
def test_a_broker_tells_its_nodes_and_a_node_its_broker(stop: signal.Signals, tmp_path: Path) -> None:
    broker = start("broker", "two_vpp", "--wait", "60", "--out", tmp_path / "run")
    assert broker.stderr is not None
    address = next(line.split()[2].rstrip(";") for line in broker.stderr if "listening on" in line)
    token = tmp_path / "run" / "join.token"
    flags = ("--scenario", "two_vpp", "--broker", address, "--token-file", token)
    first = start("node", "--id", "Farm", *flags, "--out", tmp_path / "first")
    said(first, "is let in")
    second = start("node", "--id", "Farm", *flags, "--out", tmp_path / "second")
    said(second, "waits")
    second.send_signal(stop)
    end_of(second)
    broker.send_signal(stop)
    end_of(broker)
    ended = finish(first, SOON_S)
    assert ended.returncode == 4
    assert "broken off" in ended.stderr
    assert manifest(tmp_path / "run")["error"] == "interrupted"


def test_a_closed_terminal_does_not_end_what_is_to_outlive_it(tmp_path: Path) -> None:
    process = subprocess.Popen(
        ["nohup", COMMAND, "run", "--out", "run"],
        cwd=tmp_path,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with held_node(process) as node:
        process.send_signal(signal.SIGHUP)
        node.resume()
        ended = finish(process, SOON_S)
    assert ended.returncode == 0, ended.stderr


def test_the_page_ends(tmp_path: Path) -> None:
    process = start("view", "two_vpp", "--port", "0")
    said(process, "look at http://")
    time.sleep(1.0)
    process.terminate()
    end_of(process)


@pytest.mark.parametrize("study", ["paper", "network"])
def test_a_study_ends_with_all_its_processes(study: str, tmp_path: Path) -> None:
    process = start("experiment", study, "--out", tmp_path / "study")
    until(lambda: len(session(process.pid)) > 2 or len(node_processes(process.pid)) > 0, process)
    others = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    end_of(process)
    _, alive = psutil.wait_procs(others, timeout=SOON_S)
    assert alive == []


# --- what the system takes away ---------------------------------------------------------------------------------


def fork_server(command: int) -> psutil.Process:
    """The process that node processes come from: the child that has children."""
    return next(child for child in psutil.Process(command).children() if child.children())


def test_a_killed_fork_server_is_called_by_its_name(tmp_path: Path) -> None:
    process = start("run", "--out", tmp_path / "run")
    with held_node(process):
        time.sleep(1.0)  # so that the last process has been started to the end
        nodes = node_processes(process.pid)
        fork_server(process.pid).kill()
        ended = finish(process, SOON_S)
    assert ended.returncode == 4
    assert "is lost: the fork server that starts node processes was killed" in ended.stderr
    assert "255" not in ended.stderr
    assert "Traceback" not in ended.stderr
    _, alive = psutil.wait_procs(nodes, timeout=SOON_S)
    assert alive == []


def test_with_restarts_a_killed_fork_server_costs_nothing(default_run: Path, tmp_path: Path) -> None:
    """All its processes are replaced, and none of the old ones goes on beside the new."""
    process = start("run", "--restart", "2", "--out", tmp_path / "run")
    with held_node(process):
        time.sleep(1.0)
        nodes = node_processes(process.pid)
        fork_server(process.pid).kill()
        ended = finish(process)
    assert ended.returncode == 0, ended.stderr
    _, alive = psutil.wait_procs(nodes, timeout=SOON_S)
    assert alive == []
    for table in ("offers", "costs"):
        assert (tmp_path / "run" / f"{table}.csv").read_bytes() == (default_run / f"{table}.csv").read_bytes()


@pytest.mark.parametrize("name", ["x" * 60, "x" * 120 + "/" + "y" * 120])
def test_a_long_path_of_the_folder_for_temporary_files_is_no_hindrance(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir(parents=True)
    process = start(
        "run", "two_vpp", "--out", tmp_path / "run", "--quiet", env={**os.environ, "TMPDIR": str(folder)}
    )
    ended = finish(process)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("folder", ["/proc/nowhere", "/proc"])
def test_a_folder_for_temporary_files_that_cannot_be_written_is_no_hindrance(folder: str, tmp_path: Path) -> None:
    ended = finish(
        start("run", "two_vpp", "--out", tmp_path / "run", "--quiet", env={**os.environ, "TMPDIR": folder})
    )
    assert ended.returncode == 0, ended.stderr


def errors_of(ended: subprocess.CompletedProcess[str]) -> list[str]:
    """The errors that a command that broke has told of; no traceback is among them."""
    assert ended.returncode == 4, ended.stderr
    assert "Traceback" not in ended.stderr
    return [line for line in ended.stderr.splitlines() if line.startswith("error: ")]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("taken_away", ["deleted", "moved", "tape"])
def test_a_run_folder_that_is_gone_ends_the_run_soon(taken_away: str, tmp_path: Path) -> None:
    """While a node stands still, so that the run could not have ended by itself."""
    folder = tmp_path / "run"
    process = start("run", "--out", folder)
    with held_node(process):
        until((folder / "tape.msgpack").exists, process)
        if taken_away == "deleted":
            shutil.rmtree(folder)
        else:
            gone = folder if taken_away == "moved" else folder / "tape.msgpack"
            gone.rename(tmp_path / "elsewhere")
        ended = finish(process, SOON_S)
    (error,) = errors_of(ended)
    assert error.startswith(f"error: {folder / 'tape.msgpack'}: the tape is gone")
    assert "begin anew" in error


@pytest.mark.parametrize("bytes_left", [900, 10_000_000])
def test_a_tape_that_something_else_changes_ends_the_run_soon(bytes_left: int, tmp_path: Path) -> None:
    """It would end in a manifest that vouches for a tape that nobody can read."""
    tape = tmp_path / "run" / "tape.msgpack"
    process = start("run", "--out", tape.parent)
    with held_node(process) as node:
        until(lambda: tape.exists() and tape.stat().st_size > 900, process)
        os.truncate(tape, bytes_left)
        node.resume()  # and so there is more to be written
        ended = finish(process, SOON_S)
    (error,) = errors_of(ended)
    assert error.startswith(f"error: {tape}: the tape has {bytes_left:,} bytes, but ")
    assert "begin anew, in another folder" in error


@pytest.mark.sampled(2)
@pytest.mark.parametrize("blocks", [8, 32, 64, 128])
def test_a_file_that_may_not_grow_ends_the_run_which_can_be_taken_up(blocks: int, tmp_path: Path) -> None:
    """As on a full disk; in the scenario, on the tape, in a table."""
    limited = ["bash", "-c", f'ulimit -f {blocks}; exec "$@"', "sh", str(COMMAND)]
    ended = subprocess.run(
        [*limited, "run", "--out", tmp_path / "run"], capture_output=True, text=True, check=False, timeout=150
    )
    (error,) = errors_of(ended)
    assert error.endswith("cannot be written: file too large; raise the limit of one file: ulimit -f unlimited")
    if "--resume" in ended.stderr:
        assert run("run", "--resume", tmp_path / "run", "--quiet").returncode == 0
    else:
        assert "scenario" in error


@pytest.mark.sampled(2)
@pytest.mark.parametrize("descriptors", [12, 24, 40])
def test_too_few_descriptors_are_told(descriptors: int, tmp_path: Path) -> None:
    limited = ["sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh", str(COMMAND)]
    ended = subprocess.run(
        [*limited, "run", "--out", tmp_path / "run"], capture_output=True, text=True, check=False, timeout=150
    )
    (error,) = errors_of(ended)
    assert "raise the limit: ulimit -n" in error


def test_a_fork_server_that_dies_while_plants_are_started_again_costs_nothing(tmp_path: Path) -> None:
    """Node and fork server die together: the node is started again by a server that is dead, or dies."""
    process = start("run", "two_vpp", "--restart", "3", "--out", tmp_path / "run")
    with held_node(process, among=2) as node:
        time.sleep(1.0)
        server = fork_server(process.pid)
        node.kill()
        server.kill()
        ended = finish(process)
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_full_disk_for_what_is_printed_is_told_in_a_line(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [COMMAND, "run", "two_vpp", "--in-process", "--out", tmp_path / "run"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=150,
            check=False,
        )
    assert ended.returncode == 4
    assert "Traceback" not in ended.stderr
    assert "no space left on device" in ended.stderr
    assert run("check", "two_vpp").returncode == 0
