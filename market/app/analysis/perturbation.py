"""Perturbs a scenario's data at random, level by level, to test how robust a result is.

A disturbed scenario is a pure function of the scenario, the share and the seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from market.costs.imbalance import outside
from market.model.arrays import Array, frozen
from market.model.assets import Deferrable, FixedLoad, Hydro, MustRun, ShiftableLoad, Vehicle
from market.model.rules import OwnTariff, Tariff
from market.model.vpp import Asset, ControllableLoad, MicroTurbine, Renewable, Storage, Vpp
from market.scenario.digest import seal_public, seal_scenario
from market.scenario.scenario import Scenario

_MT = (
    "p_min_mw",
    "p_max_mw",
    "ramp_up_mw_per_h",
    "ramp_down_mw_per_h",
    "cost_a_cny_per_mw2h",
    "cost_b_cny_per_mwh",
)
_ESS = ("energy_mwh", "charge_max_mw", "discharge_max_mw", "wear_cny_per_mwh")
_EXCHANGE = ("grid_buy_max_mw", "grid_sell_max_mw", "direct_in_max_mw", "direct_out_max_mw")
_FACTORS = ("grid_emission_t_per_mwh", "grid_quota_t_per_mwh", "mt_quota_t_per_mwh", "direct_quota_t_per_mwh")


class _RandomFactors:
    """Factors, each uniform in 1 ± share."""

    def __init__(self, share: float, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._share = share

    def one(self) -> float:
        return float(self._random.uniform(1.0 - self._share, 1.0 + self._share))

    def many(self, count: int) -> Array:
        factors: Array = self._random.uniform(1.0 - self._share, 1.0 + self._share, count)
        return factors

    def scaled(self, owner: object, names: tuple[str, ...]) -> dict[str, float]:
        return {name: float(getattr(owner, name)) * self.one() for name in names}


def perturbed(scenario: Scenario, share: float, seed: int) -> Scenario:
    """Every datum of a scenario times a factor of its own, uniform in 1 ± share.

    Loads and forecasts vary hour by hour, tariffs level by level (so that their steps stay steps), plants and
    emission factors number by number. The market's and the carbon steps' rules, efficiencies, states of
    charge and shares stay. Limits that belong together (p_min and p_max) may not change their order.
    """
    factors = _RandomFactors(share, seed)
    old = scenario.public
    tariff = Tariff(
        _by_level(old.tariff.retail_cny_per_mwh, factors), _by_level(old.tariff.feed_in_cny_per_mwh, factors)
    )
    carbon = replace(old.carbon, **factors.scaled(old.carbon, _FACTORS))  # type: ignore[arg-type]  # all floats
    vpps = tuple(_vpp(vpp, factors) for vpp in scenario.vpps)
    tariffs = _tariffs(vpps, factors)
    vpps = tuple(_with_tariff(vpp, tariffs) for vpp in vpps)
    if (series := carbon.grid_emission_by_period_t_per_mwh) is not None:
        carbon = replace(carbon, grid_emission_by_period_t_per_mwh=frozen(series * factors.many(len(series))))
    imbalance = None if old.imbalance is None else outside(old.imbalance, tariff)
    public = seal_public(old.horizon, tariff, old.market, carbon, old.currency, imbalance)
    return seal_scenario(scenario.name, scenario.title, public, vpps, scenario.network)


def _by_level(prices: Array, factors: _RandomFactors) -> Array:
    levels, which = np.unique(prices, return_inverse=True)
    return frozen((levels * factors.many(len(levels)))[which])


def _vpp(vpp: Vpp, factors: _RandomFactors) -> Vpp:
    of_load = factors.many(len(vpp.load_mw))
    return replace(
        vpp,
        load_mw=frozen(vpp.load_mw * of_load),
        realised_load_mw=_times(vpp.realised_load_mw, of_load),
        wt=_renewable(vpp.wt, factors) if vpp.wt else None,
        pv=_renewable(vpp.pv, factors) if vpp.pv else None,
        mt=_micro_turbine(vpp.mt, factors) if vpp.mt else None,
        ess=_storage(vpp.ess, factors) if vpp.ess else None,
        cl=_controllable(vpp.cl, factors) if vpp.cl else None,
        exchange=replace(vpp.exchange, **factors.scaled(vpp.exchange, _EXCHANGE)),
        units=tuple(replace(unit, asset=_asset(unit.asset, factors)) for unit in vpp.units),
    )


def _controllable(load: ControllableLoad, factors: _RandomFactors) -> ControllableLoad:
    scaled: dict[str, Any] = factors.scaled(load, ("compensation_cny_per_mwh",))
    return replace(load, **scaled)


def _tariffs(vpps: Sequence[Vpp], factors: _RandomFactors) -> dict[str, OwnTariff]:
    """The tariffs that VPPs have of their own, by name, level by level; those of one name stay one."""
    found = {vpp.tariff.name: vpp.tariff.prices for vpp in vpps if vpp.tariff}
    return {
        name: OwnTariff(
            name,
            Tariff(_by_level(prices.retail_cny_per_mwh, factors), _by_level(prices.feed_in_cny_per_mwh, factors)),
        )
        for name, prices in found.items()
    }


def _with_tariff(vpp: Vpp, tariffs: Mapping[str, OwnTariff]) -> Vpp:
    return replace(vpp, tariff=tariffs[vpp.tariff.name]) if vpp.tariff else vpp


def _asset(asset: Asset, factors: _RandomFactors) -> Asset:
    """A unit's plant: series hour by hour, sizes and costs number by number."""
    changes: dict[str, Any] = {}
    match asset:
        case MicroTurbine():
            return _micro_turbine(asset, factors)
        case Storage():
            return _storage(asset, factors)
        case Renewable():
            return _renewable(asset, factors)
        case ControllableLoad() | ShiftableLoad():
            changes = factors.scaled(asset, ("compensation_cny_per_mwh",))
        case FixedLoad():
            each = factors.many(len(asset.load_mw))
            real = _times(asset.realised_load_mw, each)
            changes = {"load_mw": frozen(asset.load_mw * each), "realised_load_mw": real}
        case MustRun():
            each = factors.many(len(asset.output_mw))
            real = _times(asset.realised_output_mw, each)
            changes = {"output_mw": frozen(asset.output_mw * each), "realised_output_mw": real}
        case Hydro():
            each = factors.many(len(asset.inflow_mw))
            real = _times(asset.realised_inflow_mw, each)
            changes = {"inflow_mw": frozen(asset.inflow_mw * each), "realised_inflow_mw": real}
            changes |= factors.scaled(asset, ("p_max_mw", "om_cost_cny_per_mwh"))
        case Vehicle() | Deferrable():
            one = factors.one()  # both by one factor, so that what fitted fits
            changes = {name: getattr(asset, name) * one for name in ("energy_mwh", "power_max_mw")}
    return replace(asset, **changes)


def _renewable(plant: Renewable, factors: _RandomFactors) -> Renewable:
    each = factors.many(len(plant.forecast_mw))
    return Renewable(
        frozen(plant.forecast_mw * each),
        plant.om_cost_cny_per_mwh * factors.one(),
        _times(plant.realised_mw, each),
    )


def _times(series: Array | None, factors: Array) -> Array | None:
    """What is realised, where it is told, by the factors of what was expected."""
    return None if series is None else frozen(series * factors)


def _micro_turbine(mt: MicroTurbine, factors: _RandomFactors) -> MicroTurbine:
    if mt.curve_mw:  # its outputs stay, and with them its limits
        costs = np.array(mt.curve_cny_per_h) * factors.one()
        return replace(mt, curve_cny_per_h=tuple(costs.tolist()), **factors.scaled(mt, ("emission_t_per_mwh",)))  # type: ignore[arg-type]
    changed = factors.scaled(mt, (*_MT, "emission_t_per_mwh"))
    changed["p_min_mw"] = min(changed["p_min_mw"], changed["p_max_mw"])
    if mt.initial_output_mw:
        changed["initial_output_mw"] = min(max(mt.initial_output_mw, changed["p_min_mw"]), changed["p_max_mw"])
    return replace(mt, **changed)  # type: ignore[arg-type]  # all floats


def _storage(ess: Storage, factors: _RandomFactors) -> Storage:
    return replace(ess, **factors.scaled(ess, _ESS))  # type: ignore[arg-type]  # all floats
