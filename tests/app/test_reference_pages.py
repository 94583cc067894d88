"""Claims: what the pages of reference list is what the program writes and offers."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest

from market.app.cli.commands import commands
from market.app.results.columns import (
    DAY_CERTIFICATE,
    IMBALANCE,
    NETWORK_TABLES,
    ROUND_TABLES,
    STRATEGIES,
    TRANSFERS,
    UNIT_TABLES,
)
from market.app.results.concluded_day import ConcludedDay
from market.app.results.exit_codes import ExitCode
from market.app.results.folder import RunFolder
from market.app.results.manifest import RunSpec
from market.app.runs.in_process import run_in_process
from market.app.runs.run_day import run_day
from market.game.result import Verdict
from market.model.rules import PriceRule
from market.scenario import builtin_cases, load_scenario
from tests.test_shape import project

DOCS = Path(__file__).parent.parent.parent / "docs"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> ConcludedDay:
    folder = tmp_path_factory.mktemp("day")
    what = RunSpec(load_scenario("five_vpp"), 0, True, datetime.fromisoformat("2026-03-01T12:00:00+01:00"))
    return run_day(what, run_in_process, RunFolder(folder), lambda progress: None, since=0.0)


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def section(name: str, title: str) -> str:
    return page(name).split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_cells(text: str) -> list[str]:
    return re.findall(r"^\| `?([\w.]+)`? \|", text, flags=re.MULTILINE)


def test_the_files_listed_are_the_files_written(report: ConcludedDay) -> None:
    listed = [name for name in first_cells(page("run-folder.md")) if name != "file"]
    written = {path.name for path in report.folder.iterdir()} | {"tape.msgpack"}
    sometimes = (DAY_CERTIFICATE, IMBALANCE, STRATEGIES, TRANSFERS, *UNIT_TABLES, *ROUND_TABLES, *NETWORK_TABLES)
    written |= {f"{name}.csv" for name in sometimes}
    assert (set(listed), len(listed)) == (written, len(written))


def test_commands_and_exit_codes_are_all_there() -> None:
    told = page("commands.md")
    assert set(re.findall(r"`vppmarket ([a-z]+)[ `]", told)) == set(commands.commands)
    codes = [int(code) for code in first_cells(section("commands.md", "Exit codes")) if code.isdigit()]
    assert codes == sorted(map(int, ExitCode))


def test_cases_price_rules_and_verdicts_are_all_there() -> None:
    cases = re.findall(r"^\| \[`(\w+)`\]\((\w+)\.md\) \|", page("cases/index.md"), flags=re.MULTILINE)
    assert sorted(cases) == [(name, name) for name in sorted(builtin_cases())]
    rules = first_cells(section("designs.md", "Price rules, and what each can claim"))
    assert set(rules) - {"rule"} == {rule.value for rule in PriceRule}
    verdicts = first_cells(section("how-to/certificate.md", "The day in one line"))
    assert set(verdicts) - {"verdict"} == {verdict.value for verdict in Verdict}


def test_the_extras_listed_are_the_extras_declared() -> None:
    listed = set(first_cells(section("systems.md", "What to install for what"))) - {"extra", "none"}
    assert listed | {"all"} == set(project()["optional-dependencies"])
