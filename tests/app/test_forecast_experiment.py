"""Claims: the study of forecast errors is one market and many realities; without errors it is what was planned;
its shares of days are counted from its days; what it draws and writes is what its tables hold.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from market.app.analysis.forecast import (
    SHARES,
    ForecastStudy,
    ForecastTask,
    forecast_study,
    forecast_tables,
    realise,
)
from market.app.cli.experiment.forecast import forecast_text, shares_of
from market.app.figures.forecast_errors import forecast_errors_figure
from market.app.runs.in_process import market_day
from market.errors import ScenarioError
from market.scenario import load_scenario
from tests.app.commands import error_lines, vppmarket
from tests.app.picture_faults import faults

SEEDS = 3


@pytest.fixture(scope="module")
def study() -> ForecastStudy:
    scenario = load_scenario("two_vpp")
    return forecast_study(scenario, (0.0, 0.4), 0.5, SEEDS, lambda function, tasks: [*map(function, tasks)])


def test_without_errors_it_is_what_was_planned(study: ForecastStudy) -> None:
    planned = study.planned
    for day in study.days[:SEEDS]:
        assert day.game_cny == tuple(account.total_cny for account in planned.game)
        assert day.grid_only_cny == tuple(account.total_cny for account in planned.grid_only)
        assert not any((*day.game_imbalance_cny, *day.grid_only_imbalance_cny))
        assert day.losers == ()


def test_a_reality_is_that_of_a_scenario_with_the_same_noise(study: ForecastStudy) -> None:
    noise = {
        "forecast.model": "noise",
        "forecast.given": "forecast",
        "forecast.noise_share": 0.4,
        "forecast.noise_correlation": 0.5,
        "forecast.noise_seed": 2,
    }
    scenario = load_scenario("two_vpp").with_(noise)
    whole = market_day(scenario)
    again = realise(scenario, whole, ForecastTask(0.4, 0.5, 2))
    assert again == study.days[-1]


def test_shares_of_days_are_counted(study: ForecastStudy) -> None:
    shares, plants, days, schedules = forecast_tables(study)
    assert shares.columns == SHARES
    errors = [day for day in study.days if day.task.noise_share == 0.4]
    row = dict(zip(shares.columns, shares.rows[1], strict=True))
    assert row["days_with_losers"] == sum(bool(day.losers) for day in errors) / SEEDS
    assert row["plants_that_lose"] == sum(len(day.losers) for day in errors) / (2 * SEEDS)
    assert row["mean_game_imbalance_cny"] == pytest.approx(
        np.mean([sum(day.game_imbalance_cny) for day in errors])
    )
    assert len(days.rows) == 2 * SEEDS
    assert len(plants.rows) == 4
    for row_of in schedules.rows:
        told = dict(zip(schedules.columns, row_of, strict=True))
        assert told["newsvendor_cny"] >= told["forecast_cny"] - 1e-6  # type: ignore[operator]
        assert told["perfect_cny"] >= told["newsvendor_cny"] - 1e-6  # type: ignore[operator]


def test_it_is_drawn_and_told(study: ForecastStudy) -> None:
    tables = forecast_tables(study)
    assert faults(forecast_errors_figure(tables[0], tables[1])) == []
    text = forecast_text("two_vpp", tables)
    assert "one day by its forecast" in text
    assert "errors of 0.4" in text


def test_shares_that_are_none_are_one_fault_each() -> None:
    assert shares_of("0, 0.1,0.1") == (0.0, 0.1)
    with pytest.raises(ScenarioError) as caught:
        shares_of("0.1,-2,many")
    assert [fault.value for fault in caught.value.faults] == ["'-2'", "'many'"]


def test_the_command_writes_tables_and_a_picture(tmp_path: Path) -> None:
    flags = ("--shares", "0.2", "--seeds", "2", "--out", "made")
    done = vppmarket("experiment", "forecast", "two_vpp", *flags, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Everything in full precision: made" in done.stdout
    with (tmp_path / "made" / "forecast_days.csv").open(newline="", encoding="utf-8") as file:
        assert [row["seed"] for row in csv.DictReader(file)] == ["0", "1"]
    assert (tmp_path / "made" / "figures" / "forecast_errors.png").stat().st_size > 5000
    refused = vppmarket("experiment", "forecast", "two_vpp", "--shares", "x", cwd=tmp_path)
    assert refused.returncode == 2
    assert len(error_lines(refused)) == 1
