"""A day that goes on from others costs what a second formulation says, whatever it brings along (M16)."""

from __future__ import annotations

from collections import Counter
from dataclasses import astuple, replace
from typing import Any

import numpy as np
import pytest

from market.errors import DispatchError
from market.model.assets import Deferrable, ShiftableLoad, Vehicle
from market.model.rules import BillingPeriod
from market.model.vpp import ControllableLoad, Unit, UnitKind, Vpp
from tests.sampling import sampled
from tests.vpp_nodes.dispatch_cases import Case
from tests.vpp_nodes.plant_cases import random_plant
from tests.vpp_nodes.reference_plants import reference_cost
from vpp_nodes.dispatch import dispatch

PLANTS, SAMPLE, PARTS = 500, 24, 4
_Draw = np.random.Generator


def plant_with_a_past(seed: int) -> Case:
    """A random plant in the middle of a run of many days: half of all that may be carried on, at random."""
    case, draw = random_plant(seed), np.random.default_rng([seed, 16])
    horizon, carbon = case.public.horizon, case.public.carbon
    hours = float(draw.choice([1.0, 2.0, 3.0, 4.0, 6.0]))
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


@pytest.mark.parametrize("part", range(PARTS))
def test_plants_with_a_past_cost_what_the_second_formulation_says(part: int) -> None:
    for seed in sampled(range(part * PLANTS // PARTS, (part + 1) * PLANTS // PARTS), SAMPLE // PARTS):
        case = plant_with_a_past(seed)
        reference = reference_cost(case.vpp, case.public, case.direct)
        if not reference.feasible:
            with pytest.raises(DispatchError, match=rf"^VPP{seed} cannot be dispatched: "):
                dispatch(case.vpp, case.public, case.direct)
            continue
        plan = dispatch(case.vpp, case.public, case.direct)
        scale = 1.0 + float(np.abs(astuple(plan.costs)).sum())
        assert plan.objective_cny == pytest.approx(reference.cost_cny, abs=1e-6 * scale), seed


def test_the_plants_have_pasts_of_every_kind() -> None:
    """What the comparison is worth: all that may be carried on is among them, often enough."""
    counts: Counter[str] = Counter()
    for seed in range(PLANTS):
        case = plant_with_a_past(seed)
        counts[f"billed by {case.public.carbon.billing_period}"] += 1
        counts["excess"] += case.vpp.excess_before_t != 0.0
        for unit in case.vpp.all_units:
            match unit.asset:
                case Vehicle() | Deferrable() as task:
                    counts["every day"] += task.every_day
                    counts["taken"] += task.taken_before_mwh > 0.0
                case ShiftableLoad() as users:
                    counts["moved"] += users.moved_before_mwh != 0.0
                case ControllableLoad() as cl:
                    counts["limit each day"] += cl.limit_each_day and cl.daily_energy_max_mwh is not None
                    counts["shed"] += cl.shed_before_mwh > 0.0
    assert min(counts.values()) >= 40, counts
