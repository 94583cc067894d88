"""Claims: a day becomes real over processes as it does in one, whoever is killed, and can be taken up."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.tape import TAPE_NAME
from tests.processes.command import finish, manifest, node_processes, rows, run, start, wait_for_tape

NOISE = (
    *("--set", "forecast.model=noise", "--set", "forecast.given=forecast"),
    *("--set", "forecast.noise_share=0.3", "--set", "imbalance.pricing=single"),
)
SLOWLY = ("--time", "wall", "--delay", "50ms")
TABLES = ("costs", "imbalance", "dispatch")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("alone") / "run"
    ended = run("run", "--in-process", *NOISE, "--out", folder, "--quiet")
    assert ended.returncode == 0, ended.stderr
    return folder


def assert_same_day(one: Path, other: Path) -> None:
    for table in TABLES:
        assert rows(one, table) == rows(other, table), table
    assert manifest(one)["imbalance"] == manifest(other)["imbalance"]
    replayed = run("replay", other)
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr


@pytest.mark.timeout(600)
def test_late_and_lost_messages_and_a_death_change_no_digit(alone: Path, tmp_path: Path) -> None:
    bad = ("--delay", "lognormal:50ms:0.5", "--loss", "0.2", "--restart", "1")
    process = start("run", *NOISE, *bad, "--out", tmp_path / "run", "--quiet")
    wait_for_tape(process, tmp_path / "run" / TAPE_NAME, size=11_000)  # all have declared, and are trading
    node_processes(process.pid)[0].kill()
    ended = finish(process)
    assert ended.returncode == 0, ended.stderr
    assert_same_day(alone, tmp_path / "run")


@pytest.mark.timeout(600)
def test_a_run_that_broke_is_taken_up(alone: Path, tmp_path: Path) -> None:
    process = start("run", *NOISE, *SLOWLY, "--out", tmp_path / "run", "--quiet")
    wait_for_tape(process, tmp_path / "run" / TAPE_NAME, size=40_000)
    process.kill()
    finish(process)
    ended = run("run", "--resume", tmp_path / "run", "--quiet")
    assert ended.returncode == 0, ended.stderr
    prices = {row["price_cny_per_mwh"] for row in rows(alone, "imbalance")}
    assert prices == {row["price_cny_per_mwh"] for row in rows(tmp_path / "run", "imbalance")}
    assert_same_day(alone, tmp_path / "run")
