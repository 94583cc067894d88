"""Claims: a run folder of which a table lacks a row, has one twice or a foreign one is refused, the row named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import market
from market.app.cli.main import command
from market.app.results.recorded import read_run
from market.app.results.records import Records
from market.app.results.whole_tables import ReadDay, check_rows
from market.errors import ScenarioError

Rows = list[str]
NOISE = {"forecast.model": "noise", "forecast.given": "forecast", "forecast.noise_share": 0.3}
TABLES = ("roles", "bids", "offers", "selections", "periods", "dispatch", "costs", "imbalance", "day_certificate")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"
    market.run("two_vpp", NOISE, day_certificate=True, out=folder)
    return folder


@pytest.fixture
def copied(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "run")
    return tmp_path / "run"


def altered(path: Path, alter: Callable[[Rows], Rows]) -> None:
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join((header, *alter(rows))) + "\n", encoding="utf-8")


ALTERATIONS: dict[str, Callable[[Rows], Rows]] = {
    "no rows": lambda rows: [],
    "without the first": lambda rows: rows[1:],
    "without one amid": lambda rows: [*rows[:1], *rows[2:]],
    "the first in place of the second": lambda rows: [rows[0], rows[0], *rows[2:]],
    "one more": lambda rows: [*rows, rows[-1]],
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("how", ALTERATIONS)
def test_a_table_whose_rows_are_not_those_of_the_day_is_named(name: str, how: str, copied: Path) -> None:
    altered(copied / f"{name}.csv", ALTERATIONS[how])
    with pytest.raises(ScenarioError, match=rf"{name}\.csv: it must have one row for each") as refused:
        market.open_run(copied)
    assert len(refused.value.faults) == 1


def test_the_row_is_told(copied: Path) -> None:
    altered(copied / "costs.csv", lambda rows: rows[1:])
    with pytest.raises(ScenarioError, match="got none for vpp Farm, scenario grid_only, among 11 rows;"):
        market.open_run(copied)


def test_a_row_of_somebody_else_stands_in_for_none(copied: Path) -> None:
    altered(copied / "roles.csv", lambda rows: [*rows[:-1], rows[-1].replace("Village", "system", 1)])
    with pytest.raises(ScenarioError, match=r"roles\.csv: .*none for vpp Village, period"):
        market.open_run(copied)


@pytest.mark.parametrize("arguments", [["report", "run"], ["compare", "run", "run"]])
def test_commands_refuse_it_with_one_line(
    arguments: list[str], copied: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(copied.parent)
    altered(copied / "periods.csv", ALTERATIONS["no rows"])
    assert command(arguments) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert "periods.csv: it must have one row for each period; got none for period 1, among 0 rows;" in told[0]


def test_where_selections_are_left_out_the_certificate_says_who_sold(whole: Path) -> None:
    run = read_run(whole)
    tables = {name: run[name] for name in run.tables if name != "selections"}
    check_rows(whole, ReadDay(run.manifest, run.certificate, tables))
    offers = tables["offers"]
    tables["offers"] = offers.only(np.arange(1, len(offers)))
    with pytest.raises(ScenarioError, match=r"offers\.csv: .*got none for vpp Farm"):
        check_rows(whole, ReadDay(run.manifest, run.certificate, tables))


def test_a_manifest_of_more_periods_than_can_be_counted_is_refused_at_once(whole: Path) -> None:
    run = read_run(whole)
    told = {**run.manifest, "day": {"rounds": 2**62}}
    tables = {"rounds": Records({"round": np.arange(3)})}
    with pytest.raises(ScenarioError, match=r"rounds\.csv: .*got none for round 3, among 3 rows"):
        check_rows(whole, ReadDay(told, run.certificate, tables))


@pytest.mark.parametrize("rules", [{"market.mechanism": "consensus"}, {"market.coupling": "iterate"}])
def test_rounds_of_a_day_are_all_there(rules: dict[str, object], tmp_path: Path) -> None:
    market.run("two_vpp", rules, out=tmp_path / "run")
    assert len(market.open_run(tmp_path / "run").rounds) > 1
    altered(tmp_path / "run" / "rounds.csv", lambda rows: rows[:-1])
    with pytest.raises(
        ScenarioError, match=r"rounds\.csv: it must have one row for each round; got none for round"
    ):
        market.open_run(tmp_path / "run")
