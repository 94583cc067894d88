"""Shows what was understood of a scenario before anything runs: its day, prices, rules and plants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np

from market.app.report.summary.units import PRICE
from market.app.report.terminal.grid import Column, Grid
from market.app.report.terminal.lines import left_out, plain
from market.app.report.terminal.numbers import (
    UNKNOWN,
    decimal,
    energy_unit,
    power_unit,
    price_digits,
    ranges,
    rounded,
    share,
)
from market.app.report.terminal.page import drawn
from market.app.report.terminal.screen import Screen
from market.costs.carbon import grid_emission_t_per_mwh
from market.model.arrays import Array
from market.model.declaration import Declaration, Role
from market.model.rules import CarbonRules
from market.model.unit_limits import LATER_KINDS, TURBINES, of_kinds
from market.model.vpp import UnitKind, Vpp
from market.scenario.scenario import Scenario

_YEAR_H: Final = 8760.0
_VPPS_SHOWN: Final = 40
_ONLY_UNITS: Final = tuple(kind for kind in LATER_KINDS if kind not in TURBINES)


def scenario_text(headline: str, scenario: Scenario, first: Sequence[Declaration], screen: Screen) -> str:
    """The page, below its headline.

    first : what VPPs would declare of the day that each plans alone, where that was worked out
    """
    return drawn([plain(headline), *_parts(scenario, first)], screen)


def _parts(scenario: Scenario, first: Sequence[Declaration]) -> Iterator[str | Grid]:
    public = scenario.public
    hours = public.horizon.periods * public.horizon.period_h
    yield f"title: {plain(scenario.title) or UNKNOWN}"
    yield f"day: {public.horizon.periods} periods of {public.horizon.period_h:g} h, {hours:g} h in all"
    tariff = public.tariff
    yield f"grid: {_tariff('asks', tariff.retail_cny_per_mwh)}; {_tariff('pays', tariff.feed_in_cny_per_mwh)}"
    market, carbon = public.market, public.carbon
    band = (
        f"offers from {rounded(market.price_min_cny_per_mwh)} to {rounded(market.price_max_cny_per_mwh)} {PRICE}"
    )
    yield (
        f"market: {market.mechanism.value}, {market.coupling.value}; {band}; "
        f"τ {rounded(market.choice_temperature_cny_per_mwh)}; price rule {market.price_rule.value}"
    )
    yield (
        f"carbon: {carbon.mode.value}, from {rounded(carbon.base_price_cny_per_t)} CNY/t; grid "
        f"{_emission(carbon, public.horizon.periods)} t/MWh, quota {rounded(carbon.grid_quota_t_per_mwh)} t/MWh"
    )
    if first:
        yield _roles(first)
    yield ""
    if scenario.vpps:
        yield _plants(scenario.vpps, public.horizon.period_h, hours)


def _emission(carbon: CarbonRules, periods: int) -> str:
    emission = grid_emission_t_per_mwh(carbon, periods)
    low, high = rounded(float(emission.min())), rounded(float(emission.max()))
    return low if low == high else f"{low} to {high}"


def _tariff(what: str, price: Array) -> str:
    digits = price_digits(price.tolist())
    low, mean, high = (decimal(float(value), digits) for value in (price.min(), price.mean(), price.max()))
    return f"{what} {low} {PRICE}" if low == high else f"{what} {low} to {high}, on average {mean} {PRICE}"


def _roles(first: Sequence[Declaration]) -> str:
    """Who could trade if each plans alone: it says early that a market will have nothing to do."""
    roles = np.array([said.roles for said in first])
    both = np.flatnonzero((roles == Role.SELLER).any(axis=0) & (roles == Role.BUYER).any(axis=0)) + 1
    idle = float((roles == Role.IDLE).mean())
    where = f"in periods {ranges(both.tolist())}" if len(both) else "in no period"
    told = f"each planning alone: somebody has to sell and somebody to buy {where}"
    return f"{told}; {share(idle)} of turns are balanced"


def _plants(vpps: Sequence[Vpp], period_h: float, hours: float) -> Grid:
    """What each plant has. Energies are those of the day, and of a year of such days."""
    shown = vpps[:_VPPS_SHOWN]
    loads = [vpp.total_load_mw for vpp in shown]
    power = power_unit(float(load.max()) for load in loads)
    energy = energy_unit(float(load.sum()) * period_h for load in loads)

    def sums(field: str, *kinds: UnitKind) -> list[str]:
        return [energy.text(float(of.sum()) * period_h) if any(of.shape) else "" for of in totals(field, *kinds)]

    def totals(field: str, *kinds: UnitKind) -> list[Array]:
        """The sum of a field over the units of each plant, of no shape where it has none."""
        found = [[getattr(unit.asset, field) for unit in of_kinds(vpp, *kinds)] for vpp in shown]
        return [np.atleast_1d(sum(values)) if values else np.zeros(0) for values in found]

    def numbers(text: Callable[[float], str], field: str, *kinds: UnitKind) -> list[str]:
        return [text(float(of[0])) if any(of.shape) else "" for of in totals(field, *kinds)]

    group = f"load, {power.name} and {energy.name}"
    columns = [
        Column("peak", [power.text(float(load.max())) for load in loads], group=group),
        Column("day", [energy.text(float(load.sum()) * period_h) for load in loads], group=group),
        Column("year", [decimal(float(load.mean()) * _YEAR_H * energy.per_base) for load in loads], group=group),
        Column(f"wind\n{energy.name}", sums("forecast_mw", UnitKind.WT)),
        Column(f"PV\n{energy.name}", sums("forecast_mw", UnitKind.PV)),
        Column(f"turbine\n{power.name}", numbers(power.text, "p_max_mw", *TURBINES)),
        Column(f"battery\n{energy.name}", numbers(energy.text, "energy_mwh", UnitKind.ESS)),
        Column("sheds", numbers(lambda part: f"{100 * part:g} %", "share_of_load", UnitKind.CL)),
        Column("also", [_others(vpp) for vpp in shown], right=False),
        Column("label", [plain(vpp.label) for vpp in shown], right=False, words=True),
    ]
    names = Column("", [plain(vpp.id) for vpp in shown], right=False)
    kept = [column for column in columns if any(column.cells)]
    note = left_out(len(vpps) - _VPPS_SHOWN, "VPPs", "the scenario")
    return Grid("Plants", [names], kept, gap=2, note=note)


def _others(vpp: Vpp) -> str:
    """How many units of other kinds a plant has, such as `2 hydro, ev`."""
    counts = Counter(unit.kind for unit in of_kinds(vpp, *_ONLY_UNITS))
    return ", ".join(f"{count} {kind.value}" if count > 1 else kind.value for kind, count in counts.items())
