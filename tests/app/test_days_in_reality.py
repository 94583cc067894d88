"""Claims: days in a row are planned on forecasts and go on from what became of them; of each day only what is kept
becomes real; its bills follow from its two series and from how it began; a break leaves no trace.
"""

from __future__ import annotations

import filecmp
import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from scipy.optimize import linprog

import market
from market.app.cli.main import command
from market.app.results.days_folder import day_folder
from market.app.results.days_tables import COSTS_REAL, DAYS_REAL
from market.costs.carbon import stepped_cost_cny
from market.model.arrays import frozen
from market.model.assets import Hydro, StoredEnd, Vehicle
from market.model.rolling import Rolling
from market.model.vpp import Unit, UnitKind, Vpp
from market.scenario.digest import seal_scenario
from market.scenario.scenario import Scenario
from tests.market.series_of_days import write_days

NOISE = {"model": "noise", "given": "forecast", "noise_share": 0.4, "noise_seed": 4}
VALUE_CNY_PER_MWH = 500.0
AHEAD = {"plan_h": 36, "commit_h": 24, "soc_end": "valued", "end_value_cny_per_mwh": VALUE_CNY_PER_MWH}
TABLES = ("days.csv", "costs.csv", "periods.csv")


def days_of(folder: Path, days: int = 3, *, real: bool = True, **said: Any) -> Path:
    sections = {"rolling": AHEAD, **({"forecast": NOISE} if real else {}), **said.pop("sections", {})}
    return write_days(folder / "s", days, sections=sections, **{"vpps": 2, "seed": 7, **said})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days of plants with turbines, vehicles and batteries, seen 36 hours ahead, carbon over all of them."""
    folder = tmp_path_factory.mktemp("real")
    market.run_days(days_of(folder), out=folder / "run")
    return folder / "run"


def days_in(run: Path) -> Iterator[tuple[Scenario, market.Run]]:
    """Each day's scenario and run."""
    for folder in sorted((run / "days").iterdir()):
        yield market.load(folder / "scenario"), market.open_run(folder)


def plan(day: market.Run, vpp: str, stage: int) -> pandas.DataFrame:
    return day.dispatch[(day.dispatch.vpp == vpp) & (day.dispatch.stage == stage)].reset_index(drop=True)


# --- what is the same where all comes as expected ---


def test_a_perfect_forecast_gives_the_tables_of_days_without_a_reality(tmp_path: Path) -> None:
    """To the last digit; and what is realised is what was planned."""
    plain = market.load(days_of(tmp_path, 2, real=False))
    assert plain.public.imbalance is None
    perfect = plain.with_({"forecast.model": "noise", "forecast.given": "forecast", "forecast.noise_share": 0.0})
    assert all(vpp.realised_load_mw is not None for vpp in perfect.vpps)
    wanted, found = market.run_days(plain), market.run_days(perfect)
    assert set(found.days.columns) - set(wanted.days.columns) == set(DAYS_REAL)
    assert set(found.costs.columns) - set(wanted.costs.columns) == set(COSTS_REAL)
    assert found.days[wanted.days.columns].equals(wanted.days)
    assert found.periods.equals(wanted.periods)
    planned = found.costs[found.costs.scenario.isin(["grid_only", "game"])]
    assert planned[wanted.costs.columns].reset_index(drop=True).equals(wanted.costs)
    real = found.costs[~found.costs.scenario.isin(["grid_only", "game"])]
    assert (real[list(COSTS_REAL)] == 0.0).all(axis=None)
    numbers = planned.select_dtypes("number").columns
    assert np.array_equal(real[numbers], planned[numbers])
    assert found.manifest["totals"] == wanted.manifest["totals"]
    assert found.manifest["imbalance"]["days_with_losers"] == 0
    assert "imbalance" not in wanted.manifest


# --- what is carried on ---


def test_a_day_begins_with_what_the_day_before_really_left(run: Path) -> None:
    differing = 0
    for (_, before), (scenario, _) in pairwise(days_in(run)):
        for vpp in scenario.vpps:
            planned, real = (plan(before, vpp.id, stage).iloc[:24] for stage in (3, 5))
            assert vpp.ess is not None
            held = vpp.ess.soc_initial * vpp.ess.energy_mwh
            assert held == pytest.approx(real.soc_mwh.iloc[-1], abs=1e-9)
            differing += abs(real.soc_mwh.iloc[-1] - planned.soc_mwh.iloc[-1]) > 1e-3
            if vpp.mt is not None:
                assert vpp.mt.initial_output_mw == pytest.approx(real.mt_mw.iloc[-1], abs=1e-9)
            vehicle = vpp.units[1].asset
            assert isinstance(vehicle, Vehicle)
            assert vehicle.taken_before_mwh == pytest.approx(real.tasks_mw.iloc[18:].sum(), abs=1e-6)
    assert differing > 0, "or it says nothing"


def test_carbon_is_billed_by_what_was_really_emitted(run: Path) -> None:
    """(3) of the excess over all days, from the table, is what the days were billed together."""
    days, (scenario, _) = market.open_days(run), next(days_in(run))
    costs = days.costs[days.costs.vpp != "system"]
    for _, rows in costs[costs.scenario.str.endswith("_realised")].groupby(["vpp", "scenario"]):
        billed = stepped_cost_cny(scenario.public.carbon, float((rows.emission_t - rows.quota_t).sum()))
        assert rows.carbon_cny.sum() == pytest.approx(billed, rel=1e-9)


def test_a_day_knows_nothing_of_the_next_ones_reality(tmp_path: Path) -> None:
    """What becomes of the hours that are only planned changes no digit of the day before."""
    scenario = market.load(days_of(tmp_path, 2))
    late = np.arange(48) >= 24
    others = tuple(
        replace(vpp, realised_load_mw=frozen(np.where(late, 1.5, 1.0) * vpp.realised_load_mw))
        for vpp in scenario.vpps
        if vpp.realised_load_mw is not None
    )
    sealed = seal_scenario("other", "", scenario.public, others, scenario.network)
    first = market.run_days(scenario), market.run_days(replace(sealed, rolling=scenario.rolling))
    (one, two), (costs, other) = ([each.days for each in first], [each.costs for each in first])
    assert one.iloc[:1].equals(two.iloc[:1])
    assert costs[costs.day == 1].equals(other[other.day == 1])
    assert abs(one.game_realised_cny[1] - two.game_realised_cny[1]) > 100.0
    assert one.game_cny[1] == two.game_cny[1]


# --- bills ---


def test_every_bill_is_made_again_from_two_series_and_what_the_day_before_left(tmp_path: Path) -> None:
    """By a program of its own, hour by hour, of plants with sun, wind and a battery; carbon costs nothing here.

    Its trade and its schedule are read from the day's plan; what it had at the start is what it really had.
    """
    folder = days_of(tmp_path, flexible=False, sections={"carbon": {"base_price_cny_per_t": 0}})
    days = market.run_days(folder, out=tmp_path / "run")
    whole, held, moved = market.load(folder), dict[str, float](), 0.0
    for number, (scenario, day) in enumerate(days_in(tmp_path / "run"), 1):
        kept, first = 24, 24 * (number - 1)
        span = slice(first, first + scenario.public.horizon.periods)
        for vpp in whole.vpps:
            assert vpp.ess is not None
            planned = plan(day, vpp.id, 3)
            begins = held.get(vpp.id, vpp.ess.soc_initial * vpp.ess.energy_mwh)
            again = cheapest_day(whole, vpp, span, kept, planned, begins)
            costs = days.costs.set_index(["day", "vpp", "scenario"]).loc[number, vpp.id, "game_realised"]
            assert costs.imbalance_cny == pytest.approx(again["imbalance_cny"], rel=1e-6, abs=1e-3)
            assert costs.operation_cny == pytest.approx(again["operation_cny"], rel=1e-6, abs=1e-3)
            assert costs.short_mwh - costs.long_mwh == pytest.approx(again["net_mwh"], abs=1e-6)
            assert costs.stored_mwh == pytest.approx(again["stored_mwh"], abs=1e-6)
            moved += abs(costs.stored_mwh - planned.soc_mwh[kept - 1])
            held[vpp.id] = again["stored_mwh"]
    assert moved > 0.1, "or it says nothing of what is carried on"
    assert days.days.traded_mwh.min() > 0.1, "nor of trade"


def cheapest_day(
    whole: Scenario, vpp: Vpp, span: slice, kept: int, planned: pandas.DataFrame, begins_mwh: float
) -> dict[str, float]:
    """What a plant's day comes to in reality: (M17) by scipy, columns in blocks of a period each."""
    tariff, ess = whole.public.tariff, vpp.ess
    assert ess is not None
    assert vpp.wt is not None
    assert vpp.pv is not None
    assert vpp.realised_load_mw is not None
    assert vpp.pv.realised_mw is not None
    assert vpp.wt.realised_mw is not None
    retail, feed_in = tariff.retail_cny_per_mwh[span], tariff.feed_in_cny_per_mwh[span]
    n = len(retail)
    real = (np.arange(n) < kept).astype(float)
    short, long = retail * (1.0 + 0.2 * real), feed_in * (1.0 - 0.2 * real)
    load, sun, wind = (
        np.where(real > 0.0, came[span], expected[span])
        for came, expected in (
            (vpp.realised_load_mw, vpp.load_mw),
            (vpp.pv.realised_mw, vpp.pv.forecast_mw),
            (vpp.wt.realised_mw, vpp.wt.forecast_mw),
        )
    )
    value, nothing, one = VALUE_CNY_PER_MWH, np.zeros(n), np.eye(n)
    wear, om = np.full(n, ess.wear_cny_per_mwh), np.full(n, vpp.wt.om_cost_cny_per_mwh)
    worth = np.where(np.arange(n) == n - 1, -value, 0.0)
    # charge, discharge, stored, sun and wind, short, long
    cost = np.concatenate([wear, wear, worth, np.full(n, vpp.pv.om_cost_cny_per_mwh), om, short, -long])
    top = [ess.charge_max_mw, ess.discharge_max_mw, ess.soc_max * ess.energy_mwh]
    upper = np.concatenate([*(np.full(n, each) for each in top), sun, wind, np.full(2 * n, np.inf)])
    lower = np.concatenate([nothing, nothing, np.full(n, ess.soc_min * ess.energy_mwh), np.zeros(4 * n)])
    keeps = (1.0 - ess.self_discharge_per_h) * np.eye(n, k=-1)
    zero = np.zeros((n, n))
    battery = [-ess.charge_efficiency * one, one / ess.discharge_efficiency, one - keeps, zero, zero, zero, zero]
    balance = [-one, one, zero, one, one, one, -one]
    start = np.where(np.arange(n) == 0, begins_mwh * (1.0 - ess.self_discharge_per_h), 0.0)
    schedule = (planned.buy_mw - planned.sell_mw).to_numpy()
    needed = load + (planned.direct_out_mw - planned.direct_in_mw).to_numpy() - schedule
    found = linprog(
        cost,
        A_eq=np.vstack([np.hstack(battery), np.hstack(balance)]),
        b_eq=np.concatenate([start, needed]),
        bounds=np.column_stack([lower, upper]),
    )
    assert found.status == 0
    charge, discharge, stored, light, blown, lacks, spare = found.x.reshape(7, n)[:, :kept]
    paid = (retail * planned.buy_mw - feed_in * planned.sell_mw).to_numpy()[:kept].sum()
    operation = ess.wear_cny_per_mwh * (charge + discharge).sum() + vpp.pv.om_cost_cny_per_mwh * light.sum()
    operation += vpp.wt.om_cost_cny_per_mwh * blown.sum() - value * (stored[-1] - begins_mwh) + paid
    return {
        "imbalance_cny": float(short[:kept] @ lacks - long[:kept] @ spare),
        "operation_cny": float(operation),
        "net_mwh": float((lacks - spare).sum()),
        "stored_mwh": float(stored[-1]),
    }


def test_totals_are_the_sums_of_days_and_plants(run: Path) -> None:
    days = market.open_days(run)
    told, costs = days.manifest["imbalance"], days.costs
    plants, system = costs[costs.vpp != "system"], costs[costs.vpp == "system"]
    for name in ("imbalance_cny", "short_mwh", "long_mwh", "missed_mwh", "total_cny"):
        for scenario in ("grid_only_realised", "game_realised"):
            of = [each[each.scenario == scenario].groupby("day")[name].sum() for each in (plants, system)]
            assert np.allclose(of[0], of[1])
    game = system[system.scenario == "game_realised"].set_index("day")
    assert np.allclose(days.days.imbalance_cny, game.imbalance_cny)
    assert np.allclose(days.days.game_realised_cny, game.total_cny)
    assert np.allclose(days.days.stored_realised_mwh, game.stored_mwh)
    assert told["cost_cny"] == pytest.approx(game.imbalance_cny.sum())
    assert told["short_mwh"] == pytest.approx(game.short_mwh.sum())
    assert told["saving_cny"] == pytest.approx(days.days.saving_realised_cny.sum())
    for number, (_, day) in enumerate(days_in(run), 1):
        rows = day.tables["imbalance"]
        bills = rows[(rows.scenario == "game") & (rows.period <= 24)]
        paid = float((bills.cost_cny + bills.missed_cny).sum())
        assert game.imbalance_cny[number] == pytest.approx(paid)


def test_with_one_price_all_stand_on_one_side_with_the_market_and_without(tmp_path: Path) -> None:
    """Also where the days without the market have come to be others: each side is settled by its own."""
    folder = days_of(tmp_path, 2, flexible=False, sections={"imbalance": {"pricing": "single"}})
    days = market.run_days(folder, out=tmp_path / "run")
    scenario = market.load(folder)
    for number, (_, day) in enumerate(days_in(tmp_path / "run"), 1):
        rows = day.tables["imbalance"]
        rows = rows[(rows.scenario == "game") & (rows.period <= 24)]
        u = rows.pivot_table(index="period", columns="vpp", values="deviation_mw").to_numpy()
        span = slice(24 * (number - 1), 24 * number)
        tariff = scenario.public.tariff
        price = np.where(
            u.sum(axis=1) > 0, 1.2 * tariff.retail_cny_per_mwh[span], 0.8 * tariff.feed_in_cny_per_mwh[span]
        )
        costs = days.costs[(days.costs.day == number) & (days.costs.scenario == "game_realised")]
        plants = costs[costs.vpp != "system"].sort_values("vpp")
        assert np.allclose(plants.imbalance_cny, price @ u)


# --- a reservoir that gets less ---


def test_a_reservoir_that_got_less_ends_as_full_as_it_can(tmp_path: Path) -> None:
    """It is to end each day at 55 %, and what would have filled it on the first day did not come."""
    plain = market.load(days_of(tmp_path, 2, flexible=False))
    hydro = Hydro(
        reservoir_mwh=4.0,
        p_max_mw=1.0,
        inflow_mw=frozen(np.where(np.arange(48) < 24, 0.01, 0.0)),
        realised_inflow_mw=frozen(np.zeros(48)),
        level_initial=0.5,
        end=StoredEnd.GIVEN,
        level_end=0.55,
    )
    first, *others = plain.vpps
    vpps = (replace(first, units=(Unit("H", "", UnitKind.HYDRO, hydro),)), *others)
    scenario = replace(seal_scenario("dry", "", plain.public, vpps, plain.network), rolling=Rolling())
    days = market.run_days(scenario, out=tmp_path / "run")
    assert days.verdict == "equilibrium"
    found = [day.vpps[0].units[0].asset for day, _ in days_in(tmp_path / "run")]
    levels = [(asset.level_initial, asset.level_end) for asset in found if isinstance(asset, Hydro)]
    assert levels == [(0.5, 0.55), (pytest.approx(0.5), pytest.approx(0.5))]


# --- a break, and small folders ---


def same_tables(one: Path, other: Path) -> bool:
    return all(filecmp.cmp(one / name, other / name, shallow=False) for name in TABLES)


@pytest.mark.parametrize("done", [1, 3])
def test_days_are_taken_up_after_each_that_is_finished(done: int, run: Path, tmp_path: Path) -> None:
    again = tmp_path / "run"
    shutil.copytree(run, again)
    for name in ("manifest.json", *TABLES):
        (again / name).unlink()
    for number in range(done + 1, 4):
        shutil.rmtree(day_folder(again, number, 3))
    assert command(["run", "--resume", str(again), "--quiet"]) == 0
    assert same_tables(run, again)
    assert market.open_days(again).manifest["imbalance"] == market.open_days(run).manifest["imbalance"]


def test_a_small_day_becomes_the_whole_one_when_it_is_opened(run: Path, tmp_path: Path) -> None:
    small = market.run_days(run / "scenario", out=tmp_path / "run", whole=False)
    assert same_tables(run, tmp_path / "run")
    opened, whole = small.day(2), market.open_run(run / "days" / "002")
    for name, table in whole.tables.items():
        assert opened.tables[name].equals(table), name
    again = market.run(run / "days" / "002" / "scenario")
    assert again.tables["imbalance"].equals(whole.tables["imbalance"]), "its scenario is an ordinary one"


def test_the_command_tells_what_became_of_the_days(
    run: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["run", str(run / "scenario"), "--in-process", "--days", "2", "--out", str(tmp_path / "run")]
    assert command(words) == 0
    said = capsys.readouterr().out
    for expected in ("in reality", "of that imbalance, trading,", "In reality", "short", "pays more with trade"):
        assert expected in said
