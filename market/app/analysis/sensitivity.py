"""Sensitivity of a scenario's results to one parameter at a time: the sweeps, and a row for each day."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from market.app.analysis.economics import hhi, mean_price_cny_per_mwh, traded_mwh
from market.app.results.table import Cell, Table
from market.app.runs.in_process import market_day
from market.errors import MarketError
from market.model.vpp import UnitKind
from market.scenario import with_overrides
from market.scenario.catalogue import entry_at
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome
from market.settlement.settlement import settle, settled_mw

NOTHING = float("nan")
_CREDITS = "carbon.direct_quota_t_per_mwh"

COLUMNS = (
    "parameter",
    "value",
    "base",
    "verdict",
    "grid_only_total_cny",
    "game_total_cny",
    "saving_cny",
    "grid_only_carbon_cny",
    "game_carbon_cny",
    "grid_only_emission_t",
    "game_emission_t",
    "grid_only_curtailed_mwh",
    "game_curtailed_mwh",
    "traded_mwh",
    "mean_price_cny_per_mwh",
    "mean_markup_cny_per_mwh",
    "mean_hhi",
)


@dataclass(frozen=True, slots=True)
class Sweep:
    """One parameter and the values it is given; `base` is the scenario's own, NaN where it is none of them.

    name : for files · label : for people, with its unit · change : the scenario with a value put in
    """

    name: str
    label: str
    values: tuple[float, ...]
    base: float
    change: Callable[[Scenario, float], Scenario]


@dataclass(frozen=True, slots=True)
class _Day:
    """One day of a sweep, ready to be solved anywhere."""

    name: str
    value: float
    base: bool
    scenario: Scenario


def sweeps(scenario: Scenario) -> tuple[Sweep, ...]:
    """What a reader of the paper asks for at once."""
    market, carbon = scenario.public.market, scenario.public.carbon
    kappa = scenario.vpps[0].satisfaction
    same_kappa = all(vpp.satisfaction == kappa for vpp in scenario.vpps)
    credits = carbon.direct_quota_t_per_mwh if carbon.credits_follow_energy else 0.0
    return (
        _override("mu", "carbon.base_price_cny_per_t", carbon.base_price_cny_per_t,
                  (0.0, 140.0, 210.0, 280.0, 350.0, 420.0, 560.0)),
        _override("alpha", "carbon.growth", carbon.growth, (0.0, 0.125, 0.25, 0.375, 0.5)),
        _override("interval", "carbon.interval_t", carbon.interval_t, (0.5, 1.0, 2.0, 3.0, 4.0, 8.0)),
        _override("steps", "carbon.steps", carbon.steps, (1, 2, 3, 4, 5, 8)),
        _override("tau", "market.choice_temperature_cny_per_mwh", market.choice_temperature_cny_per_mwh,
                  (10.0, 20.0, 35.0, 50.0, 75.0, 100.0, 200.0)),
        _override("kappa", "market.satisfaction", kappa if same_kappa else NOTHING,
                  (0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)),
        Sweep("storage", "storage, multiple of its size", (0.0, 0.5, 1.0, 1.5, 2.0, 3.0), 1.0, _with_storage),
        Sweep("credits", _label(_CREDITS), (0.0, 0.2, 0.4, 0.6, 0.728), credits, _with_credits),
        _override("renewable_quota", "carbon.renewable_quota_t_per_mwh", carbon.renewable_quota_t_per_mwh,
                  (0.0, 0.05, 0.1, 0.2, 0.4)),
    )  # fmt: skip


def sweep_tables(
    scenario: Scenario,
    solve_all: Callable[[Callable[[_Day], tuple[Cell, ...]], Sequence[_Day]], Sequence[tuple[Cell, ...]]],
    chosen: Sequence[Sweep] | None = None,
) -> tuple[Table, ...]:
    """A table for each sweep, of days solved by `solve_all` (such as `market.app.runs.process_pool.solve_many`).

    A day that cannot be planned, or a value that breaks a rule, has a row without numbers and the reason as
    its verdict: a limit of the parameter, not of the program.
    """
    asked = sweeps(scenario) if chosen is None else chosen
    days = [day for sweep in asked for day in _days(scenario, sweep)]
    rows = list(solve_all(solved_row, days))
    return tuple(
        Table(f"sensitivity_{sweep.name}", COLUMNS, tuple(row for row in rows if row[0] == sweep.name))
        for sweep in asked
    )


def solved_row(day: _Day) -> tuple[Cell, ...]:
    """Solve a day and say what came of it; a row of `COLUMNS`."""
    head: tuple[Cell, ...] = (day.name, day.value, "yes" if day.base else "no")
    try:
        outcome = market_day(day.scenario)
    except MarketError as error:
        return (*head, str(error).splitlines()[0], *[NOTHING] * (len(COLUMNS) - 4))
    return (*head, *_results(day.scenario, outcome))


def _results(scenario: Scenario, outcome: MarketOutcome) -> tuple[Cell, ...]:
    settlement = settle(outcome, scenario.public)
    alone, game = settlement.grid_only_system, settlement.game_system
    return (
        outcome.verdict.value,
        *(alone.total_cny, game.total_cny, alone.total_cny - game.total_cny),
        *(alone.carbon_cny, game.carbon_cny, alone.emission_t, game.emission_t),
        *(alone.curtailed_mwh, game.curtailed_mwh),
        *(traded_mwh(outcome), mean_price_cny_per_mwh(outcome), _mean_markup(outcome), _mean_hhi(outcome)),
    )


def _mean_markup(outcome: MarketOutcome) -> float:
    """Over p_clr, of a traded MWh."""
    traded = [result for result in outcome.periods if result.game.tradable]
    above = fsum(
        float((settled_mw(r) * (r.price_cny_per_mwh - r.clearing_price_cny_per_mwh)).sum()) * r.game.period_h
        for r in traded
    )
    energy = traded_mwh(outcome)
    return above / energy if energy > 0.0 else NOTHING


def _mean_hhi(outcome: MarketOutcome) -> float:
    """Of delivered power, each period weighted by what is delivered in it."""
    parts = [settled_mw(result).sum(axis=0) for result in outcome.periods if result.game.tradable]
    weights = [float(part.sum()) for part in parts]
    weighted = fsum(weight * hhi(part) for part, weight in zip(parts, weights, strict=True) if weight > 0.0)
    return weighted / fsum(weights) if fsum(weights) > 0.0 else NOTHING


def _days(scenario: Scenario, sweep: Sweep) -> list[_Day]:
    """The days of a sweep, by value; the scenario's own value is among them."""
    values = sorted({*sweep.values, *([sweep.base] if sweep.base == sweep.base else [])})
    return [_Day(sweep.name, value, value == sweep.base, sweep.change(scenario, value)) for value in values]


def _label(path: str) -> str:
    return entry_at(path).label


def _override(name: str, path: str, base: float, values: tuple[float, ...]) -> Sweep:
    whole = isinstance(base, int)

    def change(scenario: Scenario, value: float) -> Scenario:
        changes: Mapping[str, object] = {path: int(value) if whole else value}
        return with_overrides(scenario, changes)

    return Sweep(name, _label(path), values, base, change)


def _with_storage(scenario: Scenario, factor: float) -> Scenario:
    """Energy and powers of every storage times `factor`."""
    sizes = ("energy_mwh", "charge_max_mw", "discharge_max_mw")
    storages = [(vpp, unit) for vpp in scenario.vpps for unit in vpp.all_units if unit.kind is UnitKind.ESS]
    changes = {
        f"vpps.{vpp.id}.{vpp.place_of(unit)}.{name}": getattr(unit.asset, name) * factor
        for vpp, unit in storages
        for name in sizes
    }
    return with_overrides(scenario, changes)


def _with_credits(scenario: Scenario, quota_t_per_mwh: float) -> Scenario:
    """Traded energy takes that much quota along; 0 is the switch off."""
    changes = {
        "carbon.credits_follow_energy": quota_t_per_mwh > 0.0,
        _CREDITS: quota_t_per_mwh,
    }
    return with_overrides(scenario, changes)
