"""Days in a row over the bus: the plants' processes stay up, and in the end no plant and no broker was missed."""

from __future__ import annotations

import filecmp
import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

import market
from tests.market.series_of_days import write_days
from tests.processes.command import COMMAND

TABLES = ("days.csv", "costs.csv", "periods.csv")
DAYS = 14
LIMIT_S = 240.0


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fourteen days of three plants, seen 36 hours ahead, carbon billed by the week."""
    folder = tmp_path_factory.mktemp("days")
    sections = {"rolling": {"plan_h": 36}, "carbon": {"billing_period": "week", "interval_t": 40.0}}
    write_days(folder / "s", DAYS, seed=3, sections=sections)
    done = subprocess.run(arguments(folder / "run", folder / "s"), capture_output=True, text=True, timeout=LIMIT_S)
    assert (done.returncode, done.stderr) == (0, "")
    return folder


def arguments(run: Path, scenario: Path) -> list[str]:
    return [str(COMMAND), "run", str(scenario), "--out", str(run), "--quiet", "--restart", "3"]


def same_tables(one: Path, other: Path) -> bool:
    return all(filecmp.cmp(one / name, other / name, shallow=False) for name in TABLES)


def process_ids(run: Path, number: int) -> dict[str, int]:
    path = run / "days" / f"{number:03d}" / "manifest.json"
    ids: dict[str, int] = json.loads(path.read_text(encoding="utf-8"))["process_ids"]
    return ids


def test_processes_stay_up_and_days_are_those_of_one_process(undisturbed: Path, tmp_path: Path) -> None:
    run = undisturbed / "run"
    first = process_ids(run, 1)
    assert len(set(first.values())) == 4
    assert all(process_ids(run, number) == first for number in range(2, DAYS + 1))
    alone = market.run_days(undisturbed / "s", out=tmp_path / "run", whole=False)
    assert alone.verdict == "equilibrium"
    assert same_tables(run, tmp_path / "run")


def test_a_plant_killed_on_day_6_and_the_broker_on_day_9_leave_no_trace(undisturbed: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with subprocess.Popen(
        arguments(run, undisturbed / "s"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        await_path(run / "days" / "006" / "tape.msgpack", process)
        os.kill(process_of(process.pid, at=1), signal.SIGKILL)
        await_path(run / "days" / "009" / "tape.msgpack", process)
        process.kill()
    assert not (run / "manifest.json").exists()
    resumed = [str(COMMAND), "run", "--resume", str(run), "--quiet"]
    done = subprocess.run(resumed, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stderr
    assert same_tables(undisturbed / "run", run)
    before, after = process_ids(run, 5), process_ids(run, 7)
    assert sum(before[vpp] != after[vpp] for vpp in before) == 1, "one plant was started again, the others stayed"
    assert set(process_ids(run, 8).values()).isdisjoint(process_ids(run, 10).values())


def test_a_plant_that_dies_for_good_breaks_its_day_and_the_days_before_stay(
    undisturbed: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    words = [str(COMMAND), "run", str(undisturbed / "s"), "--out", str(run), "--quiet"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        await_path(run / "days" / "003" / "tape.msgpack", process)
        os.kill(process_of(process.pid, at=0), signal.SIGKILL)
        _, said = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 4
    assert "error: day " in said
    assert "was killed by signal 9" in said
    assert "run --resume" in said
    assert len((run / "days.csv").read_text(encoding="utf-8").splitlines()) >= 3
    done = subprocess.run(
        [str(COMMAND), "run", "--resume", run, "--quiet"], capture_output=True, timeout=LIMIT_S, check=False
    )
    assert done.returncode == 0
    assert same_tables(undisturbed / "run", run)


def await_path(path: Path, process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not path.exists():
        assert process.poll() is None, "the run is over already"
        assert time.monotonic() < deadline
        time.sleep(0.001)


def process_of(parent: int, at: int) -> int:
    """A node's process: a child of the fork server that a run has started, by the order of their ids."""
    servers = [pid for pid in children(parent) if b"forkserver" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    (server,) = servers
    return children(server)[at]


def children(parent: int) -> Sequence[int]:
    found = []
    for entry in os.listdir("/proc"):
        try:
            status = Path(f"/proc/{entry}/stat").read_text(encoding="utf-8")
        except (OSError, ValueError):
            continue
        if entry.isdigit() and int(status.rpartition(")")[2].split()[1]) == parent:
            found.append(int(entry))
    return sorted(found)
