"""Owns what the tests of carbon, costs, roles and dispatch start from: the paper's rules and a bare operation."""

from __future__ import annotations

from dataclasses import dataclass

from market.arrays import Array, frozen
from market.rules import CarbonMode, CarbonRules, MarketRules, PriceRule

MARKET = MarketRules(
    price_min_cny_per_mwh=300.0,
    price_max_cny_per_mwh=1200.0,
    choice_temperature_cny_per_mwh=50.0,
    base_power_mw=0.001,
    role_tolerance=1e-6,
    price_rule=PriceRule.BEST_RESPONSE,
    revision_step=0.5,
    gradient_step_cny_per_mwh_per_mw=1.0,
    tatonnement_step_cny_per_mwh=10.0,
    price_tick_cny_per_mwh=1.0,
    offer_budget=1000,
)
CARBON = CarbonRules(
    mode=CarbonMode.STEPPED,
    base_price_cny_per_t=280.0,
    flat_price_cny_per_t=320.0,
    interval_t=2.0,
    growth=0.25,
    steps=5,
    grid_emission_t_per_mwh=0.98,
    grid_quota_t_per_mwh=0.728,
    mt_quota_t_per_mwh=0.42,
    renewable_quota_t_per_mwh=0.0,
    credits_follow_energy=False,
    direct_quota_t_per_mwh=0.0,
)


@dataclass(frozen=True)
class Powers:
    """A whole operation, MW."""

    wt_mw: Array
    pv_mw: Array
    mt_mw: Array
    charge_mw: Array
    discharge_mw: Array
    cl_mw: Array
    buy_mw: Array
    sell_mw: Array


TWO_PERIODS = Powers(
    wt_mw=frozen([1.0, 2.0]),
    pv_mw=frozen([0.0, 4.0]),
    mt_mw=frozen([0.5, 1.0]),
    charge_mw=frozen([0.4, 0.0]),
    discharge_mw=frozen([0.0, 0.2]),
    cl_mw=frozen([0.3, 0.1]),
    buy_mw=frozen([2.0, 0.0]),
    sell_mw=frozen([0.0, 3.0]),
)
