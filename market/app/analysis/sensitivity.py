"""Sensitivity of a scenario's results to one parameter at a time: the sweeps, and a row for each day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from market.app.analysis.sweep.plan import Changes, SweepRun
from market.app.analysis.sweep.row import FAILED, EndedRun, Row, Task, carried_out
from market.app.results.table import Cell, Table
from market.model.vpp import UnitKind
from market.scenario.catalogue import entry_at
from market.scenario.scenario import Scenario

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

    name : for files · label : for people, with its unit · changes : of the scenario, that put a value in
    """

    name: str
    label: str
    values: tuple[float, ...]
    base: float
    changes: Callable[[float], Changes]


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
        Sweep("storage", "storage, multiple of its size", (0.0, 0.5, 1.0, 1.5, 2.0, 3.0), 1.0,
              partial(_with_storage, scenario)),
        Sweep("credits", _label(_CREDITS), (0.0, 0.2, 0.4, 0.6, 0.728), credits, _with_credits),
        _override("renewable_quota", "carbon.renewable_quota_t_per_mwh", carbon.renewable_quota_t_per_mwh,
                  (0.0, 0.05, 0.1, 0.2, 0.4)),
    )  # fmt: skip


def sweep_tables(
    scenario: Scenario,
    solve_all: Callable[[Callable[[Task], EndedRun], Sequence[Task]], Sequence[EndedRun]],
    chosen: Sequence[Sweep] | None = None,
) -> tuple[Table, ...]:
    """A table for each sweep, of days solved by `solve_all` (such as `market.app.runs.process_pool.solve_many`).

    A day that cannot be planned, or a value that breaks a rule, has a row without numbers and the reason as
    its verdict: a limit of the parameter, not of the program.
    """
    asked = sweeps(scenario) if chosen is None else chosen
    days = [(sweep, value) for sweep in asked for value in _values(sweep)]
    ended = solve_all(carried_out, [_task(scenario, n, *day) for n, day in enumerate(days, 1)])
    rows = [_row(*day, run.row) for day, run in zip(days, ended, strict=True)]
    return tuple(
        Table(f"sensitivity_{sweep.name}", COLUMNS, tuple(row for row in rows if row[0] == sweep.name))
        for sweep in asked
    )


def _task(scenario: Scenario, number: int, sweep: Sweep, value: float) -> Task:
    return Task(SweepRun(number, 0, tuple(sweep.changes(value).items()), 0), scenario, processes=False)


def _row(sweep: Sweep, value: float, found: Row) -> tuple[Cell, ...]:
    verdict = found["reason"] if found["verdict"] == FAILED else found["verdict"]
    numbers = (found.get(name) for name in COLUMNS[4:])
    base = "yes" if value == sweep.base else "no"
    return (sweep.name, value, base, str(verdict), *(NOTHING if n is None else n for n in numbers))


def _values(sweep: Sweep) -> list[float]:
    """The values of a sweep, rising; the scenario's own is among them."""
    return sorted({*sweep.values, *([sweep.base] if sweep.base == sweep.base else [])})


def _label(path: str) -> str:
    return entry_at(path).label


def _override(name: str, path: str, base: float, values: tuple[float, ...]) -> Sweep:
    whole = isinstance(base, int)
    return Sweep(name, _label(path), values, base, lambda value: {path: int(value) if whole else value})


def _with_storage(scenario: Scenario, factor: float) -> Changes:
    """Energy and powers of every storage times `factor`."""
    sizes = ("energy_mwh", "charge_max_mw", "discharge_max_mw")
    storages = [(vpp, unit) for vpp in scenario.vpps for unit in vpp.all_units if unit.kind is UnitKind.ESS]
    return {
        f"vpps.{vpp.id}.{vpp.place_of(unit)}.{name}": getattr(unit.asset, name) * factor
        for vpp, unit in storages
        for name in sizes
    }


def _with_credits(quota_t_per_mwh: float) -> Changes:
    """Traded energy takes that much quota along; 0 is the switch off."""
    return {"carbon.credits_follow_energy": quota_t_per_mwh > 0.0, _CREDITS: quota_t_per_mwh}
