"""Claims: on other systems than Linux whatever needs the bus is refused in one line that says so, before anything
is made; a day in one process, and all that is done with its folder, needs nothing that these systems lack."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import market
from market.app.cli.main import command
from market.errors import ScenarioError
from tests.app.commands import vppmarket

WINDOWS = """
import json, sys
# What others import looks at the system as it is: only we are to find it changed.
import asyncio, click, csv, logging, multiprocessing.pool, numpy, pandas, pydantic, rich.console, shutil, socket
import subprocess, tempfile, uuid, yaml, zmq
import matplotlib.figure, matplotlib.backends.backend_agg, matplotlib.backends.backend_svg, matplotlib.pyplot
import mesa, ortools.linear_solver.pywraplp, ortools.linear_solver.python.model_builder
import os, signal

sys.platform = "win32"
for module in ("fcntl", "grp", "pwd", "resource", "termios", "multiprocessing.forkserver"):
    sys.modules[module] = None
for name in ("O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "fork", "getuid", "killpg", "pread",
             "register_at_fork", "sched_getaffinity", "statvfs"):
    delattr(os, name)
for name in ("SIGALRM", "SIGKILL", "pthread_sigmask", "setitimer"):
    delattr(signal, name)

from market.app.entry import main
codes = []
for arguments in json.loads(sys.stdin.read()):
    sys.argv = ["vppmarket", *arguments]
    print("error: of", *arguments, file=sys.stderr)  # what is told of one stands below it
    codes.append(main())
    signal.signal(signal.SIGINT, signal.default_int_handler)
from market.app.mesa_model import MarketModel
model = MarketModel("two_vpp", delay_s=0.1)
model.run_model()
print("", json.dumps([*codes, model.view.verdict]), sep="\\n")
"""
WORKS = (
    ("run", "two_vpp", "--in-process", "--out", "a"),
    ("new", "mine", "--from", "two_vpp"),
    ("check", "mine"),
    ("split", "two_vpp", "parts"),
    ("compare", "a", "b"),
    ("report", "b"),
    ("replay", "b"),
    ("experiment", "economics", "two_vpp", "--out", "economics"),
    ("parameters",),
    ("schema",),
)
OVER_THE_BUS = (
    ("run", "two_vpp", "--out", "new"),
    ("run", "--resume", "b"),
    ("broker", "two_vpp", "--out", "new"),
    ("node", "--id", "Farm", "--scenario", "two_vpp", "--broker", "tcp://127.0.0.1:5555", "--out", "new"),
    ("keys", "new", "two_vpp"),
    ("view", "tcp://127.0.0.1:5555"),
    ("experiment", "network", "two_vpp", "--out", "new"),
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of processes, `b`, as it was made on Linux."""
    folder = tmp_path_factory.mktemp("runs")
    assert vppmarket("run", "two_vpp", "--out", "b", "--quiet", cwd=folder).returncode == 0
    return folder


def test_with_what_windows_lacks_hidden_everything_works_or_is_refused(runs: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WINDOWS],
        cwd=runs,
        input=json.dumps([*WORKS, *OVER_THE_BUS]),
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    told = done.stderr.split("error: of ")[1:]
    *codes, verdict = json.loads(done.stdout.splitlines()[-1])
    assert codes == [0] * len(WORKS) + [2] * len(OVER_THE_BUS), told
    assert verdict == "equilibrium"
    for arguments, text in zip([*WORKS, *OVER_THE_BUS], told, strict=True):
        first, *lines = text.splitlines()
        assert first == " ".join(arguments)
        refusals = [line for line in lines if ": it needs Linux; got the system win32; " in line]
        assert (len(refusals), lines) == (arguments in OVER_THE_BUS, refusals)
    assert not (runs / "new").exists()
    here = market.open_run(runs / "b")
    assert market.open_run(runs / "a").offers.equals(here.offers)


@pytest.mark.parametrize("arguments", OVER_THE_BUS, ids=" ".join)
def test_on_macos_the_same_is_refused(
    arguments: tuple[str, ...], runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(runs)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert command([*arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), ": it needs Linux; got the system darwin; " in err) == ("", 1, True)
    assert not (runs / "new").exists()


@pytest.mark.parametrize("system", ["darwin", "win32", "freebsd14"])
def test_from_python_too(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", system)
    with pytest.raises(ScenarioError, match=r"processes=True: it needs Linux; got the system .*without processes"):
        market.run("two_vpp", processes=True)
    assert market.run("two_vpp").verdict == "equilibrium"
