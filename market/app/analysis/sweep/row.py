"""What is told of one run of a sweep: a row that is the same wherever and whenever the run is carried out."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import fsum, isfinite, sqrt
from typing import Any, Final, TypeAlias

import numpy as np

from market.app.analysis.economics import hhi, mean_price_cny_per_mwh, traded_mwh
from market.app.analysis.sweep.plan import SweepPlan, SweepRun, days_over_processes
from market.app.results.day_record import DayRecord
from market.app.results.laws import laws_of_day
from market.app.results.telling import telling_of
from market.app.runs.certified_day import with_regrets
from market.app.runs.days_ways import unwritten_days
from market.app.runs.in_process import market_day
from market.errors import MarketError, ScenarioError
from market.game.result import PeriodResult
from market.model.arrays import Array
from market.model.currency import spoken_name
from market.scenario import require_plants, with_overrides
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome
from market.settlement.reality import settle_reality
from market.settlement.settlement import Account, budget_cny, saved_cny, settle, settled_mw, system_account

Value: TypeAlias = str | int | float | bool | None
Row: TypeAlias = Mapping[str, Value]

_ACCOUNT = ("operation_cny", "trade_cny", "carbon_cny", "total_cny", "emission_t", "quota_t", "curtailed_mwh")
COSTS: Final = tuple(f"{design}_{name}" for design in ("grid_only", "game") for name in _ACCOUNT)
_IN_REALITY: Final = ("imbalance_cny", "total_cny")
REALITY: Final = (
    *(f"{design}_realised_{name}" for design in ("grid_only", "game") for name in _IN_REALITY),
    *("saving_realised_cny", "missed_mwh"),
)
"""Columns more where something is told of reality; empty for a run of which nothing is."""
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
    more = (*(REALITY if _tells_reality(plan) else ()), *(NETWORK if plan.processes else ()))
    results = telling_of(plan.scenarios[0]).columns((*RESULTS, *more))
    return ("run", "scenario", "seed", *plan.paths, *results)


def _tells_reality(plan: SweepPlan) -> bool:
    """Whether a scenario, or a change, says what becomes of a day."""
    of_scenarios = any(scenario.public.imbalance is not None for scenario in plan.scenarios)
    return of_scenarios or any(path.partition(".")[0] in ("imbalance", "forecast") for path in plan.paths)


def told_row(plan: SweepPlan, row: Row) -> Row:
    """A row by these columns."""
    told = telling_of(plan.scenarios[0])
    return {
        told_name(plan, name): told.text(value) if name == "reason" and isinstance(value, str) else value
        for name, value in row.items()
    }


def told_name(plan: SweepPlan, name: str) -> str:
    """A column as it is called there: a path as it was given, a result by the currency."""
    return name if name in plan.paths else spoken_name(name, plan.scenarios[0].public.currency)


def head_of(plan: SweepPlan, run: SweepRun) -> Row:
    """What a row tells of what was run."""
    return _head(run, plan.scenarios[run.scenario])


def _head(run: SweepRun, scenario: Scenario) -> Row:
    told = {"run": run.number, "scenario": scenario.name, "seed": run.seed, **dict(run.changes)}
    return {name: _plain(value) for name, value in told.items()}


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
    row = {**_head(run, task.scenario), **{name: _plain(value) for name, value in results.items()}}
    return EndedRun(run.number, row, time.monotonic() - since, os.getpid())


def _results(task: Task) -> dict[str, Any]:
    scenario = require_plants(task.scenario)
    if task.run.changes:
        scenario = with_overrides(scenario, dict(task.run.changes))
    if scenario.rolling is not None:
        return measures_of_days(scenario, processes=task.processes)
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
    laws = laws_of_day(outcome, settlement, scenario.public, scenario.vpps)
    planned = settlement.grid_only_system, settlement.game_system
    real = settle_reality(outcome, scenario.public, scenario.vpps)
    told = _told(outcome, planned, len(laws.broken))
    if real is None:
        return told
    return told | _reality(outcome, (real.grid_only_system, real.game_system), real.missed_mwh)


def measures_of_days(scenario: Scenario, *, processes: bool = False) -> dict[str, Any]:
    """The same of a scenario's days in a row, taken together: what is kept of each.

    What is of whole plans, such as the regret of a day, there is none of. ScenarioError over processes.
    """
    if processes:
        raise ScenarioError([days_over_processes(scenario)])
    periods, records = list[PeriodResult](), list[DayRecord]()
    for record, outcome in unwritten_days(scenario):
        records.append(record)
        periods += outcome.periods[: record.kept]
    together = MarketOutcome(tuple(periods), ())

    def system(accounts: Iterable[Iterable[Account]]) -> Account:
        return system_account([account for each in accounts for account in each])

    planned = system(record.grid_only for record in records), system(record.game for record in records)
    told = _told(together, planned, sum(len(record.broken_laws) for record in records))
    alone, game = ([getattr(record, name) for record in records] for name in ("grid_only_real", "game_real"))
    if None in game:
        return told
    missed_mwh = fsum(amount for real in game for amount in real.missed_mwh.values())
    sides = system(real.accounts for real in alone), system(real.accounts for real in game)
    return told | _reality(together, sides, missed_mwh)


def _reality(outcome: MarketOutcome, sides: tuple[Account, Account], missed_mwh: float) -> dict[str, Any]:
    alone, game = sides
    amounts = {
        f"{design}_realised_{name}": getattr(account, name)
        for design, account in (("grid_only", alone), ("game", game))
        for name in _IN_REALITY
    }
    saving = saved_cny(alone.total_cny, game.total_cny, budget_cny(outcome.periods))
    return {**amounts, "saving_realised_cny": saving, "missed_mwh": missed_mwh}


def _told(outcome: MarketOutcome, planned: tuple[Account, Account], broken_laws: int) -> dict[str, Any]:
    """What periods and the accounts of all, without trade and with it, come to."""
    alone, game = planned
    budget = budget_cny(outcome.periods)
    return {
        "verdict": outcome.verdict.value,
        "epsilon_cny": outcome.epsilon_cny,
        "epsilon_relative": outcome.epsilon_relative,
        "rounds": max((period.rounds for period in outcome.periods), default=0),
        "traded_periods": sum(bool(settled_mw(period).any()) for period in outcome.periods),
        "broken_laws": broken_laws,
        **_account("grid_only", alone),
        **_account("game", game),
        "saving_cny": saved_cny(alone.total_cny, game.total_cny, budget),
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
