"""Advice on a valid scenario: what is allowed but rarely meant."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from market.costs.carbon import grid_emission_t_per_mwh, unit_emission_t_per_mwh
from market.costs.costs import has_own_tariff, tariff_of
from market.errors import Fault
from market.model.rules import MarketRules
from market.model.unit_limits import of_kinds
from market.model.vpp import UnitKind
from market.scenario.scenario import Scenario
from market.scenario.spoken import spoken_fault

_TIMES_ROUND = 4  # a way in, and as often as a cycle has to be seen


def scenario_advice(scenario: Scenario) -> tuple[Fault, ...]:
    """What a reader of the scenario should look at twice; nothing here forbids a run."""
    found = (
        *_carbon_advice(scenario),
        *_price_advice(scenario),
        *_vpp_advice(scenario),
        *_tariff_advice(scenario),
    )
    return tuple(spoken_fault(note, scenario.public.currency) for note in found)


def change_notes(given: Scenario, changed: Scenario) -> Iterator[Fault]:
    """What a change takes the place of, besides the value at its path."""
    series, now = given.public.carbon.grid_emission_by_period_t_per_mwh, changed.public.carbon
    if series is not None and now.grid_emission_by_period_t_per_mwh is None:
        value = (
            f"{now.grid_emission_t_per_mwh:g} t/MWh in every period, the series has {series.mean():g} on average"
        )
        remedy = "leave the change out to keep the series"
        yield Fault("one number takes the place of a series", value, "carbon.grid_emission_t_per_mwh", remedy)


def _carbon_advice(scenario: Scenario) -> Iterator[Fault]:
    carbon = scenario.public.carbon
    periods = scenario.public.horizon.periods
    series, quota = grid_emission_t_per_mwh(carbon, periods), carbon.grid_quota_t_per_mwh
    emission = min(float(series.mean()), float(series.max()))  # the mean of equal numbers is rounded
    if emission <= quota:
        remedy = "keep δ_g above σ_g, or buying more from the grid lowers the carbon bill"
        value = f"δ_g {emission:g}, σ_g {quota:g}"
        yield Fault("grid energy should emit more than its quota", value, "carbon.grid_quota_t_per_mwh", remedy)
    turbines = [(vpp, unit) for vpp in scenario.vpps for unit in of_kinds(vpp, UnitKind.MT)]
    for vpp, unit in turbines:
        emits = unit_emission_t_per_mwh(unit)
        if emits <= carbon.mt_quota_t_per_mwh:
            remedy = "keep δ_MT above σ_MT, or running the turbine lowers the carbon bill"
            value, place = f"δ_MT {emits:g}, σ_MT {carbon.mt_quota_t_per_mwh:g}", f"{vpp.id} {vpp.place_of(unit)}"
            yield Fault("turbine energy should emit more than its quota", value, place, remedy)


def _price_advice(scenario: Scenario) -> Iterator[Fault]:
    tariff, market = scenario.public.tariff, scenario.public.market
    retail, feed_in = tariff.retail_cny_per_mwh, tariff.feed_in_cny_per_mwh
    if np.any(feed_in > retail):
        value = f"periods {_listed(feed_in > retail)}"
        yield Fault("the grid should not pay more than it asks", value, "profiles", "exchange the two columns?")
    empty = np.maximum(feed_in, market.price_min_cny_per_mwh) > np.minimum(retail, market.price_max_cny_per_mwh)
    if np.any(empty):
        remedy = "nobody can trade there: the floor, or feed-in, is above the cap, or retail"
        yield Fault("the price band should not be empty", f"periods {_listed(empty)}", "market, profiles", remedy)
    if market.choice_temperature_cny_per_mwh == 0.0:
        yield from _pure_choice_advice(market)


def _pure_choice_advice(market: MarketRules) -> Iterator[Fault]:
    remedy = "expect sellers to undercut each other for ever (`cycling`) in a glut; take τ above 0 for a rest"
    yield Fault("τ should be above 0", "0", "market.choice_temperature_cny_per_mwh", remedy)
    ticks = (market.price_max_cny_per_mwh - market.price_min_cny_per_mwh) / market.price_tick_cny_per_mwh
    wanted = math.ceil(_TIMES_ROUND * ticks)
    if market.offer_budget < wanted:
        rule = "the offer budget should let a cycle of undercutting, of an offer a tick, come round several times"
        remedy = f"raise it to {wanted} or take a larger market.price_tick_cny_per_mwh"
        yield Fault(rule, str(market.offer_budget), "market.offer_budget", remedy)


def _vpp_advice(scenario: Scenario) -> Iterator[Fault]:
    if len(scenario.roster) == 1:
        yield Fault("a market should have two VPPs or more", "1", "vpps", "add a VPP to trade with")
    for vpp in scenario.vpps:
        if vpp.satisfaction > 1.0:
            remedy = "use a share up to 1: above it a buyer pays peers more than energy is worth to it"
            yield Fault("κ should not be above 1", f"{vpp.satisfaction:g}", f"{vpp.id} satisfaction", remedy)


def _tariff_advice(scenario: Scenario) -> Iterator[Fault]:
    """A plant that the grid serves for less than others may ask is not protected by the band (M14)."""
    public = scenario.public
    cap = np.minimum(public.tariff.retail_cny_per_mwh, public.market.price_max_cny_per_mwh)
    for vpp in scenario.vpps:
        own = tariff_of(vpp, public).retail_cny_per_mwh - vpp.exchange.peer_fee_cny_per_mwh
        if has_own_tariff(vpp) and np.any(own < cap):
            rule = "what the grid asks of a plant, less its fee, should not be below the cap of prices"
            remedy = "it may pay more with trade than without there; lower the public retail price or price_max"
            yield Fault(rule, f"periods {_listed(own < cap)}", f"{vpp.id} tariff", remedy)


def _listed(where: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> str:
    """Periods, counted from 1, at most eight of them."""
    periods = [str(index + 1) for index in np.flatnonzero(where)]
    return ", ".join(periods[:8]) + (f" and {len(periods) - 8} more" if len(periods) > 8 else "")
