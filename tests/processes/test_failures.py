"""Claims: processes die, stand still and are cut off, the broker too: the day ends where it would have anyway.

Real processes and sockets; the chaos script in small. What dies at which step is enumerated in `tests/broker`.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import yaml

from broker.tape import TAPE_NAME, AuditGiven, EpochBegun, Left, TapeSoFar, read_tape, tape_so_far
from broker.tape.records import kind_of
from market.errors import TapeError
from market.scenario.cases import case_folder
from scripts.chaos import prices_of, table, trials
from tests.processes.command import (
    LIMIT_S,
    finish,
    held_node,
    manifest,
    node_processes,
    run,
    settle_session,
    start,
    wait_for_tape,
    wait_until,
)
from tests.tapes import of_kind

TOKEN = "0123456789abcdef" * 2


def kinds_on(folder: Path) -> list[str]:
    return [kind_of(record) for record in read_tape(folder / TAPE_NAME)]


def same_prices(one: Path, other: Path) -> bool:
    found, wanted = prices_of(one), prices_of(other)
    return found.keys() == wanted.keys() and all(abs(found[key] - wanted[key]) <= 1e-6 for key in wanted)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("first", range(0, 40, 4))
def test_runs_in_which_processes_die_and_connections_break(first: int, tmp_path: Path) -> None:
    """Few of them; `scripts/chaos.py` has run hundreds (docs/failures.md)."""
    found = trials(range(first, first + 4), tmp_path)
    assert [trial.fault for trial in found] == [""] * len(found), table(found)
    assert len({kind for trial in found for kind in trial.done}) > 2


def test_a_killed_node_is_started_again_and_nothing_is_lost(tmp_path: Path, default_run: Path) -> None:
    slow = ("--time", "wall", "--delay", "50ms", "--restart", "1", "--quiet")
    process = start("run", *slow, "--out", tmp_path / "run")
    wait_for_tape(process, tmp_path / "run" / TAPE_NAME, size=40_000)
    node_processes(process.pid)[0].kill()
    ended = finish(process)
    assert ended.returncode == 0, ended.stderr
    assert same_prices(tmp_path / "run", default_run)
    assert manifest(tmp_path / "run")["counters"]["returned"] == 1
    kinds = kinds_on(tmp_path / "run")
    assert (kinds.count("left"), kinds.count("back")) == (1, 1)


def test_a_node_that_is_killed_while_all_join_is_started_again(tmp_path: Path, default_run: Path) -> None:
    """Nothing has been promised to anybody yet: the tape knows nothing of it."""
    process = start("run", "--restart", "1", "--out", tmp_path / "run")
    with held_node(process) as node:
        node.kill()
        ended = finish(process)
    assert ended.returncode == 0, ended.stderr
    assert same_prices(tmp_path / "run", default_run)
    if "its place is free again" in ended.stderr:  # else it had joined, and was lost
        assert not {"left", "back"} & set(kinds_on(tmp_path / "run"))


def test_the_market_goes_on_without_who_has_withdrawn(tmp_path: Path) -> None:
    process = start("run", "--on-loss", "withdraw", "--time", "wall", "--delay", "50ms", "--out", tmp_path / "run")
    wait_for_tape(process, tmp_path / "run" / TAPE_NAME, size=40_000)
    node_processes(process.pid)[0].kill()
    ended = finish(process)
    assert ended.returncode == 0, ended.stderr
    told = manifest(tmp_path / "run")
    assert len(told["withdrawn"]) == 1
    audits = {record.vpp for record in of_kind(read_tape(tmp_path / "run" / TAPE_NAME), AuditGiven)}
    assert audits == {f"VPP{i}" for i in range(1, 6)} - set(told["withdrawn"])
    assert f"without {told['withdrawn'][0]}, lost" in ended.stdout


def test_a_market_that_only_one_is_left_of_breaks_off_and_can_be_taken_up(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    flags = ("--on-loss", "withdraw", "--time", "wall", "--delay", "2s")
    process = start("run", "two_vpp", *flags, "--out", folder)
    wait_until(process, lambda: has_begun(folder / TAPE_NAME))
    node_processes(process.pid)[0].kill()
    ended = finish(process)
    assert ended.returncode == 4, ended.stderr
    assert re.search(r"error: no market is left, \w+ is alone: \w+'s process ", ended.stderr)
    told = manifest(folder)
    assert told["verdict"] == "aborted"
    assert told["error"] in ended.stderr
    assert told["error"] in run("report", folder).stderr
    taken_up = run("run", "--resume", folder)
    assert taken_up.returncode == 0, taken_up.stderr
    assert manifest(folder)["withdrawn"] == []


def has_begun(tape: Path) -> bool:
    """Whether all have joined."""
    try:
        return bool(of_kind(tape_so_far(tape).records, EpochBegun))
    except TapeError:  # nothing whole is in it yet
        return False


def free_ports() -> int:
    """The first of three ports that are free now."""
    for first in range(30_000 + os.getpid() % 10_000, 60_000, 3):
        try:
            for port in range(first, first + 3):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise AssertionError("no free ports")


@contextmanager
def nodes_by_hand(port: int, where: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Five nodes that people have started themselves."""
    environment = {**os.environ, "VPPMARKET_TOKEN": TOKEN}
    command = [sys.executable, "-m", "vpp_nodes", "--scenario", "five_vpp"]
    command += ["--broker", f"tcp://127.0.0.1:{port}", "--id"]
    nodes = [
        subprocess.Popen([*command, f"VPP{i}"], env=environment, cwd=where, text=True, stderr=subprocess.PIPE)
        for i in range(1, 6)
    ]
    try:
        yield nodes
    finally:
        for node in nodes:
            if node.poll() is None:
                node.kill()
            node.communicate()


def test_nodes_find_a_broker_that_was_killed_and_takes_the_run_up(tmp_path: Path, default_run: Path) -> None:
    port, folder = free_ports(), tmp_path / "run"
    flags = ("--port", str(port), "--token", TOKEN)
    slow = ("--time", "wall", "--delay", "100ms", "--on-loss", "wait")
    broker = start("broker", *flags, *slow, "--out", folder)
    with nodes_by_hand(port, tmp_path) as nodes:
        wait_for_tape(broker, folder / TAPE_NAME, size=40_000)
        broker.kill()
        broker.communicate()
        assert settle_session(broker.pid) == []
        ended = run("broker", *flags, "--resume", folder)
        assert ended.returncode == 0, ended.stderr
        assert [node.wait(timeout=LIMIT_S) for node in nodes] == [0] * 5
    assert same_prices(folder, default_run)
    assert kinds_on(folder).count("resumed") == 1
    assert kinds_on(folder)[-1] == "end"


def test_a_run_that_came_to_its_end_is_not_taken_up(default_run: Path) -> None:
    ended = run("run", "--resume", default_run)
    assert ended.returncode == 2
    assert "only a run that broke off can be taken up" in ended.stderr


def test_a_run_is_taken_up_as_it_was_begun(tmp_path: Path) -> None:
    ended = run("run", "two_vpp", "--resume", tmp_path, "--seed", "3", "--delay", "1s")
    assert ended.returncode == 2
    assert ended.stderr.count("a run is taken up as it was begun") == 3


def test_a_tape_cut_anywhere_in_its_last_record_is_taken_up(tmp_path: Path, default_run: Path) -> None:
    """Cut at every byte it reads as whole up to there; the run is taken up from some of the cuts."""
    whole = (default_run / TAPE_NAME).read_bytes()
    records = list(read_tape(default_run / TAPE_NAME))
    cut = tmp_path / TAPE_NAME
    last = len(whole) - 1
    while len(tape_of(cut, whole[:last]).records) == len(records) - 1:
        assert tape_so_far(cut).torn_bytes == last - tape_so_far(cut).whole_bytes
        last -= 1
    first = last + 1
    for length in (first, (first + len(whole)) // 2, len(whole) - 1):
        folder = tmp_path / f"run-{length}"
        folder.mkdir()
        (folder / TAPE_NAME).write_bytes(whole[:length])
        shutil.copytree(case_folder("five_vpp"), folder / "scenario")
        ended = run("run", "--resume", folder)
        assert ended.returncode == 0, ended.stderr
        assert same_prices(folder, default_run)
        assert ("bytes of an unfinished record" in ended.stderr) == (length != first)


def tape_of(path: Path, data: bytes) -> TapeSoFar:
    path.write_bytes(data)
    return tape_so_far(path)


def test_a_disk_that_fills_up_breaks_the_run_and_it_is_taken_up(tmp_path: Path, default_run: Path) -> None:
    """A limit on the size of files stands for a full disk: the write comes back short, then fails."""
    folder = tmp_path / "run"

    def small_disk() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_001, 50_001))

    ended = finish(start("run", "--out", folder, preexec_fn=small_disk))
    assert ended.returncode == 4
    assert "the tape cannot be written" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert (folder / TAPE_NAME).stat().st_size == 50_001
    again = run("run", "--resume", folder)
    assert again.returncode == 0, again.stderr
    assert same_prices(folder, default_run)


def test_a_run_that_is_under_way_is_not_taken_up(tmp_path: Path) -> None:
    process = start("broker", "--quiet", "--out", tmp_path / "run")  # nobody joins: it waits meanwhile
    try:
        wait_for_tape(process, tmp_path / "run" / TAPE_NAME, size=1000)
        second = run("run", "--resume", tmp_path / "run")
        assert second.returncode == 4
        assert "is being written by another process" in second.stderr
    finally:
        process.send_signal(signal.SIGINT)
        ended = finish(process)
    assert ended.returncode == 130, ended.stderr


def test_a_folder_without_a_tape_cannot_be_taken_up(tmp_path: Path) -> None:
    ended = run("run", "--resume", tmp_path)
    assert ended.returncode != 0
    assert "got a folder without one" in ended.stderr
    shutil.rmtree(tmp_path)


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default case with a market that takes two seconds of silence for a loss."""
    folder = tmp_path_factory.mktemp("cases") / "impatient"
    assert run("new", folder).returncode == 0
    document = yaml.safe_load((folder / "scenario.yaml").read_text())
    document["network"] = {**document.get("network", {}), "silence_s": 2.0, "delay_s": 0.2, "time": "wall"}
    (folder / "scenario.yaml").write_text(yaml.safe_dump(document))
    return folder


def stopped_under_load(case: Path, out: Path, rule: str) -> tuple[subprocess.Popen[str], psutil.Process]:
    process = start("run", case, "--on-loss", rule, "--out", out)
    wait_for_tape(process, out / TAPE_NAME, size=30_000)
    node = node_processes(process.pid)[0]
    node.suspend()
    return process, node


def test_who_stands_still_is_withdrawn_and_the_others_finish(impatient: Path, tmp_path: Path) -> None:
    process, _ = stopped_under_load(impatient, tmp_path / "run", "withdraw")
    ended = finish(process)
    assert ended.returncode == 0, ended.stderr
    assert len(manifest(tmp_path / "run")["withdrawn"]) == 1


def test_who_stood_still_is_brought_up_to_date(impatient: Path, tmp_path: Path, default_run: Path) -> None:
    process, node = stopped_under_load(impatient, tmp_path / "run", "wait")
    tape = tmp_path / "run" / TAPE_NAME
    for _ in range(int(LIMIT_S / 0.1)):
        if of_kind(read_tape(tape), Left):
            break
        psutil.wait_procs([node], timeout=0.1)
    node.resume()
    ended = finish(process)
    assert ended.returncode == 0, ended.stderr
    assert same_prices(tmp_path / "run", default_run)
    assert manifest(tmp_path / "run")["counters"]["returned"] == 1
