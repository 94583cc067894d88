"""Claims: whatever the user's umask, nobody but the owner can read, change or enter what a command writes."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from market.app.cli.commands import commands
from tests.app import import_sources
from tests.app.commands import vppmarket
from tests.processes.command import COMMAND
from tests.processes.test_printed_commands import opened, paste

WRITING: dict[str, Sequence[str]] = {
    "run": ("run", "two_vpp", "--figures", "--report", "--watch", "--quiet"),
    "run --in-process": ("run", "two_vpp", "--in-process", "--figures", "--quiet"),
    "keys": ("keys", "new", "two_vpp"),
    "report": ("report", "run"),
    "compare": ("compare", "run", "run", "--out", "new"),
    "new": ("new", "new"),
    "split": ("split", "two_vpp", "new"),
    "experiment economics": ("experiment", "economics", "two_vpp", "--quiet"),
    "experiment sensitivity": ("experiment", "sensitivity", "two_vpp", "--quiet"),
    "experiment known": ("experiment", "known", "--quiet"),
    "experiment mechanisms": ("experiment", "mechanisms", "two_vpp", "--quiet"),
    "experiment division": ("experiment", "division", "two_vpp", "--quiet"),
    "experiment forecast": ("experiment", "forecast", "two_vpp", "--shares", "0.1", "--seeds", "1", "--quiet"),
    "sweep": ("sweep", "two_vpp", "--set", "carbon.growth=0.25,0.5", "--jobs", "1", "--quiet"),
    "import": ("import", "csv", "meter.csv", "--unit", "kW", "--load", "Farm=Hof", "--out", "new"),
    "experiment learning": ("experiment", "learning", "duopoly", "--days", "1000", "--runs", "1", "--quiet"),
    "experiment network": ("experiment", "network", "two_vpp", "--delays", "0ms", "--losses", "0", "--quiet"),
}
"""Command lines by what they try."""

ELSEWHERE = {"experiment paper", "broker", "node", "view"}
"""Minutes long, and of the other studies' make; tried below; writes where it is asked to on its page alone."""

SILENT = {"replay", "check", "schema", "parameters"}
"""They write nothing."""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with a run in it, and a file of what was metered."""
    assert vppmarket("run", "two_vpp", "--in-process", "--quiet", "--out", "run", cwd=tmp_path).returncode == 0
    import_sources.meter(tmp_path)
    return tmp_path


def open_to_others(folder: Path, since: set[Path]) -> list[str]:
    """What is new in a folder and does not have the mode that it has to have; public keys are everybody's."""
    found = []
    for path in {*folder.rglob("*")} - since:
        mode = stat.S_IMODE(path.stat().st_mode)
        wanted = 0o700 if path.is_dir() else 0o600
        if mode != wanted and not (path.suffix == ".key" and mode == 0o644):
            found.append(f"{mode:o} {path.relative_to(folder)}")
    return found


def test_every_command_is_tried() -> None:
    studies = {f"experiment {name}" for name in commands.commands["experiment"].commands}  # type: ignore[attr-defined]
    tried = {" ".join(word for word in name.split() if word[0] != "-") for name in WRITING}
    assert (commands.commands.keys() - {"experiment"}) | studies == tried | ELSEWHERE | SILENT


@pytest.mark.parametrize(
    ("name", "umask"), [*((name, 0o000) for name in WRITING), ("run", 0o027), ("report", 0o027)]
)
def test_what_a_command_writes_is_its_owners(name: str, umask: int, here: Path) -> None:
    before = {*here.rglob("*")}
    done = subprocess.run([COMMAND, *WRITING[name]], cwd=here, umask=umask, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    if name != "report":
        assert {*here.rglob("*")} > before
    assert open_to_others(here, before) == []


def test_a_broker_and_its_nodes(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        broker = paste(f"exec {COMMAND} broker two_vpp", tmp_path)
        nodes = [paste(line, tmp_path) for line in opened(broker, 3)[:2]]
        for process in (broker, *nodes):
            assert process.communicate(timeout=150)
            assert process.returncode == 0
    finally:
        os.umask(old)
    assert len(list((tmp_path / "runs").iterdir())) == 3
    assert open_to_others(tmp_path, set()) == []
