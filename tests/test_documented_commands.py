"""Claims: a command that README.md or docs/ shows is one, and does what it is there for.

Those in `{executed}` blocks are carried out with their page (tests/test_site.py), the others here.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import click
import pytest

from market.app.analysis.sweep.kept_sweep import LINES
from market.app.cli.commands import commands
from tests.app.commands import vppmarket

pytestmark = pytest.mark.timeout(1600)

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(.*?)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
PLACEHOLDERS = {
    "RUN": "run",
    "SCENARIO": "two_vpp",
    "DIR": "new",
    "PORT": "5555",
    "market.mechanism=NAME": "market.mechanism=consensus",
    "parts/public": "made/public",
    "runs/mine": "mine",
    **{f"imported/{name}": "mine" for name in ("farm", "rural9", "rural20", "sun_and_wind", "firms", "street")},
}
ELSEWHERE = {
    "vppmarket broker": "tests/processes/test_printed_commands.py",  # it waits for its nodes
    "vppmarket import": "tests/app/test_importing.py",  # they need what others publish
    "vppmarket view": "tests/view/test_browser.py",  # it ends when it is interrupted
    "vppmarket run mine --days": "tests/app/test_many_days.py",  # it needs series of many days
    "vppmarket experiment paper": "tests/app/test_paper.py",  # half a minute, and so on
    "vppmarket experiment known": "tests/app/test_known.py",
    "vppmarket experiment mechanisms": "tests/app/test_mechanisms.py",
    "vppmarket experiment division": "tests/app/test_division.py",
    "vppmarket experiment learning": "tests/app/test_learning.py",
    "vppmarket experiment forecast": "tests/app/test_forecast_experiment.py",
}
"""Commands that do not end by themselves, or take long, and the tests that carry them out."""


def command_lines(text: str) -> Iterator[str]:
    """The commands among the lines of a block; one that is only sketched, with what may be left out, is none."""
    for line in text.replace("\\\n", "").splitlines():
        if re.match(r"(vppmarket|scripts/run) ?", line) and "[" not in line:
            yield line.removesuffix("&").strip()


def executed() -> list[str]:
    """Commands that are carried out when the site is built."""
    blocks = [found for path in PAGES for found in FENCE.findall(path.read_text(encoding="utf-8"))]
    return [line for kind, text in blocks if kind == "{executed}" for line in command_lines(text)]


def shown() -> list[str]:
    """Commands that are set in, or stand in a plain block."""
    found = list[str]()
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        found += [line for kind, block in FENCE.findall(text) if not kind for line in command_lines(block)]
        outside = FENCE.sub("", text).splitlines()
        found += command_lines("\n".join(line[4:] for line in outside if line.startswith("    ")))
    return list(dict.fromkeys(found))


def carried_out_here() -> list[str]:
    """Those that end by themselves and are said whole: a line with … leaves something to say."""
    return [line for line in shown() if not line.startswith(tuple(ELSEWHERE)) and "…" not in line]


@pytest.mark.parametrize("line", dict.fromkeys([*shown(), *executed()]))
def test_a_documented_command_is_one(line: str) -> None:
    """Its words are read as commands, flags and values; what they name need not be there."""
    group: click.Command = commands
    words = shlex.split(line.replace("scripts/run", "vppmarket run"), comments=True)[1:]
    while isinstance(group, click.Group) and words and not words[0].startswith("-"):
        group = group.commands[words.pop(0)]
    group.make_context("vppmarket", [PLACEHOLDERS.get(word, word) for word in words], resilient_parsing=not words)


def test_the_docs_have_commands() -> None:
    assert len(executed()) > 30
    assert len(carried_out_here()) > 8
    assert all((ROOT / test).is_file() for test in ELSEWHERE.values())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run in it, a run and a sweep that broke off at their last step, and a scenario in parts."""
    folder = tmp_path_factory.mktemp("documented") / "made"
    folder.mkdir()
    for words in ("run two_vpp --quiet --out run", "split two_vpp made", "new mine --from two_vpp"):
        assert vppmarket(*words.split(), cwd=folder).returncode == 0
    shutil.copytree(folder / "run", folder / "run_broken_off")
    (folder / "run_broken_off" / "manifest.json").unlink()
    sweep = ("sweep", "two_vpp", "--set", "market.satisfaction=0.8,0.9", "--jobs", "1", "--quiet")
    assert vppmarket(*sweep, "--out", "sweep_broken_off", cwd=folder).returncode == 0
    lines = folder / "sweep_broken_off" / LINES
    lines.write_bytes(lines.read_bytes()[:-7])
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "copy")


@pytest.mark.sampled(4)
@pytest.mark.parametrize("line", carried_out_here())
def test_a_documented_command_does_what_it_is_there_for(line: str, folder: Path) -> None:
    words = [PLACEHOLDERS.get(word, word) for word in shlex.split(line, comments=True)]
    given = words[1:] if words[0] == "vppmarket" else ["run", *words[1:]]  # as scripts/run has it
    given = [f"{given[0]}_broken_off" if before == "--resume" else word for before, word in pairwise(["", *given])]
    done = vppmarket(*given, cwd=folder)
    assert done.returncode == 0, done.stderr
