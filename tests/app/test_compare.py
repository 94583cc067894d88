"""Claims about comparing two runs: equal runs do not differ, others differ by what their tables say."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import market
from market.app.analysis.changes import CompareInput, changes, changes_notes
from market.app.analysis.compare import Comparison, compare_runs
from market.app.cli.main import command
from market.app.figures.compare import comparison_pictures
from market.app.results.recorded import RecordedRun, read_run
from market.errors import ScenarioError
from market.model.arrays import frozen
from market.scenario import load_scenario, public_part, write_scenario
from market.scenario.digest import seal_scenario
from market.scenario.parts import undisclosed
from tests.app.recorded_days import run_kind


@pytest.fixture(autouse=True)
def wide_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")


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


def compared_runs(*runs: RecordedRun) -> Comparison:
    return compare_runs(*map(CompareInput, runs))


def page_of(*folders: Path, capsys: pytest.CaptureFixture[str], out: Path | None = None) -> str:
    assert command(["compare", *map(str, folders), *(["--out", str(out)] if out else [])]) == 0
    return capsys.readouterr().out


def changed_fields(page: str) -> dict[str, str]:
    """What the page says was changed: by field, in two runs."""
    part = page.split("What was changed")[1].split("What came of it")[0]
    rows = (line.split(maxsplit=1) for line in part.splitlines() if " → " in line and "first →" not in line)
    return {field: change.strip() for field, change in rows}


def test_a_run_does_not_differ_from_itself(folders: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    run = read_run(folders["first"])
    compared = compared_runs(run, run, run)
    assert all(table.rows for table in compared.tables.values())
    assert all(not table.differing().rows for table in compared.tables.values())
    assert compared.changes == ()
    page = page_of(folders["first"], folders["first"], capsys=capsys)
    assert "nothing that the runs tell of" in page
    same = (
        "verdicts of periods, roles, costs, carbon and curtailment, clearing prices, prices at rest, probabilities"
    )
    assert f"No difference: {same}" in " ".join(page.split())
    said = [[t.get_text() for t in p.figure.texts] for p in comparison_pictures(compared_runs(run, run))]
    assert said[1:] == [["Every price is the same in both runs."], ["Every probability is the same in both runs."]]


def test_a_folder_is_named_as_it_was_given_and_that_of_a_run_says_where_its_scenario_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "base"
    market.run("two_vpp", out=run)
    with pytest.raises(ScenarioError, match=f'^out="{run}": the run folder must be empty'):
        market.run("two_vpp", out=run)
    assert command(["check", str(run)]) == 2
    assert f"its scenario is {run / 'scenario'}" in " ".join(capsys.readouterr().err.split())
    assert command(["check", str(run / "scenario")]) == 0


def test_what_a_mechanism_pays_out_is_not_saved(tmp_path: Path) -> None:
    names = ("vcg", "game")
    for name in names:
        market.run("five_vpp", {"market.mechanism": name}, out=tmp_path / name)
    runs = [read_run(tmp_path / name) for name in names]
    told = compared_runs(*runs)["results"].rows
    for which, run in enumerate(runs):
        cost = sum(run.account("system", "game", part) for part in ("operation_cny", "carbon_cny"))
        saved = run.account("system", "grid_only", "total_cny") - cost
        assert told[("saving_cny",)][which] == pytest.approx(saved, abs=1e-6)
        assert told[("budget_cny",)][which] == pytest.approx(run.account("system", "game", "trade_cny"), abs=1e-6)
    assert float(told[("budget_cny",)][0]) < -1.0


def test_an_emission_by_period_is_told_as_a_series(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = load_scenario("two_vpp")
    emission = frozen(np.linspace(0.3, 0.5, plain.public.horizon.periods))
    carbon = replace(plain.public.carbon, grid_emission_by_period_t_per_mwh=emission)
    day = seal_scenario("hourly", "", replace(plain.public, carbon=carbon), plain.vpps, plain.network)
    write_scenario(day, tmp_path / "day")
    change = ("--set", "carbon.grid_emission=900 g/kWh")
    for name, flags in (("series", ()), ("number", change)):
        assert command(["run", str(tmp_path / "day"), "--in-process", "--out", str(tmp_path / name), *flags]) == 0
        assert ("one number takes the place of a series" in capsys.readouterr().err) == (name == "number")
    assert command(["check", str(tmp_path / "day"), *change]) == 0
    assert "the series has 0.4 on average" in capsys.readouterr().err
    told = read_run(tmp_path / "series").manifest["rules"]["carbon"]
    assert told["grid_emission_t_per_mwh"] == pytest.approx(0.4)
    assert told["grid_emission_is_series"] is True
    wanted = {"carbon.grid_emission_t_per_mwh": "series, mean 0.4 → 0.9"}
    folders = (tmp_path / "series", tmp_path / "number")
    assert changed_fields(page_of(*folders, capsys=capsys)) == wanted
    for folder in folders:
        shutil.rmtree(folder / "scenario")
    assert changed_fields(page_of(*folders, capsys=capsys)) == wanted


def test_two_carbon_prices_give_the_differences_of_the_tables(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two, out = folders["first"], folders["dearer"], tmp_path / "out"
    page = page_of(one, two, capsys=capsys, out=out)
    assert changed_fields(page) == {"carbon.base_price_cny_per_t": "280 → 500"}
    assert [(r["first"], r["second"]) for r in rows(out / "changes.csv")] == [("280", "500")]
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
    html = (out / "report.html").read_text(encoding="utf-8")
    assert "<td>carbon.base_price_cny_per_t</td><td>280</td><td>500</td>" in html
    assert html.count("<figure") == len(list((out / "figures").glob("*.png"))) == 3


def test_prices_probabilities_and_roles_come_from_all_runs(folders: dict[str, Path]) -> None:
    names = ("first", "dearer", "spread")
    compared = compared_runs(*(read_run(folders[name]) for name in names))
    for name, table, keys, column in (
        ("prices", "offers", ("vpp", "period"), "price_cny_per_mwh"),
        ("probabilities", "selections", ("buyer", "seller", "period"), "probability"),
        ("roles", "roles", ("vpp", "period"), "role"),
    ):
        sides = [{tuple(r[k] for k in keys): r[column] for r in rows(folders[f] / f"{table}.csv")} for f in names]
        told = {tuple(map(str, key)): values for key, values in compared[name].rows.items()}
        assert told.keys() == set().union(*sides)
        for key, values in told.items():
            for value, side in zip(values, sides, strict=True):
                if isinstance(value, str):
                    assert value == side.get(key, "")
                else:
                    assert value == float(side[key]) if key in side else value != value
    pictures = list(comparison_pictures(compared))
    assert len(pictures) == 2 * 3
    drawn = {
        (str(line.get_label()), int(x), y)
        for line in pictures[4].figure.axes[0].get_lines()
        if str(line.get_label()) in compared.vpps
        for x, y in zip(np.asarray(line.get_xdata()), np.asarray(line.get_ydata()), strict=True)
    }
    prices = compared["prices"]
    less = {key: prices.difference(key, 2) for key in prices.rows}
    assert drawn == {(*key, value) for key, value in less.items() if value == value}
    assert all(b"<text" in picture.svg for picture in pictures)


def test_a_change_is_told_field_by_field_and_a_series_by_what_it_comes_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Battery, missing asset, one series times a factor, another in some periods, seed, the way of running."""
    base = load_scenario("five_vpp")
    more = base.with_(
        {"vpps.VPP1.ess.energy_mwh": 6, "vpps.VPP2.mt": None, "market.price_max_cny_per_mwh": 1100.0}
    )
    load_mw = base.vpp("VPP1").load_mw * 1.25
    pv_mw = base.vpp("VPP3").pv.forecast_mw.copy()  # type: ignore[union-attr]
    pv_mw[11:14] += 0.5
    plants = {
        "VPP1": replace(more.vpp("VPP1"), load_mw=load_mw),
        "VPP3": replace(more.vpp("VPP3"), pv=replace(more.vpp("VPP3").pv, forecast_mw=pv_mw)),  # type: ignore[type-var]
    }
    vpps = tuple(plants.get(vpp.id, vpp) for vpp in more.vpps)
    write_scenario(seal_scenario("five_vpp", more.title, more.public, vpps, more.network), tmp_path / "changed")
    for name, scenario, flags in (("a", "five_vpp", ()), ("b", tmp_path / "changed", ("--seed", "3"))):
        folder = str(tmp_path / name)
        assert command(["run", str(scenario), "--in-process", "--quiet", "--out", folder, *flags]) == 0
    told = changed_fields(page_of(tmp_path / "a", tmp_path / "b", capsys=capsys))
    assert told.pop("vpps.VPP2.mt").startswith("p_min_mw 0, p_max_mw 2.4")
    total_mwh = base.vpp("VPP1").load_mw.sum()
    pv_mwh = base.vpp("VPP3").pv.forecast_mw.sum()  # type: ignore[union-attr]
    assert told == {
        "market.price_max_cny_per_mwh": "1200 → 1100",
        "vpps.VPP1.ess.energy_mwh": "3 → 6",
        "VPP1_load_mw": f"{total_mwh:.6g} MWh → × 1.25, {1.25 * total_mwh:.6g} MWh",
        "VPP3_pv_mw": f"{pv_mwh:.6g} MWh → other in periods 12, 13, 14, {pv_mwh + 1.5:.6g} MWh",
        "seed": "0 → 3",
    }


def test_several_runs_stand_side_by_side(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = page_of(*(folders[n] for n in ("first", "dearer", "spread")), capsys=capsys, out=tmp_path / "out")
    (line,) = [line for line in page.splitlines() if "choice_temperature" in line]
    assert line.split() == ["market.choice_temperature_cny_per_mwh", "50", "50", "80"]
    told = {r["quantity"]: r for r in rows(tmp_path / "out" / "results.csv")}
    for name, which in (("first", "first"), ("dearer", "second"), ("spread", "third")):
        system = next(
            r for r in rows(folders[name] / "costs.csv") if (r["vpp"], r["scenario"]) == ("system", "game")
        )
        assert told["game_total_cny"][which] == system["total_cny"]
    row = told["game_total_cny"]
    assert float(row["difference_third"]) == float(row["third"]) - float(row["first"])
    assert command(["compare", *[str(folders["first"])] * 13]) == command(["compare", str(folders["first"])]) == 2
    assert "2 to 12 runs can be compared" in capsys.readouterr().err


def test_runs_that_do_not_know_their_plants_say_so(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder without its scenario, and one that keeps the public part alone."""
    bare = tmp_path / "bare"
    shutil.copytree(folders["dearer"], bare, ignore=shutil.ignore_patterns("scenario"))
    page = " ".join(page_of(folders["first"], bare, capsys=capsys).split())
    assert (
        "no scenario as it was run is kept with the second run: rules are compared, plants and series not" in page
    )
    assert "carbon.base_price_cny_per_t 280 → 500" in page
    whole = load_scenario("five_vpp")
    other = public_part(whole.with_({"vpps.VPP2.ess.energy_mwh": 7}))
    run = read_run(folders["first"])
    by_digest = [CompareInput(run, public_part(whole)), CompareInput(run, other)]
    (change,) = changes(by_digest)
    assert change.path == "vpps.VPP2"
    notes = list(changes_notes(by_digest, ("first", "second")))
    assert [note for note in notes if "plants of VPP2: what was changed in them is not shown" not in note] == []
    assert list(changes_notes([by_digest[0]] * 2, ("first", "second"))) == []
    hidden = [CompareInput(run, undisclosed(each.scenario)) for each in by_digest if each.scenario]
    assert "VPP1, VPP2, VPP3, VPP4, VPP5" in next(changes_notes(hidden, ("first", "second")))


def test_what_cannot_be_compared_is_said_and_the_rest_is_compared(folders: dict[str, Path]) -> None:
    first = read_run(folders["first"])
    fewer = renamed(first, vpps=first.vpps[:3])
    compared = compared_runs(first, fewer)
    assert compared.vpps == tuple(first.vpps[:3])
    assert {key[0] for key in compared["costs"].rows} == set(first.vpps[:3])
    assert {key[0] for key in compared["prices"].rows} <= set(first.vpps[:3])
    assert [note for note in compared.notes if "only the first run has Plant4, " in note]
    rules = {**first.manifest["rules"], "horizon": {"periods": 8, "period_h": 0.5}}
    other = compared_runs(first, renamed(first, rules=rules))
    assert "prices" not in other.tables
    assert other["costs"].differing().rows == {}
    assert (
        "the horizons differ (4 periods of 1 h; 8 periods of 0.5 h): "
        "roles, prices and probabilities by period are not compared"
    ) in other.notes
    assert [picture.name for picture in comparison_pictures(other)] == ["cost_differences"]


def test_a_run_without_trade_can_be_compared(folders: dict[str, Path]) -> None:
    dark = read_run(folders["dark"])
    said = [picture.figure.texts for picture in comparison_pictures(compared_runs(dark, dark))]
    assert ["No VPP" in texts[0].get_text() for texts in said[1:]] == [True, True]


def test_what_is_no_run_or_has_nothing_in_common_is_bad_input(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = str(folders["first"])
    assert command(["compare", run, str(tmp_path)]) == 2
    assert "a folder without manifest.json" in capsys.readouterr().err
    assert command(["compare", run, str(folders["two"])]) == 2
    assert "runs must have a VPP in common" in capsys.readouterr().err
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    assert command(["compare", run, run, "--out", str(tmp_path / "full")]) == 2
    told = capsys.readouterr()
    assert "must be empty" in told.err
    assert told.out == ""
