"""Claims: without the extras everything works that needs none; whatever needs one says which, before any work;
what an extra is said to bring is what is declared."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from market.extras import EXTRAS
from tests.app.commands import error_lines
from tests.processes.command import COMMAND
from tests.test_shape import extra, name_of

BLOCKER = '''
"""Imported by every interpreter that starts: hides what a plain installation lacks."""
import sys

HIDDEN = {"altair", "ipyvue", "ipyvuetify", "matplotlib", "networkx", "pyarrow", "ray", "reacton", "solara"}
HIDDEN |= {"pandapower", "pvlib", "simbench", "starlette", "uvicorn", "windpowerlib"}
HIDDEN |= {"gymnasium", "pettingzoo", "starlette", "uvicorn"}


class Without:
    def __init__(self, finder):
        self._finder = finder

    def find_spec(self, name, path=None, target=None):
        return None if name.split(".")[0] in HIDDEN else self._finder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(self._finder, name)


sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
'''


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to put in front of the path, with which nothing of the extras can be imported."""
    folder = tmp_path_factory.mktemp("bare")
    (folder / "sitecustomize.py").write_text(BLOCKER)
    return folder


@pytest.fixture(scope="module")
def runs(bare: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run in one process, `a`, and one in several, `b`; both made without extras."""
    folder = tmp_path_factory.mktemp("runs")
    for name, flags in (("a", ["--in-process"]), ("b", [])):
        done = plain(bare, folder, "run", "two_vpp", "--out", name, *flags)
        assert (done.returncode, done.stderr) == (0, "")
    return folder


def plain(bare: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as it is without extras."""
    return interpreted(bare, cwd, str(COMMAND), *arguments)


def interpreted(bare: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(bare)}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def test_the_blocker_blocks(bare: Path, tmp_path: Path) -> None:
    found = "import importlib.util as u; print(u.find_spec('matplotlib'), u.find_spec('numpy') is not None)"
    assert interpreted(bare, tmp_path, "-c", found).stdout.split() == ["None", "True"]


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "five_vpp"),
        ("schema",),
        ("new", "mine"),
        ("split", "two_vpp", "parts"),
        ("replay", "b"),
        ("compare", "a", "b"),
        ("run", "two_vpp", "--json", "--in-process"),
        ("sweep", "two_vpp", "--set", "market.satisfaction=0.8,0.9"),
    ],
    ids=" ".join,
)
def test_what_needs_no_extra_works_without(arguments: tuple[str, ...], bare: Path, runs: Path) -> None:
    done = plain(bare, runs, *arguments)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_python_door_and_the_mesa_model_need_no_extra(bare: Path, runs: Path) -> None:
    code = (
        "import market; from market.app.mesa_model import MarketModel; model = MarketModel('two_vpp'); "
        "model.run_model(); there = market.open_run('b').tables; "
        "print(all(frame.equals(there[name]) for name, frame in model.data_frames().items()), "
        "market.run('two_vpp', processes=True).verdict)"
    )
    done = interpreted(bare, runs, "-c", code)
    assert (done.stdout.split(), done.stderr) == (["True", "equilibrium"], "")


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("arguments", "name", "place"),
    [
        (("report", "a"), "figures", "vppmarket report"),
        (("compare", "a", "b", "--out", "new"), "figures", "--out"),
        (("run", "two_vpp", "--out", "new", "--figures"), "figures", "--figures"),
        (("run", "two_vpp", "--out", "new", "--in-process", "--report"), "figures", "--report"),
        (("experiment", "paper", "--out", "new"), "figures", "vppmarket experiment"),
        (("experiment", "economics", "--out", "new"), "figures", "vppmarket experiment"),
        (("experiment", "sensitivity", "--out", "new"), "figures", "vppmarket experiment"),
        (("experiment", "network", "--out", "new"), "figures", "vppmarket experiment"),
        (("experiment", "learning", "--out", "new"), "learn", "vppmarket experiment learning"),
        (("view",), "view", "vppmarket view"),
        (("run", "two_vpp", "--out", "new", "--format", "parquet"), "parquet", "--format parquet"),
        (("sweep", "two_vpp", "--out", "new", "--engine", "ray"), "sweep", "--engine ray"),
        (("import", "simbench", "1-MV-rural--1-sw", "--out", "new"), "import", "vppmarket import simbench"),
        (("import", "pvlib", "--plant", "A=1 kW", "--out", "new"), "import", "vppmarket import pvlib"),
        (("import", "wind", "--plant", "A=E-126/4200", "--out", "new"), "import", "vppmarket import wind"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_needs_an_extra_says_which(
    arguments: tuple[str, ...], name: str, place: str, bare: Path, runs: Path
) -> None:
    done = plain(bare, runs, *arguments)
    assert done.returncode == 2
    (line,) = error_lines(done)
    assert line.startswith(f"error: {place}: it needs the extra `{name}`; got no ")
    assert line.endswith(f"; install it: pip install 'vppmarket[{name}]'")
    assert not (runs / "new").exists()


def test_with_json_the_object_tells_of_it(bare: Path, runs: Path) -> None:
    done = plain(bare, runs, "run", "two_vpp", "--figures", "--json")
    assert done.returncode == 2
    assert "vppmarket[figures]" in json.loads(done.stdout)["error"]


def test_each_extra_brings_what_it_is_said_to() -> None:
    for name, modules in EXTRAS.items():
        declared = {name_of(line) for line in extra(name)}
        held = ("figures", "parquet") if "vppmarket" in declared else ()
        declared |= {name_of(line) for other in held for line in extra(other)}
        assert set(modules) <= declared
    assert extra("all") == ["vppmarket[figures,learn,mesa,parquet,tables,view]"]
