"""What about a sound scenario looks like a slip: a unit mistaken, a day that is none, a tariff far from the rules.

Notes for `check`: nothing here forbids anything, and numbers that are meant stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from market.costs.costs import tariff_of
from market.errors import Fault
from market.model.arrays import Array
from market.model.rules import MarketRules
from market.scenario.scale_notes import scale_notes
from market.scenario.scenario import Scenario
from market.scenario.spoken import spoken_fault
from market.scenario.unit_columns import tariff_columns

_LARGE_MW: Final = 200.0  # a city
_SMALL_MW: Final = 1e-5  # a lamp
_LOW_CNY_PER_MWH: Final = 10.0
_HIGH_CNY_PER_MWH: Final = 20_000.0
_DAY_H: Final = 24.0
_FAR: Final = 5.0
_LOW_FEED_IN_CNY_PER_MWH: Final = 1.0  # 0 is meant; a little more than 0 is a price of a kWh


def plausibility_notes(scenario: Scenario) -> tuple[Fault, ...]:
    """What a reader should look at twice, in the form of faults."""
    found = (
        *_horizon(scenario),
        *_prices(scenario),
        *_other_prices(scenario),
        *_peak_charges(scenario),
        *_powers(scenario),
        *scale_notes(scenario),
    )
    return tuple(spoken_fault(note, scenario.public.currency) for note in found)


def _horizon(scenario: Scenario) -> Iterator[Fault]:
    horizon = scenario.public.horizon
    hours = horizon.periods * horizon.period_h
    if horizon.start:
        return  # its days are those of the clocks
    days = hours / _DAY_H
    if abs(days - round(days)) > 1e-6 or days < 0.5:
        value = f"{horizon.periods} periods of {horizon.period_h:g} h, {hours:g} h in all"
        remedy = "set horizon.period_h to the length of a period in hours: 0.25 for quarter hours"
        yield Fault("the horizon should be whole days", value, "horizon", remedy)


def _prices(scenario: Scenario) -> Iterator[Fault]:
    tariff, market = scenario.public.tariff, scenario.public.market
    retail, feed_in = float(tariff.retail_cny_per_mwh.mean()), float(tariff.feed_in_cny_per_mwh.mean())
    largest = float(np.abs(tariff.retail_cny_per_mwh).max())
    told = f"{retail:.4g} on average"
    if largest < _LOW_CNY_PER_MWH:
        yield _price_of_a_kwh("retail_cny_per_mwh", tariff.retail_cny_per_mwh)
        return
    if largest > _HIGH_CNY_PER_MWH:
        remedy = "are these hundredths of the currency, or prices of something else than a MWh?"
        yield Fault("the grid's price should be one of a MWh", told, "profiles column retail_cny_per_mwh", remedy)
    yield from _band(market, retail)
    if market.choice_temperature_cny_per_mwh > max(retail - feed_in, 0.0) > 0.0:
        value = (
            f"τ {market.choice_temperature_cny_per_mwh:g}, retail less feed-in {retail - feed_in:.4g} on average"
        )
        place, remedy = (
            "market.choice_temperature_cny_per_mwh",
            "take a smaller τ, or buyers hardly mind the price",
        )
        yield Fault("τ should be below what trade has to share out", value, place, remedy)


def _other_prices(scenario: Scenario) -> Iterator[Fault]:
    """What is paid for energy fed in, and tariffs of plants' own, as if of a kWh."""
    common = {"feed_in_cny_per_mwh": scenario.public.tariff.feed_in_cny_per_mwh}
    columns = {**common, **dict(tariff_columns(scenario.vpps))}
    for column, values in columns.items():
        least = _LOW_FEED_IN_CNY_PER_MWH if column.endswith("feed_in_cny_per_mwh") else _LOW_CNY_PER_MWH
        if 0.0 < float(np.abs(values).max()) < least:
            yield _price_of_a_kwh(column, values)


def _price_of_a_kwh(column: str, values: Array) -> Fault:
    rule = "the grid's price should be one of a MWh"
    remedy = "are these prices of a kWh? a MWh costs 1000 times as much"
    return Fault(rule, f"{values.mean():.4g} on average", f"profiles column {column}", remedy)


def _band(market: MarketRules, retail: float) -> Iterator[Fault]:
    """Whether the price band, which may have been left at its default, is about where the tariff is."""
    low, high, usual = market.price_min_cny_per_mwh, market.price_max_cny_per_mwh, MarketRules()
    if low / _FAR <= retail <= high * _FAR and not retail < low:
        return
    is_default = (low, high) == (usual.price_min_cny_per_mwh, usual.price_max_cny_per_mwh)
    value = f"{'the default ' if is_default else ''}{low:g} to {high:g}, retail {retail:.4g} on average"
    remedy = "set market.price_min_cny_per_mwh and market.price_max_cny_per_mwh around the tariff"
    yield Fault("the price band should be where the tariff is", value, "market", remedy)


def _peak_charges(scenario: Scenario) -> Iterator[Fault]:
    """A charge on the largest import (M20) is for as long as the horizon is, not for a month or a year."""
    horizon = scenario.public.horizon
    hours = horizon.periods * horizon.period_h
    for vpp in scenario.vpps:
        price, whole = (
            vpp.exchange.peak_charge_cny_per_mw,
            float(tariff_of(vpp, scenario.public).retail_cny_per_mwh.mean()),
        )
        if price > max(whole, 0.0) * hours:
            money = f"{scenario.public.currency}/MW"
            value = (
                f"{price:,.6g} {money}, more than a MW bought through all {hours:g} h costs, {whole * hours:,.6g}"
            )
            remedy = "is it one of a month or a year? give that of so many hours, or run as many days in a row"
            yield Fault(
                "a peak charge should be for the horizon",
                value,
                f"{vpp.id} exchange.peak_charge_cny_per_mw",
                remedy,
            )


def _powers(scenario: Scenario) -> Iterator[Fault]:
    peaks = {vpp.id: float(vpp.total_load_mw.max()) for vpp in scenario.vpps}
    large = {vpp: peak for vpp, peak in peaks.items() if peak > _LARGE_MW}
    small = {vpp: peak for vpp, peak in peaks.items() if 0.0 < peak < _SMALL_MW}
    if large:
        value, remedy = f"up to {max(large.values()):,.0f} MW, as a city has", "are these kW? a MW is 1000 of them"
        yield Fault("a load should be that of a VPP", value, _columns(list(large)), remedy)
    if small:
        value, remedy = f"{max(small.values()) * 1e6:.3g} W at most", "is a factor of 1000 there twice?"
        yield Fault("a load should be that of a VPP", value, _columns(list(small)), remedy)
    for vpp in scenario.vpps:
        peak = peaks[vpp.id]
        for asset, plant in (("pv", vpp.pv), ("wt", vpp.wt)):
            most = 0.0 if plant is None else float(plant.forecast_mw.max())
            if most > _LARGE_MW and most > 100.0 * peak:
                value, remedy = f"up to {most:,.0f} MW beside a load of {peak:.4g} MW", "are these kW?"
                yield Fault("a plant should fit its load", value, f"profiles column {vpp.id}_{asset}_mw", remedy)
        if vpp.ess is not None and vpp.ess.energy_mwh > 1000.0 * max(peak, _SMALL_MW):
            value = f"{vpp.ess.energy_mwh:,.4g} MWh beside a load of {peak:.4g} MW"
            yield Fault("storage should fit its load", value, f"{vpp.id} ess.energy_mwh", "is it in kWh?")


def _columns(vpps: list[str]) -> str:
    """Where the loads of these VPPs are."""
    more = f" and {len(vpps) - 1} more" if len(vpps) > 1 else ""
    return f"profiles column {vpps[0]}_load_mw{more}"
