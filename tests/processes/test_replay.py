"""Claims: what separate processes decided comes out again from their tape alone, also after a kill."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from broker.tape import TAPE_NAME, Left, read_tape
from tests.processes.command import finish, node_processes, run, start, wait_for_tape
from tests.tapes import of_kind


def replayed(folder: Path) -> dict[str, Any]:
    """What `replay --json` says of a run, all of whose decisions have to be the recorded ones."""
    told = run("replay", folder, "--json")
    assert told.returncode == 0, told.stderr
    document: dict[str, Any] = json.loads(told.stdout)
    assert (document["exit_code"], document["different"], document["differences"]) == (0, 0, [])
    assert document["complete"]
    return document


def test_a_default_run_is_replayed_from_its_tape_alone(default_run: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / TAPE_NAME).write_bytes((default_run / TAPE_NAME).read_bytes())
    document = replayed(alone)
    assert document["not_recorded"] == 0
    assert document["same"] > 140
    assert document["not_recomputed"] == 10  # what five plants declared and showed: they are not there


def test_a_run_in_real_time_whose_node_was_killed_is_replayed(tmp_path: Path) -> None:
    folder = tmp_path / "wall"
    wall = ("--time", "wall", "--delay", "50ms", "--loss", "0.02", "--restart", "1")
    process = start("run", "--out", folder, "--quiet", *wall)
    wait_for_tape(process, folder / TAPE_NAME, size=40_000)
    node_processes(process.pid)[0].kill()
    ended = finish(process)
    assert ended.returncode == 0, ended.stderr
    assert of_kind(read_tape(folder / TAPE_NAME), Left)
    assert replayed(folder)["same"] > 100
