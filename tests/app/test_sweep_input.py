"""Claims: what a sweep is given, and what its folder holds, is believed only as far as a sweep can mean it.

The rest is refused before anything is run, in one line, as it was written.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

import market
from market.app.analysis.sweep.journal import Journal, kept_plan
from market.app.analysis.sweep.kept_sweep import LINES, PLAN
from market.app.analysis.sweep.plan import plan_of
from market.app.cli.main import command
from market.app.cli.sweep import seeds_of
from market.app.results.folder import RunFolder
from market.errors import ScenarioError

KAPPA = "market.satisfaction"


@pytest.mark.parametrize("seed", [-1, 1.5, True, "1", 10**18])
def test_a_seed_that_is_none_is_refused_as_a_run_refuses_it(seed: Any) -> None:
    rule = "must be a whole number of 0 or more, of at most 18 digits; got"
    with pytest.raises(ScenarioError, match=f"^seeds: {rule}"):
        market.sweep("two_vpp", seeds=[seed], jobs=1)
    with pytest.raises(ScenarioError, match=f"^seed: {rule}"):
        market.run("two_vpp", seed=seed)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("0-1,5,3-2", "the first of a range must not be above its last; got '3-2'"),
        ("1,x", "each must be a whole number of 0 or more, of at most 18 digits; got 'x'"),
        ("1" * 19, "of at most 18 digits"),
        ("0-1000000000", "a range must have at most 100,000 seeds"),
    ],
)
def test_seeds_that_cannot_be_meant_are_refused(text: str, rule: str) -> None:
    with pytest.raises(ScenarioError, match=f"^--seeds: .*{rule}"):
        seeds_of(text)
    assert seeds_of(f"{10**18 - 1},2-3") == (10**18 - 1, 2, 3)


@pytest.mark.parametrize("jobs", ["2", 0, 1.0, True, 4097])
def test_jobs_are_a_number_of_runs(jobs: Any) -> None:
    with pytest.raises(ScenarioError, match=r"^jobs: must be a whole number from 1 to 4096; got .*leave it out"):
        market.sweep("two_vpp", jobs=jobs)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (pandas.DataFrame({KAPPA: [0.8]}), r"^values: .*; got DataFrame of 'market.*\.to_dict\(\"records\"\)"),
        ([3], "^values: must be lists of values by their paths, or a list .* of each run; got list of 3"),
        ([], "a sweep has at least one run"),
        ({KAPPA: []}, "a sweep has at least one run"),
        ({KAPPA: [0.8, object()]}, "override market.satisfaction: must be a finite number, a word"),
        ({KAPPA: [0.8, float("nan")]}, "override market.satisfaction: must be a finite number, a word"),
        ({"carbon.growth": 3}, r"^carbon.growth: must be a list of values; got 3; write \[3\]"),
    ],
)
def test_values_that_cannot_be_meant_are_refused(values: Any, told: str) -> None:
    with pytest.raises(ScenarioError, match=told):
        market.sweep("two_vpp", values, jobs=1)


def test_only_what_was_written_is_taken_up() -> None:
    with pytest.raises(ScenarioError, match="resume: a sweep is taken up where it was written; got no out"):
        market.sweep("two_vpp", resume=True)


def test_numbers_of_numpy_are_numbers() -> None:
    numpys: Any = {"carbon.steps": np.arange(2, 4), KAPPA: np.array([0.8])}
    seeds: Any = np.arange(1)
    found = market.sweep("two_vpp", numpys, seeds=seeds, jobs=1)
    own = market.sweep("two_vpp", {"carbon.steps": [2, 3], KAPPA: [0.8]}, jobs=1)
    pandas.testing.assert_frame_equal(found.runs, own.runs, check_exact=True)
    assert found.runs["verdict"].tolist() == ["equilibrium"] * 2
    assert market.load("two_vpp").with_({"carbon.steps": np.int64(3)}).public.carbon.steps == 3


UPSIDE_DOWN = ["--set", "market.price_min=2 CNY/kWh,3 CNY/kWh", "--set", "market.price_max=1.1 CNY/kWh"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--set", f"{KAPPA}=0.8", "--set", f"{KAPPA}=0.9"], f"each path only once; got '{KAPPA}=0.9';"),
        (["--set", "=a,b"], "must be a path, =, and a value; got '=a,b'"),
        (UPSIDE_DOWN, "exchange the two"),
        (["--resume", "somewhere", "five_vpp"], "SCENARIO: a sweep is taken up as it was begun; got 'five_vpp'"),
        (["--resume", "somewhere"], "the folder of a sweep holds sweep.json; got a folder without it"),
    ],
)
def test_a_command_that_cannot_be_meant_is_told_as_it_was_written(
    arguments: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("somewhere").mkdir()
    scenario = [] if "--resume" in arguments else ["two_vpp"]
    assert command(["sweep", *scenario, *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line


DAYS_OVER_PROCESSES = (
    "scenario two_vpp: rolling: days in a row are swept in one process; got days over processes; leave"
)


@pytest.mark.parametrize("changes", [{"rolling.plan_h": 24}, {"rolling": {"plan_h": 24}}, {}])
def test_days_in_a_row_over_processes_are_refused_before_anything_is_run(changes: dict[str, object]) -> None:
    """Whether the scenario or a change makes them such; not where a change takes them out."""
    plain = market.load("two_vpp")
    days = plain.with_({"rolling.plan_h": 24})
    with pytest.raises(ScenarioError) as refused:
        plan_of([plain if changes else days], [changes], [0], processes=True)
    (fault,) = refused.value.faults
    assert str(fault).startswith(DAYS_OVER_PROCESSES)
    assert len(plan_of([days], [changes], [0]).runs) == 1
    assert len(plan_of([days], [{"rolling": None}], [0], processes=True).runs) == 1


def test_the_command_refuses_days_over_processes_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--set", "rolling.plan_h=24", "--processes", "--out", str(tmp_path / "out")]
    assert command(["sweep", "two_vpp", *flags]) == 2
    assert DAYS_OVER_PROCESSES in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_scenarios_of_one_name_are_numbered(tmp_path: Path) -> None:
    several: Any = ["two_vpp", "duopoly", market.load("two_vpp").with_({"carbon.mode": "none"})]
    found = market.sweep(several, jobs=1, out=tmp_path / "swept")
    assert found.runs["scenario"].tolist() == ["two_vpp (1)", "duopoly", "two_vpp (2)"]
    again = market.sweep(several, jobs=1, out=tmp_path / "swept", resume=True)
    pandas.testing.assert_frame_equal(again.runs, found.runs, check_exact=True)
    assert command(["sweep", "--resume", str(tmp_path / "swept"), "--quiet"]) == 0


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written") / "swept"
    market.sweep("two_vpp", {KAPPA: [0.8, 0.9, -1]}, jobs=1, out=folder)
    return folder


Rows = list[str]


def first(**cells: object) -> Callable[[Rows], Rows]:
    """The first line with other cells; those that are `...` are left out."""

    def altered(lines: Rows) -> Rows:
        *head, row = json.loads(lines[0])
        cells_left = {name: cell for name, cell in {**row, **cells}.items() if cell is not ...}
        return [json.dumps([*head, cells_left]), *lines[1:]]

    return altered


def numbered(number: int) -> Callable[[Rows], Rows]:
    """The first line as that of another run."""
    return lambda lines: [lines[0].replace("[1,", f"[{number},", 1), *lines[1:]]


@pytest.mark.parametrize(
    ("alter", "told"),
    [
        (lambda lines: [lines[0], "hello"], "line 2: it must be readable JSON; got 'hello'"),
        (lambda lines: [lines[0], "{}"], "line 2: it must be a run's number, seconds, process and row; got {}"),
        (numbered(77), "line 1: run: must be a whole number of 1 to 3; got 77"),
        (numbered(2), "line 1: run: must be 2, as sweep.json has it; got 1"),
        (lambda lines: [*lines, lines[0]], "line 4: every run has one line; got run 1, as in line 1"),
        (first(seed=4), "line 1: seed: must be 0, as sweep.json has it; got 4"),
        (first(**{KAPPA: 0.7}), f"line 1: {KAPPA}: must be 0.8, as sweep.json has it; got 0.7"),
        (first(verdict="nonsense"), "line 1: verdict: must be one of .*; got .nonsense"),
        (first(game_total_cny="12"), "line 1: game_total_cny: must be a number; got .12"),
        (first(game_total_cny=float("inf")), "line 1: game_total_cny: must be a number; got Infinity"),
        (first(saving_cny=...), "line 1: saving_cny: must be there; got nothing"),
        (first(other=1), "line 1: other: must not be there; got 1"),
        (first(verdict="failed"), "line 1: epsilon_cny: must not be there; got 0.0"),
    ],
)
def test_a_line_that_the_sweep_has_not_written_is_refused(
    alter: Callable[[Rows], Rows], told: str, written: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "swept"
    shutil.copytree(written, folder)
    lines = (folder / LINES).read_text(encoding="utf-8").splitlines()
    (folder / LINES).write_text("\n".join(alter(lines)) + "\n[4,", encoding="utf-8")
    before = (folder / LINES).read_bytes()
    with pytest.raises(ScenarioError, match=rf"runs\.jsonl: {told}.*; take the folder from where it is whole"):
        Journal.taken_up(RunFolder(folder), kept_plan(folder))
    assert (folder / LINES).read_bytes() == before


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "it must be readable JSON"),
        ("{}", "format: must be there"),
        ('{"runs": [[0, {}', "it must be readable JSON"),
        ('{"runs": [1]}', r"runs\[0\]: must be a scenario's place, changes and a seed; got 1"),
    ],
)
def test_a_plan_that_is_none_is_refused(text: str, told: str, written: Path, tmp_path: Path) -> None:
    shutil.copytree(written, tmp_path / "swept")
    (tmp_path / "swept" / PLAN).write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError, match=rf"sweep\.json: {told}.*; name the folder of a sweep"):
        kept_plan(tmp_path / "swept")


def test_a_whole_folder_is_read_as_it_was_written(written: Path) -> None:
    journal = Journal.taken_up(RunFolder(written), kept_plan(written))
    assert sorted(journal.ended) == [1, 2, 3]
    assert journal.table().csv() == (written / "sweep.csv").read_text(encoding="utf-8")
