"""Claims: the default run is six real processes that end at a certified equilibrium, the oracle's, every time."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from broker.tape import Ended, Opened, TurnGiven, read_tape
from broker.tape.records import kind_of
from market.game.result import Verdict
from tests.processes.command import manifest, rows, run
from tests.tapes import of_kind, said_by_vpps

TABLES = ("roles", "bids", "offers", "periods", "selections", "dispatch", "costs", "trace")


def test_six_processes_and_real_endpoints(default_run: Path) -> None:
    document = manifest(default_run)
    ids = document["process_ids"]
    assert set(ids) == {"broker", "VPP1", "VPP2", "VPP3", "VPP4", "VPP5"}
    assert len(set(ids.values())) == 6
    assert os.getpid() not in ids.values()
    ports = [re.fullmatch(r"tcp://127\.0\.0\.1:(\d+)", endpoint) for endpoint in document["endpoints"].values()]
    assert len({match[1] for match in ports if match}) == 3


def test_the_verdict_is_a_certified_equilibrium(default_run: Path) -> None:
    document = manifest(default_run)
    assert document["verdict"] == "equilibrium"
    assert document["epsilon_relative"] <= 1e-6
    assert document["broken_laws"] == []
    assert document["refused"] == {}
    assert max(float(row["regret_cny"]) for row in rows(default_run, "offers")) <= document["epsilon_cny"]


def test_the_oracle_agrees(default_run: Path, in_process_run: Path) -> None:
    for table, key, column, tolerance in (
        ("offers", ("vpp", "period"), "price_cny_per_mwh", 1e-6),
        ("selections", ("buyer", "seller", "period"), "probability", 1e-9),
        ("selections", ("buyer", "seller", "period"), "delivered_mw", 1e-9),
        ("costs", ("vpp", "scenario"), "total_cny", 1e-6),
    ):
        found, expected = (
            {tuple(row[name] for name in key): float(row[column]) for row in rows(folder, table)}
            for folder in (default_run, in_process_run)
        )
        assert found.keys() == expected.keys()
        assert found == pytest.approx(expected, rel=0, abs=tolerance)


def test_the_same_seed_gives_the_same_bytes(default_run: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    assert run("run", "--out", again, "--quiet").returncode == 0
    for name in (*(f"{table}.csv" for table in TABLES), "certificate.json", "tape.msgpack"):
        assert (again / name).read_bytes() == (default_run / name).read_bytes(), name


def test_a_constant_delay_changes_the_clock_and_not_the_market(default_run: Path, tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    assert run("run", "--delay", "50ms", "--out", slow, "--quiet").returncode == 0
    for table in ("roles", "bids", "offers", "periods", "selections", "dispatch", "costs"):
        assert (slow / f"{table}.csv").read_bytes() == (default_run / f"{table}.csv").read_bytes(), table
    assert manifest(slow)["rest_time_s"] > 0.0
    assert manifest(default_run)["rest_time_s"] == 0.0


def test_the_tape_tells_the_whole_run(default_run: Path) -> None:
    """Every offer in the table is the last one of its seller on the tape, and the tape is complete."""
    records = list(read_tape(default_run / "tape.msgpack"))
    assert isinstance(records[0], Opened)
    assert records[-1] == Ended(Verdict.EQUILIBRIUM)
    kinds = {kind_of(record) for record in records}
    assert kinds == {"tape", "scenario", "epoch", "message", "turn", "command", "audit", "end"}
    assert len(said_by_vpps(records)) == manifest(default_run)["counters"]["sent"]
    delivered = sum(len(record.refs) for record in of_kind(records, TurnGiven))
    assert delivered == manifest(default_run)["counters"]["delivered"]


def test_a_node_stays_small(default_run: Path) -> None:
    sizes = manifest(default_run)["peak_memory_mb"]
    assert max(size for who, size in sizes.items() if who != "broker") < 80.0
