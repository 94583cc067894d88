"""Claims: days of several rounds run over processes, and end as in one process to the last digit.

Five processes, messages that are late and lost, a process that is killed and started again: the tables of the run
folder are those of a run in one process, and a replay finds nothing else than was recorded.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from broker.tape import TAPE_NAME, read_tape
from broker.tape.records import kind_of
from tests.processes.command import finish, manifest, node_processes, run, start, wait_for_tape

Alone: TypeAlias = tuple[tuple[str, ...], Path]

ITERATE = ("--set", "market.coupling=iterate", "--set", "market.coupling_rounds=1")
CONSENSUS = ("--set", "market.mechanism=consensus")
BAD = ("--delay", "lognormal:50ms:0.5", "--loss", "0.2")
TABLES = ("roles", "bids", "offers", "selections", "dispatch", "costs", "rounds", "periods")
OWN = {"rounds": "cost_cny", "periods": "rounds"}
"""A column that is another: bills that are not told, and how many offers were made on the way."""


@pytest.fixture(scope="module", params=[ITERATE, CONSENSUS], ids=["iterate", "consensus"])
def alone(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[tuple[str, ...], Path]:
    """What is run, and the folder of its day in one process."""
    folder = tmp_path_factory.mktemp("alone") / "run"
    ended = run("run", "--in-process", *request.param, "--out", folder, "--quiet", limit_s=240.0)
    assert ended.returncode == 0, ended.stderr
    return request.param, folder


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    with (folder / f"{table}.csv").open(newline="", encoding="utf-8") as file:
        return [{k: v for k, v in row.items() if k != OWN.get(table)} for row in csv.DictReader(file)]


def assert_same_day(one: Path, other: Path) -> None:
    for table in TABLES:
        assert rows(one, table) == rows(other, table), table
    for name in ("verdict", "epsilon_cny", "periods", "day", "broken_laws", "laws_not_claimed"):
        assert manifest(one)[name] == manifest(other)[name], name
    replayed = run("replay", other, limit_s=240.0)
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr


@pytest.mark.timeout(900)
def test_late_and_lost_messages_change_no_digit(alone: Alone, tmp_path: Path) -> None:
    what, folder = alone
    ended = run("run", *what, *BAD, "--out", tmp_path / "run", "--quiet", limit_s=400.0)
    assert ended.returncode == 0, ended.stderr
    assert_same_day(folder, tmp_path / "run")


@pytest.mark.timeout(900)
def test_nor_does_a_process_that_is_killed_and_started_again(alone: Alone, tmp_path: Path) -> None:
    what, folder = alone
    process = start("run", *what, *BAD, "--restart", "1", "--out", tmp_path / "run", "--quiet")
    wait_for_tape(process, tmp_path / "run" / TAPE_NAME, size=11_000)  # all have declared, and are trading
    node_processes(process.pid)[0].kill()
    ended = finish(process, limit_s=400.0)
    assert ended.returncode == 0, ended.stderr
    assert_same_day(folder, tmp_path / "run")
    kinds = [kind_of(record) for record in read_tape(tmp_path / "run" / TAPE_NAME)]
    assert (kinds.count("left"), kinds.count("back")) == (1, 1)
