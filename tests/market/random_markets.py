"""Random market days for tests: a few VPPs of every kind, at money levels and sizes of practice."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

import numpy as np

from market.model.arrays import Array, frozen
from market.model.network import NetworkRules
from market.model.public import PublicRules
from market.model.rules import CarbonMode, CarbonRules, Horizon, MarketRules, Tariff
from market.model.vpp import ControllableLoad, Exchange, MicroTurbine, Renewable, Storage, Vpp
from market.scenario import load_scenario
from market.scenario.scenario import Scenario
from tests.market.operations import CARBON, MARKET


class Level(StrEnum):
    """The level of the tariffs: time of use in CNY, wholesale in EUR, the same with hours below zero."""

    CNY = "cny"
    EUR = "eur"
    EUR_NEGATIVE = "eur_negative"


def random_market(
    seed: int,
    level: Level = Level.CNY,
    *,
    vpps: int | None = None,
    periods: int = 24,
    power_scale: float = 1.0,
    price_scale: float = 1.0,
    commitment: bool = False,
) -> Scenario:
    """A day of 2–8 VPPs whose tariffs keep retail above feed-in; each kind of plant is there at random.

    power_scale, price_scale : what all powers and all money are multiplied by
    """
    draw = np.random.default_rng([seed, list(Level).index(level)])
    money = price_scale * (1.0 if level is Level.CNY else 0.2)
    public = _public(draw, level, periods, money, power_scale)
    count = vpps or int(draw.integers(2, 9))
    plants = tuple(_vpp(draw, f"V{k + 1}", periods, money, power_scale, commitment) for k in range(count))
    network: NetworkRules = load_scenario("two_vpp").network
    ids = tuple(plant.id for plant in plants)
    return Scenario("random", "", public, plants, network, "", ids, ("",) * count)


def _maybe(draw: np.random.Generator, probability: float) -> bool:
    return bool(draw.random() < probability)


def _public(draw: np.random.Generator, level: Level, periods: int, money: float, power: float) -> PublicRules:
    retail, feed_in = _tariffs(draw, level, periods, money)
    market: MarketRules = replace(
        MARKET,
        price_min_cny_per_mwh=300.0 * money if level is Level.CNY else money,
        price_max_cny_per_mwh=1200.0 * money,
        choice_temperature_cny_per_mwh=float(draw.choice([5.0, 25.0, 50.0])) * money,
        base_power_mw=0.001 * power,
    )
    carbon: CarbonRules = replace(
        CARBON,
        mode=CarbonMode.FLAT if _maybe(draw, 0.3) else CarbonMode.STEPPED,
        base_price_cny_per_t=280.0 * money,
        flat_price_cny_per_t=320.0 * money,
        interval_t=2.0 * power,
    )
    return PublicRules(
        Horizon(periods, 24.0 / periods), Tariff(frozen(retail), frozen(feed_in)), market, carbon, ""
    )


def _tariffs(draw: np.random.Generator, level: Level, periods: int, money: float) -> tuple[Array, Array]:
    """CNY/MWh; EUR feed-in prices are near the wholesale price, at noon near zero or, where asked for, below."""
    hour = np.arange(periods) * 24.0 / periods
    if level is Level.CNY:
        retail = np.select([hour < 7.0, (hour >= 17.0) & (hour < 21.0)], [400.0, 1200.0], 750.0)
        feed_in = np.minimum(retail * draw.uniform(0.4, 0.8), 500.0)
        return np.round(retail * money, 6), np.round(feed_in * money, 6)
    wholesale = 300.0 + 200.0 * np.sin(hour / 3.0) + draw.normal(0.0, 60.0, periods)
    noon = (hour > 10.0) & (hour < 15.0)
    low = draw.uniform(-120.0, 20.0, periods) if level is Level.EUR_NEGATIVE else draw.uniform(0.0, 60.0, periods)
    feed_in = np.where(noon, low, np.maximum(wholesale, 0.0))
    retail = np.maximum(feed_in, 0.0) + draw.uniform(300.0, 700.0)
    return np.round(retail * money, 2 if money > 0.01 else 8), np.round(feed_in * money, 2 if money > 0.01 else 8)


def _vpp(draw: np.random.Generator, name: str, periods: int, money: float, power: float, commitment: bool) -> Vpp:
    hour = (np.arange(periods) + 0.5) * 24.0 / periods
    peak = float(draw.uniform(0.5, 5.0)) * power
    load = peak * (
        0.5 + 0.3 * np.sin((hour - draw.uniform(6.0, 14.0)) / 24.0 * 2 * np.pi) + draw.uniform(0, 0.2, periods)
    )
    sun = np.maximum(np.sin((hour - 6.0) / 12.0 * np.pi), 0.0)
    digits = int(max(0, round(3 - np.log10(power))))
    return Vpp(
        id=name,
        label="",
        load_mw=frozen(np.round(load, digits)),
        wt=_renewable(draw, 0.4, peak * draw.uniform(0.0, 1.0, periods), money, digits),
        pv=_renewable(
            draw, 0.6, peak * draw.uniform(0.8, 2.0) * sun * draw.uniform(0.6, 1.0, periods), money, digits
        ),
        mt=_turbine(draw, peak, money, power, commitment) if _maybe(draw, 0.6) else None,
        ess=_storage(draw, peak, money) if _maybe(draw, 0.6) else None,
        cl=ControllableLoad(compensation_cny_per_mwh=float(draw.uniform(400.0, 950.0)) * money)
        if _maybe(draw, 0.5)
        else None,
        exchange=Exchange(
            float("inf") if _maybe(draw, 0.5) else 3.0 * peak,
            float(draw.choice([0.0, 0.3, 1.0, 3.0])) * peak,
            20.0 * power,
            20.0 * power,
        ),
        satisfaction=0.85,
    )


def _renewable(
    draw: np.random.Generator, probability: float, forecast_mw: Array, money: float, digits: int
) -> Renewable | None:
    upkeep = float(draw.uniform(5.0, 60.0)) * money
    if not _maybe(draw, probability):
        return None
    return Renewable(frozen(np.round(forecast_mw, digits)), upkeep)


def _turbine(draw: np.random.Generator, peak: float, money: float, power: float, commitment: bool) -> MicroTurbine:
    top = float(draw.uniform(0.2, 0.8)) * peak
    return MicroTurbine(
        p_min_mw=0.3 * top if commitment else 0.0,
        p_max_mw=top,
        ramp_up_mw_per_h=float(draw.uniform(0.3, 1.0)) * top,
        ramp_down_mw_per_h=float(draw.uniform(0.3, 1.0)) * top,
        cost_a_cny_per_mw2h=float(draw.uniform(40.0, 140.0)) * money / power,
        cost_b_cny_per_mwh=float(draw.uniform(300.0, 750.0)) * money,
        cost_on_cny_per_h=40.0 * money * power if commitment else 0.0,
        commitment=commitment,
        cost_pieces=4,
        emission_t_per_mwh=0.6,
    )


def _storage(draw: np.random.Generator, peak: float, money: float) -> Storage:
    energy = float(draw.uniform(0.4, 2.0)) * peak
    rate = float(draw.uniform(0.2, 0.5)) * energy
    wear = float(draw.uniform(10.0, 50.0)) * money
    return Storage(energy, rate, rate, 0.95, 0.95, 0.1, 0.9, float(draw.choice([0.1, 0.5])), wear)
