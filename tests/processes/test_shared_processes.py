"""Claims: plants that share a process are as those that do not: the same tape, the same fate when things fail."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from broker.tape import TAPE_NAME, AuditGiven, EpochBegun, read_tape
from market.app.runs.distributed import OWN_PROCESSES, shared_out, usual_processes
from scripts.chaos import prices_of, table, trials
from tests.processes.command import finish, manifest, node_processes, run, settle_session, start, wait_for_tape
from tests.processes.test_failures import TOKEN, same_prices
from tests.processes.test_hostile_frames import free_port
from tests.processes.test_told import REASON, too_little_grid
from tests.tapes import of_kind

ROSTER = tuple(f"VPP{number}" for number in range(1, 6))
CONDITIONS = (
    (),
    ("--delay", "50ms", "--loss", "0.05"),
    ("--delay", "lognormal:50ms:0.5", "--jitter", "10ms", "--duplicate", "0.1", "--reorder", "0.1:200ms"),
    ("--bandwidth", "64kbit", "--compute", "20ms"),
    ("--partition", "VPP1,VPP2/VPP3,VPP4,VPP5:0.1s:2s", "--delay", "20ms"),
)


def test_plants_are_shared_out_evenly_and_each_once() -> None:
    for plants in range(1, 60):
        names = [f"P{number}" for number in range(plants)]
        for processes in (None, *range(1, 70)):
            shares = list(shared_out(names, processes))
            assert [name for share in shares for name in share] == names
            assert max(map(len, shares)) - min(map(len, shares)) <= 1
            few = plants <= OWN_PROCESSES
            assert len(shares) == min(plants, processes or (plants if few else usual_processes()))


@pytest.mark.sampled(2)
@pytest.mark.parametrize("conditions", CONDITIONS, ids=" ".join)
def test_the_tape_is_the_same_to_the_byte_however_plants_share_processes(
    conditions: tuple[str, ...], tmp_path: Path
) -> None:
    tapes: list[bytes] = []
    for processes in ("1", "2", "2", "5"):
        folder = tmp_path / f"run-{len(tapes)}"
        ended = run("run", *conditions, "--seed", "3", "--processes", processes, "--out", folder, "--quiet")
        assert ended.returncode == 0, ended.stderr
        ids = manifest(folder)["process_ids"]
        assert ids.keys() == {"broker", *ROSTER}
        assert len({*ids.values()}) == 1 + int(processes)
        tapes.append((folder / TAPE_NAME).read_bytes())
    assert tapes == [tapes[0]] * 4


def test_a_killed_process_of_several_plants_is_started_again_and_nothing_is_lost(
    tmp_path: Path, default_run: Path
) -> None:
    slow = ("--time", "wall", "--delay", "50ms", "--restart", "1", "--processes", "2", "--quiet")
    process = start("run", *slow, "--out", tmp_path / "run")
    wait_for_tape(process, tmp_path / "run" / TAPE_NAME, size=40_000)
    node_processes(process.pid)[0].kill()
    ended = finish(process)
    assert ended.returncode == 0, ended.stderr
    assert same_prices(tmp_path / "run", default_run)
    assert manifest(tmp_path / "run")["counters"]["returned"] in (2, 3)


def test_the_market_goes_on_without_the_plants_of_a_process_and_begins_again_once(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    flags = ("--on-loss", "withdraw", "--time", "wall", "--delay", "50ms", "--processes", "2")
    process = start("run", *flags, "--out", folder)
    wait_for_tape(process, folder / TAPE_NAME, size=40_000)
    node_processes(process.pid)[1].kill()
    ended = finish(process)
    assert ended.returncode == 0, ended.stderr
    withdrawn = manifest(folder)["withdrawn"]
    assert tuple(withdrawn) in (ROSTER[:3], ROSTER[3:])
    records = [*read_tape(folder / TAPE_NAME)]
    assert {record.vpp for record in of_kind(records, AuditGiven)} == {*ROSTER} - {*withdrawn}
    assert len([*of_kind(records, EpochBegun)]) == 2


def test_a_run_of_shared_processes_whose_broker_died_is_taken_up(tmp_path: Path, default_run: Path) -> None:
    folder = tmp_path / "run"
    process = start("run", "--time", "wall", "--delay", "100ms", "--processes", "2", "--out", folder)
    wait_for_tape(process, folder / TAPE_NAME, size=40_000)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert settle_session(process.pid) == []  # the nodes end with it
    ended = run("run", "--resume", folder, "--processes", "3", "--quiet")
    assert ended.returncode == 0, ended.stderr
    assert same_prices(folder, default_run)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("seed", range(0, 50, 5))
def test_blows_to_processes_and_connections_of_several_plants(seed: int, tmp_path: Path) -> None:
    """Nodes and broker are killed and stopped, connections reset, stalled, half-open: a trial of each way."""
    found = trials([seed, seed + 1], tmp_path)
    assert [trial.fault for trial in found] == [""] * len(found), table(found)


def test_one_plant_that_cannot_go_on_ends_alone_where_the_others_may(tmp_path: Path) -> None:
    case, folder = too_little_grid(tmp_path), tmp_path / "run"
    stopped = run("run", case, "--processes", "1", "--out", tmp_path / "stopped")
    assert stopped.returncode == 2
    assert REASON in stopped.stderr
    ended = run("run", case, "--processes", "1", "--on-loss", "withdraw", "--out", folder)
    apart = run("run", case, "--processes", "5", "--on-loss", "withdraw", "--out", tmp_path / "apart")
    assert (ended.returncode, manifest(folder).get("withdrawn")) == (
        apart.returncode,
        manifest(tmp_path / "apart").get("withdrawn"),
    )
    waited = run("run", case, "--processes", "1", "--on-loss", "wait", "--out", tmp_path / "waited")
    assert waited.returncode == 2  # at once, not after `network.wait_s`: it has said that it ends
    assert REASON in waited.stderr


@pytest.mark.sampled(1)
@pytest.mark.parametrize("keyed", [False, True], ids=["without keys", "with keys"])
def test_one_command_is_several_nodes_each_with_its_own_key_and_folder(keyed: bool, tmp_path: Path) -> None:
    port = free_port()
    if keyed:
        assert run("keys", tmp_path / "keys").returncode == 0
    secret = ("--keys", tmp_path / "keys") if keyed else ("--token", TOKEN)
    broker = start("broker", "--port", str(port), *secret, "--out", tmp_path / "run", "--audit", "full")
    shares = ("VPP1,VPP3", "VPP2,VPP4,VPP5")
    joined = ("--broker", f"tcp://127.0.0.1:{port}", "--scenario", "five_vpp", *secret)
    nodes = [start("node", "--id", ids, *joined, "--out", tmp_path / "own") for ids in shares]
    ended = finish(broker)
    left = [finish(node) for node in nodes]
    assert ended.returncode == 0, (ended.stderr, [node.stderr for node in left])
    assert [node.returncode for node in left] == [0, 0]
    together = run("run", "--out", tmp_path / "usual", "--quiet")
    assert together.returncode == 0
    assert prices_of(tmp_path / "run") == prices_of(tmp_path / "usual")
    for vpp in ROSTER:
        assert manifest(tmp_path / "own" / vpp)["vpp"] == vpp
        assert (tmp_path / "own" / vpp / "dispatch.csv").exists()
    assert manifest(tmp_path / "run")["refused"] == {}


@pytest.mark.parametrize(("ids", "rule"), [("VPP1,VPP9", "VPP9"), ("VPP1,VPP1", "once"), ("VPP1,", "''")])
def test_ids_that_cannot_be_are_told(ids: str, rule: str, tmp_path: Path) -> None:
    flags = ("--broker", "tcp://127.0.0.1:9", "--scenario", "five_vpp", "--token", TOKEN, "--out", tmp_path / "n")
    ended = run("node", "--id", ids, *flags)
    assert ended.returncode == 2
    assert re.search(rule, ended.stderr)
    assert not (tmp_path / "n").exists()
