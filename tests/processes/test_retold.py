"""Claims: a run whose tape is whole and whose manifest is not is told again, its tape untouched; files that are no
files never hold a command up; pictures are their owner's alone wherever they are put."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.processes.command import run


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished") / "run"
    assert run("run", "two_vpp", "--out", folder, "--quiet").returncode == 0
    return folder


@pytest.mark.sampled(4)
@pytest.mark.parametrize("manifest", [None, "", '{"a":1', "[" * 100_000])
@pytest.mark.parametrize("command", ["run", "broker"])
def test_a_day_whose_tape_is_whole_is_told_again(
    finished: Path, tmp_path: Path, command: str, manifest: str | None
) -> None:
    again = tmp_path / "again"
    shutil.copytree(finished, again)
    (again / "manifest.json").unlink()
    (again / "costs.csv").unlink()
    if manifest is not None:
        (again / "manifest.json").write_text(manifest)
    ended = run(command, "--resume", again, "--quiet")
    assert ended.returncode == 0, ended.stderr
    for name in ("tape.msgpack", "costs.csv", "offers.csv", "trace.csv"):
        assert (again / name).read_bytes() == (finished / name).read_bytes()
    assert "decisions are the recorded ones" in run("replay", again).stdout


@pytest.mark.parametrize("command", ["run", "broker"])
def test_a_run_that_is_taken_up_keeps_what_it_was_begun_to_keep(tmp_path: Path, command: str) -> None:
    asked = ("--trace", "none", "--format", "parquet")
    assert run("run", "two_vpp", "--out", tmp_path / "run", "--quiet", *asked).returncode == 0
    (tmp_path / "run" / "manifest.json").unlink()
    (tmp_path / "run" / "costs.parquet").unlink()
    ended = run(command, "--resume", tmp_path / "run", "--quiet")
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "run" / "costs.parquet").exists()
    assert not list((tmp_path / "run").glob("*.csv"))
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["kept"]["trace"] == "none"
    (tmp_path / "run" / "manifest.json").unlink()
    (tmp_path / "run" / "keep.json").write_text('{"trace": "all", "format": "csv"}')
    ended = run(command, "--resume", tmp_path / "run", "--quiet")
    assert ended.returncode == 2
    assert "keep.json: trace" in ended.stderr


@pytest.mark.parametrize("command", ["replay", "report", "compare"])
def test_a_pipe_in_place_of_a_manifest_holds_nobody_up(finished: Path, tmp_path: Path, command: str) -> None:
    piped = tmp_path / "piped"
    shutil.copytree(finished, piped)
    (piped / "manifest.json").unlink()
    os.mkfifo(piped / "manifest.json")
    ended = run(command, piped, *([finished] if command == "compare" else []))
    assert ended.returncode in (2, 4)
    assert "Traceback" not in ended.stderr


def test_pictures_in_a_folder_open_to_all_are_their_owners_alone(finished: Path, tmp_path: Path) -> None:
    drawn = tmp_path / "drawn"
    shutil.copytree(finished, drawn)
    (drawn / "figures").mkdir(mode=0o777)
    assert run("report", drawn).returncode == 0
    assert {path.stat().st_mode & 0o777 for path in (drawn / "figures").iterdir()} == {0o600}
