"""Claims: a run certifies its whole day where it is asked to, tells of it everywhere, and changes nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import market
from market.app.cli.main import command
from market.app.report.run_report import run_page
from market.app.results.recorded import read_run
from market.errors import ScenarioError

RUN = ("run", "two_vpp", "--in-process")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same day without the certificate and with it."""
    plain, certified = (tmp_path_factory.mktemp("runs") / name for name in ("plain", "certified"))
    assert command([*RUN, "--quiet", "--out", str(plain)]) == 0
    assert command([*RUN, "--quiet", "--day-certificate", "--out", str(certified)]) == 0
    return plain, certified


def test_every_other_file_is_the_same_to_the_byte(folders: tuple[Path, Path]) -> None:
    plain, certified = folders
    tables = {path.name for path in plain.glob("*.csv")}
    assert {path.name for path in certified.glob("*.csv")} == tables | {"day_certificate.csv"}
    for name in (*tables, "certificate.json"):
        assert (plain / name).read_bytes() == (certified / name).read_bytes()


def test_the_manifest_adds_up_what_the_table_says(folders: tuple[Path, Path]) -> None:
    run = read_run(folders[1])
    told, table = run.manifest["day_certificate"], run["day_certificate"]
    assert run.manifest["day_verdict"] == "settled"
    assert run.manifest["verdict"] == "equilibrium"
    assert told["regret_lower_cny"] == pytest.approx(float(table["regret_lower_cny"].sum()))
    assert told["regret_upper_cny"] == pytest.approx(float(table["regret_upper_cny"].sum()))
    assert told["upper_share_of_saving"] == pytest.approx(told["regret_upper_cny"] / told["possible_saving_cny"])
    for vpp, cost in zip(table["vpp"], table["cost_cny"], strict=True):
        assert cost == pytest.approx(run.account(vpp, "game", "total_cny"))


def test_a_run_that_was_not_asked_says_nothing_of_it(folders: tuple[Path, Path]) -> None:
    run = read_run(folders[0])
    assert not {"day_verdict", "day_certificate"} & set(run.manifest)
    assert "The day as a whole" not in run_page(run, []).html()


def test_report_and_summary_tell_of_it(folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    page = run_page(read_run(folders[1]), []).html()
    assert "The day as a whole" in page
    assert "gain at most CNY" in page
    assert command([*RUN, "--day-certificate", "--out", str(folders[1].with_name("again"))]) == 0
    assert "day: settled" in capsys.readouterr().out


def test_a_law_that_is_not_claimed_is_told_with_the_condition_that_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command([*RUN, "--set", "carbon.mode=none", "--out", str(tmp_path / "run")]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "Farm, Village: not claimed: no VPP pays more than without trade; the objective is not the bill" in told


def test_an_altered_certificate_is_refused_by_its_field(folders: tuple[Path, Path], tmp_path: Path) -> None:
    for path in folders[1].iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    manifest["day_certificate"]["regret_upper_cny"] = "much"
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"day_certificate\.regret_upper_cny"):
        read_run(tmp_path)


def test_scripts_get_it_as_a_table() -> None:
    day = market.run("two_vpp", day_certificate=True)
    assert list(day.day_certificate.columns) == ["vpp", "cost_cny", "regret_lower_cny", "regret_upper_cny"]
    over_the_bus = market.run("two_vpp", processes=True, day_certificate=True)
    assert over_the_bus.day_certificate.equals(day.day_certificate)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--set", "market.choice_temperature_cny_per_mwh=0"), "choice_temperature_cny_per_mwh is 0"),
        (("--set", "market.mechanism=consensus"), "mechanism is consensus: it tells of regrets itself"),
    ],
)
@pytest.mark.parametrize("how", [RUN, ("run", "two_vpp")], ids=" ".join)
def test_where_there_is_none_that_is_said_before_the_run(
    how: tuple[str, ...], flags: tuple[str, ...], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command([*how, *flags, "--day-certificate", "--out", str(tmp_path / "run")]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
