"""Claims about `experiment division`: shares add up, the core is what it is said to be, the market is beside."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from math import fsum
from pathlib import Path

import numpy as np
import pytest

from market.app.analysis.division import DividedDay, divided_day, division_tables, leaving
from market.app.figures.division import division_picture
from market.app.runs.in_process import market_day
from market.scenario import load_scenario
from market.settlement.settlement import settle
from tests.app.commands import vppmarket
from tests.market.random_markets import random_market


def one_by_one(name: str, function: Callable[[int], float], items: Sequence[int], what: str = "") -> list[float]:
    return [function(item) for item in items]


@pytest.fixture(scope="module")
def five() -> DividedDay:
    return divided_day(load_scenario("five_vpp"), orders=2, seed=0, solve_all=one_by_one)


def test_all_five_save_what_one_dispatch_of_all_saves(five: DividedDay) -> None:
    assert five.cost_cny[31] == pytest.approx(100720.9, abs=0.05)
    assert len(five.cost_cny) == 31
    for each in five.divisions:
        whole = five.whole_cny if each.name != "market" else fsum(five.market_cny.tolist())
        assert fsum(each.shares_cny.tolist()) == pytest.approx(whole, rel=1e-9)


def test_the_core_of_the_five_is_not_empty_and_the_shapley_value_lies_just_outside_it(five: DividedDay) -> None:
    assert five.least_complaint_cny < 0.0
    who = {each.name: leaving(five, each) for each in five.divisions}
    assert who["nucleolus"][1] <= 1e-6
    assert who["dual_prices"][1] <= 1e-3
    assert 0.0 < who["shapley"][1] < 0.01 * five.whole_cny
    assert who["market"][0] == five.scenario.roster
    assert who["market"][1] == pytest.approx(five.whole_cny - float(five.market_cny.sum()))


def test_the_market_is_that_of_the_scenario_and_bargaining_adds_the_same_to_all(five: DividedDay) -> None:
    settlement = settle(market_day(five.scenario), five.scenario.public)
    pairs = zip(settlement.grid_only, settlement.game, strict=True)
    assert five.market_cny == pytest.approx([before.total_cny - after.total_cny for before, after in pairs])
    agreed = next(each for each in five.divisions if each.name == "nash_bargaining")
    added = agreed.shares_cny - five.market_cny
    assert added == pytest.approx([added[0]] * 5)


def test_of_many_plants_some_coalitions_are_looked_at_and_the_error_is_told() -> None:
    scenario = random_market(2, vpps=13, periods=2)
    day = divided_day(scenario, orders=3, seed=1, solve_all=one_by_one)
    assert not day.all_coalitions
    assert np.isnan(day.least_complaint_cny)
    assert [each.name for each in day.divisions] == [
        "shapley",
        "equal",
        "nash_bargaining",
        "dual_prices",
        "market",
    ]
    shares, stability, coalitions = division_tables(day)
    assert all(np.isfinite(float(row[-1])) for row in shares.rows[:-1])
    assert {row[-1] for row in stability.rows} <= {"no", "unknown"}
    assert len(coalitions.rows) == len(day.cost_cny) <= 13 + 2 * 3 * 12 + 1
    again = divided_day(scenario, orders=3, seed=1, solve_all=one_by_one)
    assert (again.divisions[0].shares_cny == day.divisions[0].shares_cny).all()
    assert division_picture(shares, stability).png


def test_the_command_writes_three_tables_and_a_picture(tmp_path: Path) -> None:
    done = vppmarket("experiment", "division", "two_vpp", "--out", "shares", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "shares" / "figures" / "division.png").exists()
    with (tmp_path / "shares" / "division_shares.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["vpp"] for row in rows] == ["Farm", "Village", "system"]
    assert float(rows[0]["shapley_cny"]) == pytest.approx(float(rows[1]["shapley_cny"]))  # two share alike
    assert "the core is not empty" in done.stdout.lower()
