"""Claims: what README.md shows is what the program prints, writes and offers."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest

from market.app.cli.main import commands
from market.app.report.summary.page import summary_text
from market.app.results.columns import DAY_CERTIFICATE, NETWORK_TABLES, ROUND_TABLES, UNIT_TABLES
from market.app.results.concluded_day import ConcludedDay
from market.app.results.exit_codes import ExitCode
from market.app.results.folder import RunFolder
from market.app.results.manifest import RunSpec
from market.app.runs.in_process import run_in_process
from market.app.runs.run_day import run_day
from market.model.rules import PriceRule
from market.scenario import builtin_cases, load_scenario

README = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> ConcludedDay:
    folder = tmp_path_factory.mktemp("day")
    what = RunSpec(load_scenario("five_vpp"), 0, True, datetime.fromisoformat("2026-03-01T12:00:00+01:00"))
    return run_day(what, run_in_process, RunFolder(folder), lambda progress: None, since=0.0)


def section(title: str) -> str:
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_cells(text: str) -> list[str]:
    return re.findall(r"^\| `?([\w.]+)`? \|", text, flags=re.MULTILINE)


def test_the_tables_shown_are_the_tables_printed(report: ConcludedDay) -> None:
    (block,) = re.findall(r"```text\n(.*?)```", README, flags=re.DOTALL)
    tables = block[block.index("Roles:") :].rstrip()
    assert len(tables.splitlines()) > 40
    assert tables in summary_text(report)


def test_the_files_listed_are_the_files_written(report: ConcludedDay) -> None:
    listed = [name for name in first_cells(section("What comes out")) if name != "file"]
    written = {path.name for path in report.folder.iterdir()} | {"tape.msgpack"}
    written |= {f"{name}.csv" for name in (DAY_CERTIFICATE, *ROUND_TABLES, *UNIT_TABLES, *NETWORK_TABLES)}
    assert (set(listed), len(listed)) == (written, len(written))


def test_commands_cases_rules_and_exit_codes_are_all_there() -> None:
    told = section("Commands")
    assert set(re.findall(r"`vppmarket (\w+)", told)) == set(commands.commands)
    assert {name for name in builtin_cases() if f"`{name}`" in told} == set(builtin_cases())
    assert {int(code) for code in first_cells(told) if code.isdigit()} == set(map(int, ExitCode))
    assert {rule.value for rule in PriceRule} <= set(first_cells(section("The model in short")))


def test_links_lead_somewhere() -> None:
    root = Path(__file__).parent.parent.parent
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if not link.startswith("http")]
    assert links
    assert [link for link in links if not (root / link).is_file()] == []
