"""Random plants in which all that a plant of practice may have comes together, as a scenario and its day.

To a plant with units and a past come periods from a quarter of an hour on, quota that follows energy, reservoirs
with limits, batteries with losses and limits of their own, charges on peaks, and a scenario in another currency.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import Any

import numpy as np

from market.model.assets import Deferrable, Hydro
from market.model.network import NetworkRules
from market.model.public import PublicRules
from market.model.rules import Horizon
from market.model.vpp import MicroTurbine, Storage, Unit, Vpp
from market.scenario.digest import seal_public, seal_scenario
from market.scenario.scenario import Scenario
from market.settlement.settlement import quota_in_t
from tests.vpp_nodes.dispatch_cases import Case
from tests.vpp_nodes.past_cases import with_a_past
from tests.vpp_nodes.plant_cases import random_plant

PERIODS_H = (0.25, 0.25, 0.5, 1.0, 2.0)
CURRENCIES = ("CNY", "EUR", "USD")
_FAST_MW_PER_H = 1e5
_Draw = np.random.Generator


@dataclass(frozen=True, slots=True)
class WholePlant:
    """A plant, alone in its scenario, and the day to dispatch: what is not said in a scenario is in the day."""

    scenario: Scenario
    case: Case

    def on_the_day(self, loaded: Scenario) -> Case:
        """The same day of the plant as another scenario has it."""
        public = replace(loaded.public, horizon=self.case.public.horizon)
        return Case(loaded.vpps[0], public, self.case.direct)


def whole_plant(seed: int) -> WholePlant:
    """One of them; what they are made of is counted in the test."""
    draw = np.random.default_rng([seed, 112])
    case = with_a_past(draw, random_plant(seed + 10_000), float(draw.choice(PERIODS_H)))
    vpp = _as_in_files(_with_more(draw, case.vpp))
    public = _public(draw, case.public)
    direct = case.direct
    if direct is not None:
        direct = replace(direct, quota_in_t=quota_in_t(direct.in_mw, direct.out_mw, public))
    plain = Horizon(public.horizon.periods, public.horizon.period_h)
    told = seal_public(plain, public.tariff, public.market, public.carbon, public.currency)
    scenario = seal_scenario("plant", "", told, (vpp,), NetworkRules())
    return WholePlant(scenario, Case(vpp, public, direct))


def _public(draw: _Draw, public: PublicRules) -> PublicRules:
    hours = public.horizon.period_h
    before_h = float(draw.integers(0, int(60 / hours))) * hours * float(draw.random() < 0.8)
    horizon = replace(public.horizon, before_h=before_h)
    carbon = replace(public.carbon, credits_follow_energy=bool(draw.random() < 0.3))
    currency = CURRENCIES[int(draw.integers(len(CURRENCIES)))]
    return replace(public, horizon=horizon, carbon=carbon, currency=currency)


def _with_more(draw: _Draw, vpp: Vpp) -> Vpp:
    units = tuple(replace(unit, asset=_asset_with_more(draw, unit)) for unit in vpp.units)
    charge = float(draw.uniform(10.0, 3000.0)) * float(draw.random() < 0.4)
    before_mw = float(draw.uniform(0.0, 4.0)) * float(draw.random() < 0.5)
    exchange = replace(vpp.exchange, peak_charge_cny_per_mw=charge, peak_before_mw=before_mw)
    if draw.random() < 0.3:
        most_in, most_out = draw.uniform(2.0, 9.0, 2).tolist()
        exchange = replace(exchange, import_max_mw=most_in, export_max_mw=most_out if draw.random() < 0.5 else inf)
    return replace(vpp, units=units, exchange=exchange)


def _asset_with_more(draw: _Draw, unit: Unit) -> Any:
    match unit.asset:
        case Hydro() as hydro:
            low = float(draw.uniform(0.0, 0.3))
            high = float(draw.uniform(0.6, 1.0))
            end = hydro.level_end if hydro.level_end is None else low + (high - low) * hydro.level_end
            return replace(hydro, level_min=low, level_max=high, level_end=end)
        case Storage() as ess:
            efficiencies = draw.uniform(0.7, 1.0, 2).tolist()
            low, high = float(draw.uniform(0.0, 0.1)), float(draw.uniform(0.9, 1.0))
            there, back = efficiencies
            return replace(ess, charge_efficiency=there, discharge_efficiency=back, soc_min=low, soc_max=high)
        case Deferrable() as task if task.latest_h is None and not task.every_day:
            return replace(task, earliest_h=float(draw.uniform(0.0, 1.0)))
    return unit.asset


def _as_in_files(vpp: Vpp) -> Vpp:
    """The plant with what a file can say: ramps that are finite, costs in four pieces or more."""
    units = tuple(replace(unit, asset=_turbine_in_files(unit.asset)) for unit in vpp.units)
    return replace(vpp, units=units, mt=None if vpp.mt is None else _turbine_in_files(vpp.mt))


def _turbine_in_files(asset: Any) -> Any:
    if not isinstance(asset, MicroTurbine):
        return asset
    return replace(
        asset,
        ramp_up_mw_per_h=min(asset.ramp_up_mw_per_h, _FAST_MW_PER_H),
        ramp_down_mw_per_h=min(asset.ramp_down_mw_per_h, _FAST_MW_PER_H),
        cost_pieces=8 if asset.curve_mw else max(asset.cost_pieces, 4),
    )
