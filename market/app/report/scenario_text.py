"""Shows what was understood of a scenario before anything runs: its day, prices, rules and plants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from market.model.arrays import Array
from market.model.declaration import Declaration, Role
from market.model.vpp import Vpp
from market.scenario.scenario import Scenario

_YEAR_H: Final = 8760.0
_VPPS_SHOWN: Final = 40


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
        f"{rounded(carbon.grid_emission_t_per_mwh)} t/MWh, quota {rounded(carbon.grid_quota_t_per_mwh)} t/MWh"
    )
    if first:
        yield _roles(first)
    yield ""
    if scenario.vpps:
        yield _plants(scenario.vpps, public.horizon.period_h, hours)


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
    power = power_unit(float(vpp.load_mw.max()) for vpp in shown)
    energy = energy_unit(float(vpp.load_mw.sum()) * period_h for vpp in shown)

    def sums(arrays: Sequence[Array | None]) -> list[str]:
        return ["" if array is None else energy.text(float(array.sum()) * period_h) for array in arrays]

    def powers(values: Sequence[float | None]) -> list[str]:
        return ["" if value is None else power.text(value) for value in values]

    group = f"load, {power.name} and {energy.name}"
    columns = [
        Column("peak", powers([float(vpp.load_mw.max()) for vpp in shown]), group=group),
        Column("day", sums([vpp.load_mw for vpp in shown]), group=group),
        Column("year", [decimal(float(v.load_mw.mean()) * _YEAR_H * energy.per_base) for v in shown], group=group),
        Column(f"wind\n{energy.name}", sums([vpp.wt.forecast_mw if vpp.wt else None for vpp in shown])),
        Column(f"PV\n{energy.name}", sums([vpp.pv.forecast_mw if vpp.pv else None for vpp in shown])),
        Column(f"turbine\n{power.name}", powers([vpp.mt.p_max_mw if vpp.mt else None for vpp in shown])),
        Column(f"battery\n{energy.name}", ["" if v.ess is None else energy.text(v.ess.energy_mwh) for v in shown]),
        Column("sheds", ["" if v.cl is None else f"{100 * v.cl.share_of_load:g} %" for v in shown]),
        Column("label", [plain(vpp.label) for vpp in shown], right=False, words=True),
    ]
    names = Column("", [plain(vpp.id) for vpp in shown], right=False)
    kept = [column for column in columns if any(column.cells)]
    note = left_out(len(vpps) - _VPPS_SHOWN, "VPPs", "the scenario")
    return Grid("Plants", [names], kept, gap=2, note=note)
