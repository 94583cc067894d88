"""What is told of one run of a sweep: a row that is the same wherever and whenever the run is carried out."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import fsum, isfinite, sqrt
from typing import Any, Final, TypeAlias

import numpy as np

from market.app.analysis.economics import hhi, mean_price_cny_per_mwh, traded_mwh
from market.app.analysis.sweep.plan import SweepPlan, SweepRun
from market.app.results.laws import laws_of_day
from market.app.results.telling import telling_of
from market.app.runs.certified_day import with_regrets
from market.app.runs.in_process import market_day
from market.errors import MarketError
from market.model.arrays import Array
from market.model.currency import spoken_name
from market.scenario import require_plants, with_overrides
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome
from market.settlement.settlement import Account, budget_cny, settle, settled_mw

Value: TypeAlias = str | int | float | bool | None
Row: TypeAlias = Mapping[str, Value]

_ACCOUNT = ("operation_cny", "trade_cny", "carbon_cny", "total_cny", "emission_t", "quota_t", "curtailed_mwh")
COSTS: Final = tuple(f"{design}_{name}" for design in ("grid_only", "game") for name in _ACCOUNT)
RESULTS: Final = (
    *("verdict", "reason", "epsilon_cny", "epsilon_relative", "rounds", "traded_periods", "broken_laws"),
    *(*COSTS, "saving_cny", "budget_cny", "traded_mwh"),
    *("mean_price_cny_per_mwh", "price_deviation_cny_per_mwh", "least_price_cny_per_mwh"),
    *("most_price_cny_per_mwh", "mean_markup_cny_per_mwh", "mean_hhi"),
    *("seller_regret_cny", "seller_regrets_cny", "buyer_gain_cny"),
    *("day_regret_lower_cny", "day_regret_upper_cny"),
)
"""The columns behind those of what was run. `saving_cny` is of the system: what a mechanism pays out beside prices
is a cost of it, and what it takes in, `budget_cny` where that is above 0, is none. `seller_regret_cny` is the
largest of a seller in a period, `seller_regrets_cny` the sum of all; means of prices, mark-ups and concentration
are by energy."""
NETWORK: Final = (
    *("time_to_equilibrium_s", "published", "sent", "delivered"),
    *("lost", "resent", "duplicated", "late"),
)
"""Columns more where runs go over the bus."""
FAILED: Final = "failed"
"""The verdict of a run that could not be carried out; `reason` says why."""


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run that has ended. wall_s : how long it took, process_id : where; neither is part of the row"""

    number: int
    row: Row
    wall_s: float
    process_id: int


@dataclass(frozen=True, slots=True)
class Task:
    """A run with all that it takes to carry it out, on this machine or another."""

    run: SweepRun
    scenario: Scenario
    processes: bool


def columns_of(plan: SweepPlan) -> tuple[str, ...]:
    """The columns of a sweep's table: paths as they were given, results by names of its currency."""
    results = telling_of(plan.scenarios[0]).columns((*RESULTS, *(NETWORK if plan.processes else ())))
    return ("run", "scenario", "seed", *plan.paths, *results)


def told_row(plan: SweepPlan, row: Row) -> Row:
    """A row by these columns."""
    told = telling_of(plan.scenarios[0])
    return {
        name if name in plan.paths else spoken_name(name, told.currency): told.text(value)
        if name == "reason" and isinstance(value, str)
        else value
        for name, value in row.items()
    }


def carried_out(task: Task) -> EndedRun:
    """Carry out a run; whatever goes wrong with it is the reason in its row."""
    since = time.monotonic()
    try:
        results = {**_results(task), "reason": ""}
    except MarketError as error:
        results = {"verdict": FAILED, "reason": str(error).splitlines()[0]}
    except Exception as error:  # one run of many must not take the others with it
        results = {"verdict": FAILED, "reason": f"a fault of the program: {error!r}"}
    run = task.run
    head = {"run": run.number, "scenario": task.scenario.name, "seed": run.seed, **dict(run.changes)}
    row = {name: _plain(value) for name, value in (head | results).items()}
    return EndedRun(run.number, row, time.monotonic() - since, os.getpid())


def _results(task: Task) -> dict[str, Any]:
    scenario = require_plants(task.scenario)
    if task.run.changes:
        scenario = with_overrides(scenario, dict(task.run.changes))
    if task.processes:
        from market.app.runs.over_bus import day_over_bus

        outcome, network = day_over_bus(scenario, task.run.seed)
        return {**measures(scenario, outcome), **{name: network[name] for name in NETWORK}}
    outcome = market_day(scenario)
    if scenario.public.market.day_certificate:
        outcome = with_regrets(scenario, outcome)
    return measures(scenario, outcome)


def measures(scenario: Scenario, outcome: MarketOutcome) -> dict[str, Any]:
    """The results of a day, by their columns; None or NaN where there is no such number."""
    settlement = settle(outcome, scenario.public)
    alone, game = settlement.grid_only_system, settlement.game_system
    budget = budget_cny(outcome.periods)
    laws = laws_of_day(outcome, settlement, scenario.public, scenario.vpps)
    return {
        "verdict": outcome.verdict.value,
        "epsilon_cny": outcome.epsilon_cny,
        "epsilon_relative": outcome.epsilon_relative,
        "rounds": max((period.rounds for period in outcome.periods), default=0),
        "traded_periods": sum(bool(settled_mw(period).any()) for period in outcome.periods),
        "broken_laws": len(laws.broken),
        **_account("grid_only", alone),
        **_account("game", game),
        "saving_cny": alone.total_cny - (game.total_cny - budget),
        "budget_cny": budget,
        "traded_mwh": traded_mwh(outcome),
        **_prices(outcome),
        "mean_markup_cny_per_mwh": mean_markup_cny_per_mwh(outcome),
        "mean_hhi": mean_hhi(outcome),
        **_regrets(outcome),
    }


def mean_markup_cny_per_mwh(outcome: MarketOutcome) -> float | None:
    """What a traded MWh costs above p_clr on average; None where nothing is traded."""
    traded = [result for result in outcome.periods if result.game.tradable]
    above = fsum(
        float((settled_mw(r) * (r.price_cny_per_mwh - r.clearing_price_cny_per_mwh)).sum()) * r.game.period_h
        for r in traded
    )
    energy = traded_mwh(outcome)
    return above / energy if energy > 0.0 else None


def mean_hhi(outcome: MarketOutcome) -> float | None:
    """Concentration of delivered power, each period weighted by what is delivered in it."""
    parts = [settled_mw(result).sum(axis=0) for result in outcome.periods if result.game.tradable]
    weights = [float(part.sum()) for part in parts]
    weighted = fsum(weight * hhi(part) for part, weight in zip(parts, weights, strict=True) if weight > 0.0)
    return weighted / fsum(weights) if fsum(weights) > 0.0 else None


def _account(design: str, account: Account) -> dict[str, float]:
    return {f"{design}_{name}": getattr(account, name) for name in _ACCOUNT}


def _prices(outcome: MarketOutcome) -> dict[str, float | None]:
    """The moments of what a traded MWh costs."""
    sold = [(result.price_cny_per_mwh, settled_mw(result).sum(axis=0)) for result in outcome.periods]
    mw: Array = np.concatenate([mw for _, mw in sold])
    price, weight = np.concatenate([price for price, _ in sold])[mw > 0], mw[mw > 0]
    if price.size == 0:
        names = ("mean_price", "price_deviation", "least_price", "most_price")
        return {f"{name}_cny_per_mwh": None for name in names}
    mean = mean_price_cny_per_mwh(outcome)
    return {
        "mean_price_cny_per_mwh": mean,
        "price_deviation_cny_per_mwh": sqrt(float((weight * (price - mean) ** 2).sum() / weight.sum())),
        "least_price_cny_per_mwh": float(price.min()),
        "most_price_cny_per_mwh": float(price.max()),
    }


def _regrets(outcome: MarketOutcome) -> dict[str, float | None]:
    found = [result.certificate for result in outcome.periods if result.certificate]
    of_day = [day.regret for day in outcome.days if day.regret]
    upper = [bounds.upper_cny for bounds in of_day if bounds.upper_cny is not None]
    return {
        "seller_regret_cny": max((float(each.seller_regret_cny.max()) for each in found), default=None),
        "seller_regrets_cny": fsum(r for each in found for r in each.seller_regret_cny) if found else None,
        "buyer_gain_cny": max((float(each.buyer_gain_cny.max()) for each in found), default=None),
        "day_regret_lower_cny": fsum(bounds.lower_cny for bounds in of_day) if of_day else None,
        "day_regret_upper_cny": fsum(upper) if of_day and len(upper) == len(of_day) else None,
    }


def _plain(value: Any) -> Value:
    """A value as JSON and a table can hold it: no infinity, None where there is no number."""
    if isinstance(value, float):
        return value if isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    return str(value)


def tasks_of(plan: SweepPlan, done: frozenset[int] = frozenset()) -> Iterator[Task]:
    """What is still to be carried out. done : the numbers of runs that have ended already"""
    for run in plan.runs:
        if run.number not in done:
            yield Task(run, plan.scenarios[run.scenario], plan.processes)
