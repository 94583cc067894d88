"""Claims: a command that the program prints works in `sh` as it stands, wherever it is pasted."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from broker.bus.keys import WATCHER, public_file, secret_file
from market.app.runs.command_line import pasted
from tests.processes.command import finish, held_node, manifest, run, settle_session, start

AWKWARD = [
    "plain",
    "two words",
    "-x",
    "it's",
    "$HOME`ls`",
    'quo"te',
    "ä→",
    "tab\tbed",
    "end\n",
    os.fsdecode(b"\xff"),
]
PRINTED = re.compile(r"  (\S*vppmarket(?: .*)?)\n?\Z")


def printed(lines: Sequence[str]) -> list[str]:
    """The commands among lines: they are the ones set in. One that is the same for all nodes has ID for their
    names, which stand above it: it counts once for each."""
    found, names = list[str](), list[str]()
    for line in lines:
        if told := re.search(r"start each of (.*) with its name for ID in", line):
            names = told[1].split(", ")
        if command := PRINTED.match(line):
            each = names if "--id ID " in command[1] else ["ID"]
            found += [command[1].replace("--id ID ", f"--id {name} ") for name in each]
    return found


def paste(line: str, folder: Path) -> subprocess.Popen[str]:
    """Have `sh` carry out a line, somewhere else than where it was printed."""
    return subprocess.Popen(
        ["sh", "-c", line],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def awkward(folder: Path) -> Path:
    """A folder whose name is none to leave unquoted."""
    place = folder / "-a b's"
    place.mkdir()
    return place


def elsewhere(folder: Path) -> Path:
    place = folder / "elsewhere"
    place.mkdir()
    return place


def opened(process: subprocess.Popen[str], number: int) -> list[str]:
    """The commands that a broker prints when it opens: of its nodes, and of a viewer."""
    assert process.stderr is not None
    lines: list[str] = []
    for line in process.stderr:
        lines.append(line)
        if len(found := printed(lines)) == number:
            return found
    raise AssertionError(f"it has printed {lines}")


def joined_and_watched(broker: subprocess.Popen[str], vpps: int, folder: Path) -> None:
    """Paste all that a broker prints; the market has to come to its end, and the viewer to see it."""
    *nodes, view = opened(broker, vpps + 1)
    assert " view " in view
    viewer = paste(f"{view} --port 0", folder)
    try:
        assert viewer.stderr is not None
        assert any(": live" in line for line in viewer.stderr)
        taking_part = [paste(line, folder) for line in nodes]
        ended = finish(broker)
        left = [finish(node) for node in taking_part]
    finally:
        viewer.kill()
        settle_session(viewer.pid)
        viewer.communicate()
    assert ended.returncode == 0, ended.stderr
    assert [node.returncode for node in left] == [0] * vpps, [node.stderr for node in left]


def test_new(tmp_path: Path) -> None:
    place = awkward(tmp_path)
    made = finish(start("new", "mine", "--from", "two_vpp", cwd=place))
    lines = printed(made.stdout.splitlines())
    assert len(lines) == 2
    for line in lines:
        assert finish(paste(line, elsewhere(tmp_path) if line == lines[0] else tmp_path)).returncode == 0


def test_a_broker_without_keys(tmp_path: Path) -> None:
    place = awkward(tmp_path)
    broker = start("broker", "two_vpp", "--out", "-run", cwd=place)
    joined_and_watched(broker, 2, elsewhere(tmp_path))


def test_a_broker_with_keys(tmp_path: Path) -> None:
    place = awkward(tmp_path)
    assert finish(start("keys", "./-keys", "two_vpp", cwd=place)).returncode == 0
    broker = start("broker", "two_vpp", "--keys", "./-keys", "--out", "-run", cwd=place)
    joined_and_watched(broker, 2, elsewhere(tmp_path))


def test_a_scenario_in_parts(tmp_path: Path) -> None:
    place = awkward(tmp_path)
    made = finish(start("split", "two_vpp", "./-parts", cwd=place))
    (line,) = printed(made.stdout.splitlines())
    joined_and_watched(paste(line, elsewhere(tmp_path)), 2, place)


def test_what_is_not_here_is_told_in_words(tmp_path: Path) -> None:
    """A broker that has neither the plants nor their keys prints no command that could not work."""
    assert run("split", "two_vpp", tmp_path / "parts").returncode == 0
    (tmp_path / "parts" / "public").rename(tmp_path / "public")
    assert run("keys", tmp_path / "keys", tmp_path / "public").returncode == 0
    secret_file(tmp_path / "keys", WATCHER).unlink()
    flags = ("--keys", tmp_path / "keys", "--wait", "1", "--out", tmp_path / "run")
    ended = run("broker", tmp_path / "public", *flags)
    assert ended.returncode == 4
    assert "where its owner has it, Farm, Village: vppmarket node --id ID --scenario DIR" in ended.stderr
    assert f"{public_file(Path(), 'broker')} and {secret_file(Path(), 'ID')}" in ended.stderr
    (resume,) = printed(ended.stderr.splitlines())
    assert " --resume " in resume


def test_a_watched_run_and_its_resumption(tmp_path: Path) -> None:
    place, other = awkward(tmp_path), elsewhere(tmp_path)
    process = start("run", "two_vpp", "--restart", "1", "--watch", "--out", "-run", cwd=place)
    (view,) = opened(process, 1)
    with held_node(process, among=2):
        viewer = paste(f"{view} --port 0", other)
        assert viewer.stderr is not None
        assert any(": live" in line for line in viewer.stderr)
        viewer.kill()
        settle_session(viewer.pid)
        viewer.communicate()
        process.terminate()
        ended = finish(process)
    (resume,) = printed(ended.stderr.splitlines())
    assert {"--restart", "--watch", "--resume"} <= {*shlex.split(resume)}
    assert finish(paste(resume, other)).returncode == 0
    assert manifest(place / "-run")["verdict"] == "equilibrium"


def test_the_resumption_of_a_broker(tmp_path: Path) -> None:
    """It listens where it did, so what it printed at first holds again."""
    place, other = awkward(tmp_path), elsewhere(tmp_path)
    first = start("broker", "two_vpp", "--host", "127.0.0.2", "--out", "-run", cwd=place)
    (*nodes, view) = opened(first, 3)
    first.terminate()
    (resume,) = printed(finish(first).stderr.splitlines())
    assert " --host 127.0.0.2 --port " in resume
    broker = paste(resume, other)
    assert opened(broker, 3) == [*nodes, view]
    left = [paste(line, other) for line in nodes]
    assert finish(broker).returncode == 0
    assert [finish(node).returncode for node in left] == [0, 0]


@pytest.mark.parametrize("name", AWKWARD, ids=ascii)
def test_any_path_can_be_pasted(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    line = pasted("check", Path(name))
    assert line.isprintable()
    told = subprocess.run(["sh", "-c", f'exec printf "%s|" {line}'], capture_output=True, cwd="/", check=True)
    _, command, path, rest = told.stdout.split(b"|")
    assert (command, rest) == (b"check", b"")
    assert Path(os.fsdecode(path)) == tmp_path / name
