"""Claims: compare, sweeps and a node's last lines tell costs as planned and in reality, where there is one; days
in a row are swept as they are run, or refused with one message; a check says what will be run.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

import market
from broker.wire.messages import Settle
from market.app.analysis.changes import CompareInput
from market.app.analysis.compare import Comparison, compare_runs
from market.app.analysis.sweep.row import REALITY
from market.app.cli.main import command
from market.app.report.node_text import node_lines
from market.app.results.recorded import read_run
from market.app.runs.node_day import NodeRun
from market.errors import ScenarioError
from market.model.disclosure import Disclosure
from market.model.plan import DirectExchange
from market.scenario import load_scenario
from market.scenario.scenario import Scenario
from tests.market.series_of_days import write_days
from vpp_nodes.client import SettledDay
from vpp_nodes.dispatch import dispatch
from vpp_nodes.dispatch.realised import reality_of
from vpp_nodes.node import OwnPlans

NOISE = {
    "forecast.model": "noise",
    "forecast.given": "forecast",
    "forecast.noise_share": 0.3,
    "forecast.noise_seed": 4,
}
ONE_PLAN = "this makes one plan of the whole horizon; got a scenario of days in a row; run its days with"


# --- compare ---


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("compare")
    changes = {"plain": {}, "real": NOISE, "dear": {**NOISE, "imbalance.short_premium": 0.9}}
    for name, change in changes.items():
        market.run("two_vpp", change, out=place / name)
    return {name: place / name for name in changes}


def compared(*folders: Path) -> Comparison:
    return compare_runs(*(CompareInput(read_run(folder), None) for folder in folders))


def test_compare_tells_planned_and_realised_costs_and_imbalance(
    folders: dict[str, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = compared(folders["real"], folders["dear"])
    runs = [market.open_run(folders[name]) for name in ("real", "dear")]
    costs = [run.costs[run.costs.vpp == "system"].set_index("scenario") for run in runs]
    rows = found["results"].rows
    for name, scenario, column in (
        ("grid_only_realised_total_cny", "grid_only_realised", "total_cny"),
        ("game_realised_total_cny", "game_realised", "total_cny"),
        ("game_realised_imbalance_cny", "game_realised", "imbalance_cny"),
    ):
        assert rows[name,] == tuple(each.loc[scenario, column] for each in costs)
    saved = [each.total_cny["grid_only_realised"] - each.total_cny["game_realised"] for each in costs]
    assert rows["saving_realised_cny",] == pytest.approx(saved)
    assert found["costs"].rows["Farm", "game_realised", "imbalance_cny"][0] != 0.0
    assert found.tables["costs"].differing(1e-6).rows
    monkeypatch.setenv("COLUMNS", "200")
    assert command(["compare", str(folders["real"]), str(folders["dear"])]) == 0
    page = capsys.readouterr().out
    for expected in ("costs in reality, trading, CNY", "imbalance, trading, CNY", "trading, in reality"):
        assert expected in page


def test_a_run_without_a_reality_is_compared_with_one_by_what_both_have(folders: dict[str, Path]) -> None:
    rows = compared(folders["plain"], folders["real"])["results"].rows
    without, with_it = rows["game_realised_total_cny",]
    assert without != without
    assert float(with_it) > 0.0
    both = compared(folders["plain"], folders["plain"])
    assert not any("realised" in str(key) for table in both.tables.values() for key in table.rows)


# --- sweeps ---


def test_a_row_of_a_sweep_tells_what_became_of_its_day() -> None:
    swept = market.sweep("two_vpp", [NOISE, {}], jobs=1)
    day = market.run("two_vpp", NOISE)
    costs = day.costs[day.costs.vpp == "system"].set_index("scenario")
    first, second = swept.runs.to_dict("records")
    for design in ("grid_only", "game"):
        for name in ("imbalance_cny", "total_cny"):
            assert first[f"{design}_realised_{name}"] == costs.loc[f"{design}_realised", name]
    assert first["missed_mwh"] == day.manifest["imbalance"]["missed_mwh"]
    assert first["saving_realised_cny"] == pytest.approx(day.manifest["imbalance"]["saving_cny"])
    assert all(second[name] != second[name] for name in REALITY), "nothing is told of it there"
    assert not set(REALITY) & set(market.sweep("two_vpp", {"carbon.growth": [0.1]}, jobs=1).runs.columns)


def days(folder: Path, forecast: dict[str, object]) -> Scenario:
    sections = {"rolling": {"plan_h": 30, "soc_end": "free"}, "forecast": forecast}
    return market.load(write_days(folder, 2, vpps=2, seed=7, flexible=False, sections=sections))


def test_days_in_a_row_are_swept_as_they_are_run(tmp_path: Path) -> None:
    noise = {name.partition(".")[2]: value for name, value in NOISE.items()}
    scenario = days(tmp_path / "s", noise)
    swept = market.sweep(scenario, {"carbon.growth": [0.1]}, jobs=1)
    (row,) = swept.runs.to_dict("records")
    run = market.run_days(scenario, changes={"carbon.growth": 0.1})
    totals, real = run.manifest["totals"], run.manifest["imbalance"]
    assert row["verdict"] == run.verdict
    for told, wanted in (
        ("grid_only_total_cny", totals["grid_only_cny"]),
        ("game_total_cny", totals["game_cny"]),
        ("saving_cny", totals["saving_cny"]),
        ("game_carbon_cny", totals["carbon_cny"]),
        ("game_emission_t", totals["emission_t"]),
        ("traded_mwh", run.days.traded_mwh.sum()),
        ("game_realised_total_cny", real["game_realised_cny"]),
        ("game_realised_imbalance_cny", real["cost_cny"]),
        ("grid_only_realised_imbalance_cny", real["grid_only_cost_cny"]),
        ("saving_realised_cny", real["saving_cny"]),
        ("missed_mwh", real["missed_mwh"]),
    ):
        assert row[told] == pytest.approx(wanted, rel=1e-12, abs=1e-9), told
    sold = run.periods.traded_mw
    assert row["traded_mwh"] > 0.0
    assert row["mean_price_cny_per_mwh"] == pytest.approx(
        (run.periods.price_cny_per_mwh * sold).sum() / sold.sum()
    )


# --- one plan is not made of days in a row ---


def test_days_in_a_row_are_refused_with_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenario = days(tmp_path / "s", {"model": "perfect"})
    for one_plan in (market.run, market.parallel_env):
        with pytest.raises(ScenarioError, match=ONE_PLAN):
            one_plan(scenario)
    for words in (["experiment", "learning"], ["experiment", "economics"], ["broker"]):
        assert command([*words, str(tmp_path / "s")]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert ONE_PLAN in line


# --- what a check says ---


def test_a_check_says_which_days_will_be_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    days(tmp_path / "s", {"model": "noise", "given": "forecast"})
    assert command(["check", str(tmp_path / "s"), "--set", "carbon.billing_period=week"]) == 0
    said = capsys.readouterr().out
    for expected in (
        "days in a row: 2 days in 2 plans, each looks 30 h ahead and is kept for 24 h",
        "stores end each plan with whatever is cheapest",
        "carbon is billed for each seven days",
        "only what is kept becomes real",
    ):
        assert expected in said
    assert command(["check", str(tmp_path / "s"), "--set", "rolling=null"]) == 0
    assert "days in a row:" not in capsys.readouterr().out


# --- a node ---


def last_lines(changes: dict[str, object]) -> list[str]:
    scenario = load_scenario("two_vpp").with_(changes)
    farm, public = scenario.vpp("Farm"), scenario.public
    plan = dispatch(farm, public, None)
    reality = reality_of(farm, public, plan, plan) if public.imbalance else None
    nothing = np.zeros(public.horizon.periods)
    order = Settle(9, DirectExchange(nothing, nothing), Disclosure.FULL, (), 0.0)
    return list(
        node_lines(
            NodeRun(scenario, farm, datetime.now(UTC), 0.0), SettledDay(OwnPlans(plan, plan, reality), order)
        )
    )


def test_a_node_says_what_its_day_came_to_in_fact() -> None:
    assert len(last_lines({})) == 5
    real, single = last_lines(NOISE), last_lines({**NOISE, "imbalance.pricing": "single"})
    assert len(real) == 7
    assert len(single) == 6
    assert real[4].startswith("Farm in fact ")
    assert " short, " in real[5]
    assert "CNY of that" in real[5]
    assert "at a price that all make together" in single[4]
    assert all(len(line) <= 80 for line in (*real, *single)), max(real, key=len)
