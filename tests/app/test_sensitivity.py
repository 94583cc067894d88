"""Claims about sensitivities: a sweep changes what it names, keeps the scenario's own day, survives odd values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isnan
from pathlib import Path
from typing import Any

import pytest

from market.app.analysis.sensitivity import COLUMNS, Sweep, sweep_tables, sweeps
from market.app.runs.in_process import market_day
from market.app.runs.process_pool import solve_many
from market.scenario import load_scenario, with_overrides
from market.scenario.scenario import Scenario
from market.settlement.settlement import settle
from tests.app.commands import error_lines, vppmarket


def one_by_one(function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    return [function(item) for item in items]


def sweep(scenario: Scenario, name: str) -> Sweep:
    (found,) = [sweep for sweep in sweeps(scenario) if sweep.name == name]
    return found


@pytest.fixture(scope="module")
def two() -> Scenario:
    return load_scenario("two_vpp")


def test_every_sweep_holds_the_scenario_s_own_day_with_its_own_costs(two: Scenario) -> None:
    own = settle(market_day(two), two.public)
    for table in sweep_tables(two, one_by_one):
        base = [row for row in table.rows if row[COLUMNS.index("base")] == "yes"]
        assert len(base) == 1, table.name
        assert base[0][COLUMNS.index("grid_only_total_cny")] == pytest.approx(own.grid_only_system.total_cny)
        assert base[0][COLUMNS.index("game_total_cny")] == pytest.approx(own.game_system.total_cny)


def test_values_rise_and_savings_are_differences(two: Scenario) -> None:
    for table in sweep_tables(two, one_by_one):
        values = [float(row[1]) for row in table.rows]
        assert values == sorted(set(values)), table.name
        for row in table.rows:
            total, game, saving = (float(row[COLUMNS.index(name)]) for name in COLUMNS[4:7])
            assert saving == pytest.approx(total - game)


@pytest.mark.parametrize(
    ("name", "value", "look"),
    [
        ("mu", 350.0, lambda s: s.public.carbon.base_price_cny_per_t),
        ("alpha", 0.5, lambda s: s.public.carbon.growth),
        ("interval", 4.0, lambda s: s.public.carbon.interval_t),
        ("steps", 3, lambda s: s.public.carbon.steps),
        ("tau", 20.0, lambda s: s.public.market.choice_temperature_cny_per_mwh),
        ("kappa", 0.7, lambda s: {vpp.satisfaction for vpp in s.vpps}.pop()),
        ("renewable_quota", 0.1, lambda s: s.public.carbon.renewable_quota_t_per_mwh),
        ("credits", 0.2, lambda s: s.public.carbon.direct_quota_t_per_mwh * s.public.carbon.credits_follow_energy),
    ],
)
def test_a_sweep_changes_the_parameter_it_names(
    two: Scenario, name: str, value: float, look: Callable[[Scenario], float]
) -> None:
    changed = with_overrides(two, sweep(two, name).changes(value))
    assert look(changed) == value
    assert changed.digest != two.digest


def test_storage_is_scaled_in_energy_and_powers() -> None:
    five = load_scenario("five_vpp")
    doubled = with_overrides(five, sweep(five, "storage").changes(2.0))
    for before, after in zip(five.vpps, doubled.vpps, strict=True):
        assert before.ess
        assert after.ess
        assert after.ess.energy_mwh == 2 * before.ess.energy_mwh
        assert after.ess.charge_max_mw == 2 * before.ess.charge_max_mw
        assert after.ess.charge_efficiency == before.ess.charge_efficiency


def test_more_storage_is_never_dearer_without_trade_and_carbon_costs_rise_with_the_price() -> None:
    five = load_scenario("five_vpp")
    asked = [sweep(five, name) for name in ("storage", "mu", "tau")]
    storage, mu, tau = sweep_tables(five, one_by_one, asked)
    total = COLUMNS.index("grid_only_total_cny")
    costs = [float(row[total]) for row in storage.rows]
    assert costs == sorted(costs, reverse=True)
    bills = [float(row[total]) for row in mu.rows]
    assert bills == sorted(bills)
    assert len({row[total] for row in tau.rows}) == 1  # τ does not reach a VPP that trades with the grid only
    prices = [float(row[COLUMNS.index("mean_price_cny_per_mwh")]) for row in tau.rows]
    assert prices == sorted(prices)


def test_a_value_without_a_plan_becomes_a_row_that_says_so(two: Scenario) -> None:
    def impossible(value: float) -> dict[str, object]:
        nothing = {"exchange.grid_buy_max_mw": 0.0, "mt": None}
        return {f"vpps.{vpp}.{name}": off for vpp in two.roster for name, off in nothing.items()}

    (table,) = sweep_tables(two, one_by_one, [Sweep("nothing", "", (1.0,), float("nan"), impossible)])
    (row,) = table.rows
    assert "cannot be dispatched" in str(row[COLUMNS.index("verdict")])
    assert all(isnan(float(cell)) for cell in row[4:])


def square(number: int) -> int:
    return number * number


def fail_at_three(number: int) -> int:
    if number == 3:
        raise ValueError("three")
    return number


@pytest.mark.parametrize("processes", [1, 2])
def test_many_keep_their_order_and_tell_how_many_are_ready(processes: int) -> None:
    told: list[int] = []
    assert solve_many(square, range(7), told.append, processes) == [n * n for n in range(7)]
    assert told[-1] == 7
    assert told == sorted(told)


@pytest.mark.parametrize("processes", [1, 2])
def test_what_one_of_many_raises_is_raised(processes: int) -> None:
    with pytest.raises(ValueError, match="three"):
        solve_many(fail_at_three, range(5), lambda done: None, processes)


def test_nothing_to_do_is_done_at_once() -> None:
    assert solve_many(square, [], lambda done: None) == []


def test_the_command_writes_a_table_for_each_parameter(tmp_path: Path) -> None:
    done = vppmarket("experiment", "sensitivity", "two_vpp", "--out", "swept", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    names = {sweep.name for sweep in sweeps(load_scenario("two_vpp"))}
    assert {path.stem.removeprefix("sensitivity_") for path in (tmp_path / "swept").glob("*.csv")} == names
    assert "storage" in done.stdout


def test_a_folder_that_holds_anything_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "note").write_text("mine")
    done = vppmarket("experiment", "economics", "two_vpp", "--out", "taken", cwd=tmp_path)
    assert done.returncode == 2
    assert "must be empty" in error_lines(done)[0]
