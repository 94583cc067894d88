"""Claims about comparing two runs: equal runs do not differ, others differ by what their tables say."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from market.app.analysis.compare import compare_runs, differing
from market.app.cli.main import command
from market.app.figures.compare import comparison_pictures
from market.app.results.recorded import RecordedRun, read_run
from tests.app.recorded_days import run_kind


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("compare")
    return {
        "first": run_kind("twelve", place / "first"),
        "dearer": run_kind("twelve", place / "dearer", carbon={"base_price_cny_per_t": 500}),
        "spread": run_kind("twelve", place / "spread", market={"choice_temperature_cny_per_mwh": 80}),
        "two": run_kind("two", place / "two"),
        "dark": run_kind("dark", place / "dark"),
    }


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def renamed(run: RecordedRun, **manifest: object) -> RecordedRun:
    return RecordedRun(run.name, {**run.manifest, **manifest}, run.tables, run.certificate)


def test_a_run_does_not_differ_from_itself(folders: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    run = read_run(folders["first"])
    compared = compare_runs(run, run)
    assert all(table.rows for table in compared.tables.values())
    assert {name: differing(table).rows for name, table in compared.tables.items()} == dict.fromkeys(
        compared.tables, ()
    )
    assert command(["compare", str(folders["first"]), str(folders["first"])]) == 0
    out = capsys.readouterr().out
    assert out.count(": no difference") == len(compared.tables) == 9
    said = [[t.get_text() for t in p.figure.texts] for p in comparison_pictures(compared)]
    assert said[1:] == [["Every price is the same in both runs."], ["Every probability is the same in both runs."]]


def test_two_carbon_prices_give_the_differences_of_the_tables(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two, out = folders["first"], folders["dearer"], tmp_path / "out"
    assert command(["compare", str(one), str(two), "--out", str(out)]) == 0
    page = capsys.readouterr().out
    assert "rules.carbon.base_price_cny_per_t" in page
    rules = [r for r in rows(out / "rules.csv") if r["first"] != r["second"]]
    changed = {r["name"]: (r["first"], r["second"]) for r in rules if r["name"] != "scenario_digest"}
    assert changed == {"rules.carbon.base_price_cny_per_t": ("280", "500")}
    before, after = ({(r["vpp"], r["scenario"]): r for r in rows(f / "costs.csv")} for f in (one, two))
    told = rows(out / "costs.csv") + rows(out / "carbon.csv")
    assert len(told) == 13 * 2 * 7
    for row in told:
        a, b = (float(side[row["vpp"], row["scenario"]][row["quantity"]]) for side in (before, after))
        assert (float(row["first"]), float(row["second"]), float(row["difference"])) == (a, b, b - a)
    alone = {(r["vpp"], r["quantity"]): float(r["difference"]) for r in told if r["scenario"] == "grid_only"}
    excess = [alone[vpp, "emission_t"] - alone[vpp, "quota_t"] for vpp, quantity in alone if quantity == "quota_t"]
    assert max(excess) < 1e-9  # dearer carbon: who plans alone does not exceed its quota by more
    assert min(excess) < -1e-3


def test_prices_probabilities_and_roles_come_from_both_runs(folders: dict[str, Path]) -> None:
    one, two = folders["first"], folders["spread"]
    compared = compare_runs(read_run(one), read_run(two))
    for name, table, keys, column in (
        ("prices", "offers", ("vpp", "period"), "price_cny_per_mwh"),
        ("probabilities", "selections", ("buyer", "seller", "period"), "probability"),
        ("roles", "roles", ("vpp", "period"), "role"),
    ):
        sides = [{tuple(r[k] for k in keys): r[column] for r in rows(f / f"{table}.csv")} for f in (one, two)]
        told = {tuple(map(str, r[: len(keys)])): r[len(keys) : len(keys) + 2] for r in compared[name].rows}
        assert told.keys() == sides[0].keys() | sides[1].keys()
        for key, values in told.items():
            for value, side in zip(values, sides, strict=True):
                if isinstance(value, str):
                    assert value == side.get(key, "")
                else:
                    assert value == float(side[key]) if key in side else value != value
    pictures = list(comparison_pictures(compared))
    drawn = {
        (str(line.get_label()), int(x), y)
        for line in pictures[1].figure.axes[0].get_lines()
        if str(line.get_label()) in compared.vpps
        for x, y in zip(np.asarray(line.get_xdata()), np.asarray(line.get_ydata()), strict=True)
    }
    expected = {(r[0], r[1], float(r[4]) / 1000) for r in compared["prices"].rows if r[4] == r[4]}
    assert drawn == expected
    assert all(b"<text" in picture.svg for picture in pictures)


def test_what_cannot_be_compared_is_said_and_the_rest_is_compared(folders: dict[str, Path]) -> None:
    first = read_run(folders["first"])
    fewer = renamed(first, vpps=first.vpps[:3])
    compared = compare_runs(first, fewer)
    assert compared.vpps == tuple(first.vpps[:3])
    assert {row[0] for row in compared["costs"].rows} == set(first.vpps[:3])
    assert {row[0] for row in compared["prices"].rows} <= set(first.vpps[:3])
    (note,) = compared.notes
    assert "only the first run has Plant4, " in note
    rules = {**first.manifest["rules"], "horizon": {"periods": 8, "period_h": 0.5}}
    other = compare_runs(first, renamed(first, rules=rules))
    assert "prices" not in other.tables
    assert differing(other["costs"]).rows == ()
    assert other.notes == (
        "the horizons differ (4 periods of 1 h; 8 periods of 0.5 h): "
        "roles, prices and probabilities by period are not compared",
    )
    assert [picture.name for picture in comparison_pictures(other)] == ["cost_differences"]


def test_a_run_without_trade_can_be_compared(folders: dict[str, Path]) -> None:
    dark = read_run(folders["dark"])
    said = [picture.figure.texts for picture in comparison_pictures(compare_runs(dark, dark))]
    assert ["No VPP" in texts[0].get_text() for texts in said[1:]] == [True, True]


def test_what_is_no_run_or_has_nothing_in_common_is_bad_input(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = str(folders["first"])
    assert command(["compare", run, str(tmp_path)]) == 2
    assert "a folder without manifest.json" in capsys.readouterr().err
    assert command(["compare", run, str(folders["two"])]) == 2
    assert "two runs must have a VPP in common" in capsys.readouterr().err
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    assert command(["compare", run, run, "--out", str(tmp_path / "full")]) == 2
    told = capsys.readouterr()
    assert "must be empty" in told.err
    assert told.out == ""
