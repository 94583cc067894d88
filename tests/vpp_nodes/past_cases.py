"""Random plants in the middle of a run of many days, with all that they may bring along."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from market.model.assets import Deferrable, ShiftableLoad, Vehicle
from market.model.rules import BillingPeriod
from market.model.vpp import ControllableLoad, Unit, UnitKind, Vpp
from tests.vpp_nodes.dispatch_cases import Case
from tests.vpp_nodes.plant_cases import random_plant

_Draw = np.random.Generator


def plant_with_a_past(seed: int) -> Case:
    """A random plant in the middle of a run of many days, in periods of some hours."""
    draw = np.random.default_rng([seed, 16])
    return with_a_past(draw, random_plant(seed), float(draw.choice([1.0, 2.0, 3.0, 4.0, 6.0])))


def with_a_past(draw: _Draw, case: Case, hours: float) -> Case:
    """The same plant with half of all that may be carried on, at random, in periods of so many hours."""
    horizon, carbon = case.public.horizon, case.public.carbon
    before_h = float(draw.integers(0, 60)) * hours * float(draw.random() < 0.8)
    after_h = float(draw.integers(0, 20)) * hours * float(draw.random() < 0.7)
    horizon = replace(horizon, period_h=hours, before_h=before_h, after_h=after_h)
    billing = list(BillingPeriod)[int(draw.integers(3))]
    public = replace(case.public, horizon=horizon, carbon=replace(carbon, billing_period=billing))
    extra = [
        kind for kind in (UnitKind.EV, UnitKind.DEFERRABLE, UnitKind.SHIFT, UnitKind.CL) if draw.random() < 0.4
    ]
    units = [*case.vpp.units, *(Unit(f"X{n}", "", kind, _asset(draw, kind)) for n, kind in enumerate(extra))]
    told = tuple(replace(unit, asset=_with_a_past(draw, unit.asset)) for unit in units)
    vpp: Vpp = replace(case.vpp, units=told)
    if vpp.cl is not None:
        vpp = replace(vpp, cl=_with_a_past(draw, vpp.cl))
    if draw.random() < 0.6:
        vpp = replace(vpp, excess_before_t=float(draw.uniform(-5.0, 15.0)))
    return Case(vpp, public, case.direct)


def _asset(draw: _Draw, kind: UnitKind) -> Any:
    first = float(draw.uniform(0.0, 20.0))
    match kind:
        case UnitKind.EV:
            return Vehicle(energy_mwh=0.4, power_max_mw=0.5, arrival_h=first, departure_h=first + 9.0)
        case UnitKind.DEFERRABLE:
            return Deferrable(energy_mwh=0.5, power_max_mw=0.5, earliest_h=first, latest_h=first + 12.0)
        case UnitKind.SHIFT:
            return ShiftableLoad(share_of_load=0.1, window_h=float(draw.choice([6.0, 10.0, 24.0])))
        case _:
            return ControllableLoad(share_of_load=0.1, compensation_cny_per_mwh=300.0, daily_energy_max_mwh=0.6)


def _with_a_past(draw: _Draw, asset: Any) -> Any:
    match asset:
        case Vehicle() | Deferrable():
            _, last = asset.window_h
            fits = asset.window_h[0] < 24.0 and (last is None or last <= asset.window_h[0] + 24.0)
            taken = float(draw.uniform(0.0, 1.0)) * asset.taken_mwh * float(draw.random() < 0.7)
            return replace(asset, every_day=bool(fits and draw.random() < 0.6), taken_before_mwh=taken)
        case ShiftableLoad():
            return replace(asset, moved_before_mwh=float(draw.choice([0.0, 0.02, -0.02])))
        case ControllableLoad():
            before = float(draw.uniform(0.0, 0.4)) * float(draw.random() < 0.7)
            return replace(asset, limit_each_day=bool(draw.random() < 0.6), shed_before_mwh=before)
    return asset
