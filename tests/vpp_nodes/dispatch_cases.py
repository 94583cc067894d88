"""VPP days for tests of dispatch: a plain one to build on, and random ones of every kind."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from market.model.arrays import Array, frozen
from market.model.plan import DirectExchange
from market.model.public import PublicRules
from market.model.rules import CarbonMode, CarbonRules, Horizon, Tariff
from market.model.vpp import ControllableLoad, Exchange, MicroTurbine, Renewable, Storage, Vpp
from tests.market.operations import CARBON, MARKET

MICRO_TURBINE = MicroTurbine(
    p_min_mw=0.0,
    p_max_mw=1.0,
    ramp_up_mw_per_h=5.0,
    ramp_down_mw_per_h=5.0,
    cost_a_cny_per_mw2h=100.0,
    cost_b_cny_per_mwh=500.0,
    cost_on_cny_per_h=0.0,
    commitment=False,
    cost_pieces=4,
    emission_t_per_mwh=0.6,
)
STORAGE = Storage(
    energy_mwh=2.0,
    charge_max_mw=0.5,
    discharge_max_mw=0.5,
    charge_efficiency=0.95,
    discharge_efficiency=0.95,
    soc_min=0.1,
    soc_max=0.9,
    soc_initial=0.5,
    wear_cny_per_mwh=30.0,
)
UNLIMITED = Exchange(
    grid_buy_max_mw=float("inf"),
    grid_sell_max_mw=float("inf"),
    direct_in_max_mw=float("inf"),
    direct_out_max_mw=float("inf"),
)


@dataclass(frozen=True, slots=True)
class Case:
    """One day to dispatch."""

    vpp: Vpp
    public: PublicRules
    direct: DirectExchange | None = None


def public_rules(
    retail: Array, feed_in: Array, *, period_h: float = 1.0, carbon: CarbonRules = CARBON
) -> PublicRules:
    """Rules for as many periods as `retail` has."""
    tariff = Tariff(frozen(retail), frozen(feed_in))
    return PublicRules(Horizon(len(retail), period_h), tariff, MARKET, carbon, digest="")


def plain_case(load: list[float], *, retail: float = 600.0, feed_in: float = 300.0, carbon: bool = False) -> Case:
    """A VPP with nothing but a load and an unlimited grid, in periods of an hour."""
    rules = CARBON if carbon else replace(CARBON, mode=CarbonMode.NONE)
    periods = len(load)
    public = public_rules(np.full(periods, retail), np.full(periods, feed_in), carbon=rules)
    vpp = Vpp("VPP1", "", frozen(load), None, None, None, None, None, UNLIMITED, satisfaction=0.85)
    return Case(vpp, public)


def random_case(seed: int) -> Case:
    """A day drawn from everything a scenario may hold; limits may be so tight that there is no plan."""
    draw = np.random.default_rng(seed)
    periods = int(draw.choice([4, 8, 12, 24]))
    period_h = float(draw.choice([1.0, 1.0, 0.5, 0.25]))
    public = public_rules(*_prices(draw, periods), period_h=period_h, carbon=_carbon(draw))
    exchange = _exchange(draw)
    vpp = Vpp(
        id=f"VPP{seed}",
        label="",
        load_mw=_series(draw, draw.uniform(0.0, 1.0), draw.uniform(1.0, 5.0), periods),
        wt=_renewable(draw, periods),
        pv=_renewable(draw, periods),
        mt=_micro_turbine(draw),
        ess=_storage(draw),
        cl=_controllable_load(draw),
        exchange=exchange,
        satisfaction=0.85,
    )
    return Case(vpp, public, _direct(draw, exchange, periods))


def _maybe(draw: np.random.Generator, probability: float) -> bool:
    return bool(draw.random() < probability)


def _series(draw: np.random.Generator, low: float, high: float, periods: int) -> Array:
    """Uniform draws, in half of the cases rounded to a coarse grid so that ties occur."""
    values = draw.uniform(low, high, periods)
    return frozen(np.round(values * 4) / 4 if _maybe(draw, 0.5) else values)


def _prices(draw: np.random.Generator, periods: int) -> tuple[Array, Array]:
    retail = np.round(draw.uniform(300.0, 1200.0, periods), -2 if _maybe(draw, 0.5) else 3)
    feed_in = retail * draw.uniform(0.3, 1.0)
    if _maybe(draw, 0.35):
        negative = draw.random(periods) < 0.3
        retail = np.where(negative, -draw.uniform(0.0, 300.0, periods), retail)
        feed_in = np.where(negative, retail - draw.uniform(0.0, 50.0, periods), feed_in)
    if _maybe(draw, 0.1):
        feed_in = retail + 20.0
    return retail, feed_in


def _carbon(draw: np.random.Generator) -> CarbonRules:
    return replace(
        CARBON,
        mode=list(CarbonMode)[int(draw.integers(3))],
        interval_t=float(draw.uniform(0.2, 3.0)),
        growth=float(draw.choice([0.0, 0.25, 0.6])),
        steps=int(draw.integers(1, 7)),
        grid_quota_t_per_mwh=float(draw.choice([0.57, 0.728, 1.05])),
        renewable_quota_t_per_mwh=float(draw.choice([0.0, 0.2])),
    )


def _renewable(draw: np.random.Generator, periods: int) -> Renewable | None:
    if _maybe(draw, 0.3):
        return None
    om_cost = float(draw.choice([0.0, draw.uniform(5.0, 25.0)]))
    return Renewable(_series(draw, 0.0, draw.uniform(0.5, 6.0), periods), om_cost)


def _micro_turbine(draw: np.random.Generator) -> MicroTurbine | None:
    if _maybe(draw, 0.25):
        return None
    p_max = float(draw.uniform(0.5, 3.0))
    return MicroTurbine(
        p_min_mw=float(draw.choice([0.0, draw.uniform(0.0, 0.6) * p_max])),
        p_max_mw=p_max,
        ramp_up_mw_per_h=float(draw.choice([np.inf, draw.uniform(0.3, 4.0)])),
        ramp_down_mw_per_h=float(draw.choice([np.inf, draw.uniform(0.3, 4.0)])),
        cost_a_cny_per_mw2h=float(draw.choice([0.0, draw.uniform(20.0, 150.0)])),
        cost_b_cny_per_mwh=float(draw.uniform(200.0, 800.0)),
        cost_on_cny_per_h=float(draw.choice([0.0, draw.uniform(10.0, 200.0)])),
        commitment=_maybe(draw, 0.45),
        cost_pieces=int(draw.integers(1, 7)),
        emission_t_per_mwh=float(draw.uniform(0.4, 0.7)),
    )


def _storage(draw: np.random.Generator) -> Storage | None:
    if _maybe(draw, 0.25):
        return None
    return Storage(
        energy_mwh=float(draw.uniform(0.5, 4.0)),
        charge_max_mw=float(draw.uniform(0.2, 1.5)),
        discharge_max_mw=float(draw.uniform(0.2, 1.5)),
        charge_efficiency=float(draw.choice([0.95, 0.8, 1.0])),
        discharge_efficiency=float(draw.choice([0.95, 0.9, 1.0])),
        soc_min=0.1,
        soc_max=0.9,
        soc_initial=float(draw.uniform(0.1, 0.9)),
        wear_cny_per_mwh=float(draw.choice([0.0, draw.uniform(10.0, 60.0)])),
    )


def _controllable_load(draw: np.random.Generator) -> ControllableLoad | None:
    if _maybe(draw, 0.35):
        return None
    return ControllableLoad(
        share_of_load=float(draw.uniform(0.0, 0.2)),
        compensation_cny_per_mwh=float(draw.uniform(300.0, 950.0)),
        daily_energy_max_mwh=float(draw.uniform(0.1, 2.0)) if _maybe(draw, 0.4) else None,
        credit_t_per_mwh=float(draw.choice([0.0, 0.3])),
    )


def _exchange(draw: np.random.Generator) -> Exchange:
    infinite = float("inf")
    return Exchange(
        grid_buy_max_mw=infinite if _maybe(draw, 0.4) else float(draw.uniform(2.5, 9.0)),
        grid_sell_max_mw=infinite if _maybe(draw, 0.4) else float(draw.uniform(0.0, 3.0)),
        direct_in_max_mw=3.0,
        direct_out_max_mw=3.0,
    )


def _direct(draw: np.random.Generator, exchange: Exchange, periods: int) -> DirectExchange | None:
    if _maybe(draw, 0.5):
        return None
    ways = draw.integers(-1, 2, periods) * draw.uniform(0.0, 1.5, periods)
    return DirectExchange(
        in_mw=frozen(np.clip(ways, 0.0, exchange.direct_in_max_mw)),
        out_mw=frozen(np.clip(-ways, 0.0, exchange.direct_out_max_mw)),
        quota_in_t=float(draw.uniform(-1.0, 1.0)),
    )
