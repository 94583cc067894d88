"""What forecast errors cost: one market day, and many realities of it. Who bears them, how often somebody loses.

Trade and schedules are those of the forecast; only reality is drawn, so that days differ by it alone. What the
market is worth in reality is seen against the same plants without it, in the same realities.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import fsum

import numpy as np

from market.app.results.table import Cell, Table
from market.app.runs.in_process import market_day
from market.app.runs.realised_day import with_reality
from market.costs.costs import tariff_of
from market.costs.imbalance import imbalance_prices
from market.errors import ModelError
from market.forecast.errors import ForecastErrors, ForecastModel
from market.forecast.newsvendor import expected_revenue_cny, newsvendor_quantile, newsvendor_schedule_mw
from market.forecast.plants import surprised
from market.model.arrays import Array
from market.model.imbalance import ImbalanceRules
from market.model.reality import as_realised
from market.model.unit_limits import RENEWABLES, of_kinds
from market.model.vpp import Renewable, Vpp
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome
from market.settlement.reality import RealSettlement, settle_reality
from market.settlement.settlement import Settlement, settle

DAYS = (
    *("noise_share", "seed", "grid_only_total_cny", "game_total_cny", "saving_cny", "grid_only_imbalance_cny"),
    *("game_imbalance_cny", "missed_mwh", "losers"),
)
PLANTS = (
    *("noise_share", "vpp", "planned_saving_cny", "mean_saving_cny", "least_saving_cny", "losing_days"),
    *("mean_grid_only_imbalance_cny", "mean_game_imbalance_cny"),
)
SHARES = (
    *("noise_share", "days", "days_with_losers", "plants_that_lose", "planned_saving_cny", "mean_saving_cny"),
    *(
        "mean_grid_only_imbalance_cny",
        "mean_game_imbalance_cny",
        "mean_grid_only_total_cny",
        "mean_game_total_cny",
    ),
)
SCHEDULES = ("noise_share", "vpp", "unit", "mean_quantile", "forecast_cny", "newsvendor_cny", "perfect_cny")


@dataclass(frozen=True, slots=True)
class ForecastTask:
    """One reality to be drawn: how wrong the forecast is, and the seed."""

    noise_share: float
    noise_correlation: float
    seed: int

    @property
    def errors(self) -> ForecastErrors:
        """The same as a scenario would say it."""
        return ForecastErrors(
            model=ForecastModel.NOISE,
            noise_share=self.noise_share,
            noise_correlation=self.noise_correlation,
            noise_seed=self.seed,
        )


@dataclass(frozen=True, slots=True)
class RealisedDay:
    """What a reality came to. Accounts are by VPP, in the scenario's order, CNY."""

    task: ForecastTask
    grid_only_cny: tuple[float, ...]
    game_cny: tuple[float, ...]
    grid_only_imbalance_cny: tuple[float, ...]
    game_imbalance_cny: tuple[float, ...]
    missed_mwh: float
    losers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ForecastStudy:
    """A study. planned : the settlement by the forecast · days : one for each share and seed"""

    scenario: Scenario
    planned: Settlement
    days: tuple[RealisedDay, ...]


SolveAll = Callable[[Callable[[ForecastTask], RealisedDay], Sequence[ForecastTask]], Sequence[RealisedDay]]


def forecast_study(
    scenario: Scenario, shares: Sequence[float], correlation: float, seeds: int, solve_all: SolveAll
) -> ForecastStudy:
    """Trade once by the forecast, then let the day become real in so many ways for each share.

    Whatever the scenario itself says of reality has no part in it, but for its rules of imbalance.
    DispatchError if a VPP's day cannot be planned.
    """
    rules = scenario.public.imbalance or ImbalanceRules()
    settled = replace(scenario, public=replace(scenario.public, imbalance=rules))
    outcome = market_day(replace(scenario, public=replace(scenario.public, imbalance=None)))
    tasks = [ForecastTask(share, correlation, seed) for share in shares for seed in range(seeds)]
    days = solve_all(partial(realise, settled, outcome), tasks)
    return ForecastStudy(settled, settle(outcome, scenario.public), tuple(days))


def realise(scenario: Scenario, outcome: MarketOutcome, task: ForecastTask) -> RealisedDay:
    """One reality of a day that is traded."""
    hours = scenario.public.horizon.period_h
    real = replace(scenario, vpps=tuple(surprised(vpp, task.errors, hours) for vpp in scenario.vpps))
    settlement = settle_reality(with_reality(real, outcome), scenario.public, real.vpps)
    assert settlement is not None
    return _realised(task, settlement)


def _realised(task: ForecastTask, real: RealSettlement) -> RealisedDay:
    return RealisedDay(
        task,
        tuple(account.total_cny for account in real.grid_only),
        tuple(account.total_cny for account in real.game),
        tuple(account.imbalance_cny for account in real.grid_only),
        tuple(account.imbalance_cny for account in real.game),
        real.missed_mwh,
        real.losers,
    )


def forecast_tables(study: ForecastStudy) -> tuple[Table, ...]:
    """By share; by share and plant; each day; and what wind and sun would earn by the newsvendor's schedule."""
    return (
        Table("forecast_shares", SHARES, tuple(_share_rows(study))),
        Table("forecast_plants", PLANTS, tuple(_plant_rows(study))),
        Table("forecast_days", DAYS, tuple(_day_rows(study))),
        Table("forecast_schedules", SCHEDULES, tuple(_schedule_rows(study))),
    )


def _of_shares(study: ForecastStudy) -> Iterator[tuple[float, list[RealisedDay]]]:
    for share in dict.fromkeys(day.task.noise_share for day in study.days):
        yield share, [day for day in study.days if day.task.noise_share == share]


def _savings(days: Sequence[RealisedDay]) -> Array:
    """What trade saves in reality, by day and VPP."""
    return np.array([np.subtract(day.grid_only_cny, day.game_cny) for day in days])


def _planned(study: ForecastStudy) -> Array:
    return np.array([*study.planned.gains_cny.values()])


def _share_rows(study: ForecastStudy) -> Iterator[tuple[Cell, ...]]:
    for share, days in _of_shares(study):
        losing = [len(day.losers) for day in days]
        yield (
            share,
            str(len(days)),
            sum(bool(count) for count in losing) / len(days),
            sum(losing) / (len(days) * len(study.scenario.vpps)),
            float(_planned(study).sum()),
            float(_savings(days).sum(axis=1).mean()),
            _mean([fsum(day.grid_only_imbalance_cny) for day in days]),
            _mean([fsum(day.game_imbalance_cny) for day in days]),
            _mean([fsum(day.grid_only_cny) for day in days]),
            _mean([fsum(day.game_cny) for day in days]),
        )


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _plant_rows(study: ForecastStudy) -> Iterator[tuple[Cell, ...]]:
    planned = _planned(study)
    for share, days in _of_shares(study):
        savings = _savings(days)
        for place, vpp in enumerate(study.scenario.vpps):
            yield (
                share,
                vpp.id,
                float(planned[place]),
                float(savings[:, place].mean()),
                float(savings[:, place].min()),
                sum(vpp.id in day.losers for day in days) / len(days),
                _mean([day.grid_only_imbalance_cny[place] for day in days]),
                _mean([day.game_imbalance_cny[place] for day in days]),
            )


def _day_rows(study: ForecastStudy) -> Iterator[tuple[Cell, ...]]:
    for day in study.days:
        alone, game = fsum(day.grid_only_cny), fsum(day.game_cny)
        imbalance = (fsum(day.grid_only_imbalance_cny), fsum(day.game_imbalance_cny))
        named = " ".join(day.losers)
        yield (
            day.task.noise_share,
            str(day.task.seed),
            alone,
            game,
            alone - game,
            *imbalance,
            day.missed_mwh,
            named,
        )


def _schedule_rows(study: ForecastStudy) -> Iterator[tuple[Cell, ...]]:
    """What each wind and PV plant would earn alone, scheduled as forecast, by the newsvendor, and with all known.

    The realities of the study are the scenarios that the newsvendor is given; plants whose tariff has a feed-in
    price outside the prices of imbalance are left out.
    """
    for share, days in _of_shares(study):
        tasks = [day.task for day in days]
        for vpp in study.scenario.vpps:
            for unit in of_kinds(vpp, *RENEWABLES):
                if (row := _schedule_row(study.scenario, vpp, unit.id, tasks)) is not None:
                    yield (share, vpp.id, unit.id, *row)


def _schedule_row(
    scenario: Scenario, vpp: Vpp, unit: str, tasks: Sequence[ForecastTask]
) -> tuple[float, float, float, float] | None:
    public, hours = scenario.public, scenario.public.horizon.period_h
    assert public.imbalance is not None
    prices, price = imbalance_prices(public.imbalance, tariff_of(vpp, public)), tariff_of(vpp, public)
    settled = (price.feed_in_cny_per_mwh, prices.short_cny_per_mwh, prices.long_cny_per_mwh)
    try:
        quantile = newsvendor_quantile(*settled)
    except ModelError:
        return None
    outcomes = np.array([_output_mw(as_realised(surprised(vpp, task.errors, hours)), unit) for task in tasks])
    schedule = newsvendor_schedule_mw(outcomes, quantile)
    earned = [expected_revenue_cny(each, outcomes, *settled, hours) for each in (_output_mw(vpp, unit), schedule)]
    known = float((outcomes * price.feed_in_cny_per_mwh).sum(axis=1).mean()) * hours
    return float(quantile.mean()), earned[0], earned[1], known


def _output_mw(vpp: Vpp, unit: str) -> Array:
    plant = next(each.asset for each in vpp.all_units if each.id == unit)
    assert isinstance(plant, Renewable)
    return plant.forecast_mw
