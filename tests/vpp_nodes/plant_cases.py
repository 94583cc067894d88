"""Random days of plants with units of every kind, with their own tariffs, and with emission by period."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from market.model.arrays import frozen
from market.model.assets import Deferrable, FixedLoad, Hydro, MustRun, ShiftableLoad, StoredEnd, Vehicle
from market.model.rules import OwnTariff, Tariff
from market.model.vpp import Asset, ControllableLoad, MicroTurbine, Renewable, Storage, Unit, UnitKind
from tests.vpp_nodes.dispatch_cases import Case, random_case

MOST_PERIODS = 12
_Draw = np.random.Generator


def random_plant(seed: int) -> Case:
    """A random day of `random_case`, cut to at most twelve periods, with up to six units of any kind besides."""
    base, draw = random_case(seed), np.random.default_rng([seed, 12])
    case = _cut(base, min(base.public.horizon.periods, MOST_PERIODS))
    periods, hours = case.public.horizon.periods, case.public.horizon.period_h
    units = []
    for number in range(int(draw.integers(1, 7))):
        kind = list(UnitKind)[int(draw.integers(len(UnitKind)))]
        units.append(Unit(f"U{number}", "", kind, _asset(draw, kind, periods, hours)))
    vpp = replace(case.vpp, units=tuple(units))
    if draw.random() < 0.3:
        retail = draw.uniform(300.0, 1200.0, periods)
        vpp = replace(
            vpp, tariff=OwnTariff("own", Tariff(frozen(retail), frozen(retail * draw.uniform(0.2, 1.0))))
        )
    if draw.random() < 0.3:
        vpp = replace(vpp, exchange=replace(vpp.exchange, peer_fee_cny_per_mwh=float(draw.uniform(0.0, 80.0))))
    public = case.public
    if draw.random() < 0.4:
        series = frozen(draw.uniform(0.1, 1.2, periods))
        public = replace(public, carbon=replace(public.carbon, grid_emission_by_period_t_per_mwh=series))
    return Case(_some_features(draw, vpp, hours), public, case.direct)


def _cut(case: Case, periods: int) -> Case:
    """The first periods of a day."""

    def first(value: Any) -> Any:
        return frozen(value[:periods])

    vpp, tariff = case.vpp, case.public.tariff
    cut = {
        name: replace(plant, forecast_mw=first(plant.forecast_mw))
        for name in ("wt", "pv")
        if (plant := getattr(vpp, name)) is not None
    }
    prices = Tariff(first(tariff.retail_cny_per_mwh), first(tariff.feed_in_cny_per_mwh))
    public = replace(case.public, horizon=replace(case.public.horizon, periods=periods), tariff=prices)
    direct = case.direct
    if direct is not None:
        direct = replace(direct, in_mw=first(direct.in_mw), out_mw=first(direct.out_mw))
    changes: dict[str, Any] = {"load_mw": first(vpp.load_mw), **cut}
    return Case(replace(vpp, **changes), public, direct)


def _some_features(draw: _Draw, vpp: Any, hours: float) -> Any:
    """What the plants of fields may have since there are units, on some of them."""
    if vpp.mt is not None and draw.random() < 0.5:
        vpp = replace(vpp, mt=_turbine(draw, hours))
    if vpp.ess is not None and draw.random() < 0.5:
        vpp = replace(vpp, ess=_battery(draw))
    return vpp


def _asset(draw: _Draw, kind: UnitKind, periods: int, hours: float) -> Asset:
    day_h = periods * hours
    match kind:
        case UnitKind.WT | UnitKind.PV:
            return Renewable(frozen(draw.uniform(0.0, 3.0, periods)), float(draw.uniform(0.0, 20.0)))
        case UnitKind.MT | UnitKind.BIOMASS:
            return _turbine(draw, hours)
        case UnitKind.ESS:
            return _battery(draw)
        case UnitKind.CL:
            return ControllableLoad(share_of_load=0.1, compensation_cny_per_mwh=float(draw.uniform(300.0, 900.0)))
        case UnitKind.LOAD:
            net = draw.random() < 0.5
            return FixedLoad(frozen(draw.uniform(-2.0 if net else 0.0, 2.0, periods)), net_metered=bool(net))
        case UnitKind.HYDRO:
            return _hydro(draw, periods)
        case UnitKind.MUST_RUN:
            return MustRun(
                output_mw=frozen(draw.uniform(0.0, 1.0, periods)),
                om_cost_cny_per_mwh=float(draw.uniform(0.0, 50.0)),
                emission_t_per_mwh=float(draw.choice([0.0, 0.4])),
            )
        case UnitKind.SHIFT:
            return ShiftableLoad(
                share_of_load=float(draw.uniform(0.0, 0.3)),
                window_h=float(draw.choice([1.0, 2.5, 4.0, 100.0])),
                up_max_mw=None if draw.random() < 0.5 else float(draw.uniform(0.0, 1.0)),
                compensation_cny_per_mwh=float(draw.choice([0.0, draw.uniform(10.0, 80.0)])),
            )
        case _:
            return _task(draw, kind, day_h)


def _task(draw: _Draw, kind: UnitKind, day_h: float) -> Vehicle | Deferrable:
    if kind is UnitKind.EV:
        first = float(draw.uniform(0.0, 0.6)) * day_h
        last = None if draw.random() < 0.3 else first + float(draw.uniform(0.1, 0.4)) * day_h
        power = float(draw.uniform(0.1, 1.0))
        length = (day_h if last is None else last) - first
        share = float(draw.uniform(0.1, 1.0))
        return Vehicle(
            energy_mwh=share * power * length * 0.9,
            power_max_mw=power,
            arrival_h=first,
            departure_h=last,
            charge_efficiency=0.9,
        )
    power = float(draw.uniform(0.1, 1.0))
    return Deferrable(energy_mwh=power * day_h * float(draw.uniform(0.05, 0.5)), power_max_mw=power)


def _turbine(draw: _Draw, hours: float) -> MicroTurbine:
    p_max = float(draw.uniform(0.5, 3.0))
    p_min = float(draw.uniform(0.1, 0.5)) * p_max
    commitment = bool(draw.random() < 0.7)
    more: dict[str, Any] = {"cost_b_cny_per_mwh": float(draw.uniform(200.0, 800.0))}
    if draw.random() < 0.6:
        inner = np.sort(draw.uniform(p_min, p_max, int(draw.integers(0, 4)))).tolist()
        outputs = [p_min, *inner, p_max]
        slopes = draw.uniform(150.0, 900.0, len(outputs) - 1)
        if draw.random() < 0.4:
            slopes = np.sort(slopes)
        first = float(draw.choice([0.0, draw.uniform(20.0, 400.0)]))
        costs = [first, *(first + np.cumsum(slopes * np.diff(outputs))).tolist()]
        more = {"cost_b_cny_per_mwh": 0.0, "curve_mw": tuple(outputs), "curve_cny_per_h": tuple(costs)}
    if commitment:
        more["start_cost_cny"] = float(draw.choice([0.0, draw.uniform(10.0, 500.0)]))
        more["min_up_h"] = float(draw.choice([0.0, 2.0, 3.5])) * hours
        more["min_down_h"] = float(draw.choice([0.0, 2.0, 3.5])) * hours
    if draw.random() < 0.5:
        off = commitment and draw.random() < 0.5
        more["initial_output_mw"] = 0.0 if off else float(draw.uniform(p_min, p_max))
        more["initial_state_h"] = None if draw.random() < 0.3 else float(draw.choice([0.0, 1.0, 2.0])) * hours
    return MicroTurbine(
        p_min_mw=p_min,
        p_max_mw=p_max,
        ramp_up_mw_per_h=float(draw.choice([np.inf, draw.uniform(0.3, 4.0)])),
        ramp_down_mw_per_h=float(draw.choice([np.inf, draw.uniform(0.3, 4.0)])),
        cost_on_cny_per_h=0.0 if "curve_mw" in more else float(draw.choice([0.0, 60.0])),
        commitment=commitment,
        cost_pieces=4,
        emission_t_per_mwh=float(draw.uniform(0.0, 0.7)),
        **more,
    )


def _end(draw: _Draw) -> StoredEnd:
    return list(StoredEnd)[int(draw.integers(len(StoredEnd)))]


def _battery(draw: _Draw) -> Storage:
    end = _end(draw)
    return Storage(
        energy_mwh=float(draw.uniform(0.5, 4.0)),
        charge_max_mw=float(draw.uniform(0.3, 1.5)),
        discharge_max_mw=float(draw.uniform(0.3, 1.5)),
        soc_initial=float(draw.uniform(0.1, 0.9)),
        wear_cny_per_mwh=float(draw.choice([0.0, 20.0])),
        end=end,
        soc_end=float(draw.uniform(0.1, 0.9)) if end is StoredEnd.GIVEN else None,
        end_value_cny_per_mwh=float(draw.uniform(0.0, 1000.0)) if end is StoredEnd.VALUED else None,
        self_discharge_per_h=float(draw.choice([0.0, 0.02])),
    )


def _hydro(draw: _Draw, periods: int) -> Hydro:
    end = _end(draw)
    return Hydro(
        inflow_mw=frozen(draw.uniform(0.0, 1.5, periods)),
        p_max_mw=float(draw.uniform(0.3, 2.0)),
        reservoir_mwh=float(draw.choice([0.0, draw.uniform(1.0, 10.0)])),
        end=end,
        level_end=float(draw.uniform(0.0, 1.0)) if end is StoredEnd.GIVEN else None,
        end_value_cny_per_mwh=float(draw.uniform(0.0, 900.0)) if end is StoredEnd.VALUED else None,
        om_cost_cny_per_mwh=float(draw.uniform(0.0, 20.0)),
    )
