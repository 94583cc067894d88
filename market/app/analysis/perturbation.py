"""Perturbs a scenario's data at random, level by level, to test how robust a result is.

A disturbed scenario is a pure function of the scenario, the share and the seed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from market.model.arrays import Array, frozen
from market.model.rules import Tariff
from market.model.vpp import MicroTurbine, Renewable, Storage, Vpp
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
    public = seal_public(old.horizon, tariff, old.market, carbon)
    return seal_scenario(scenario.name, scenario.title, public, vpps, scenario.network)


def _by_level(prices: Array, factors: _RandomFactors) -> Array:
    levels, which = np.unique(prices, return_inverse=True)
    return frozen((levels * factors.many(len(levels)))[which])


def _vpp(vpp: Vpp, factors: _RandomFactors) -> Vpp:
    return replace(
        vpp,
        load_mw=frozen(vpp.load_mw * factors.many(len(vpp.load_mw))),
        wt=_renewable(vpp.wt, factors) if vpp.wt else None,
        pv=_renewable(vpp.pv, factors) if vpp.pv else None,
        mt=_micro_turbine(vpp.mt, factors) if vpp.mt else None,
        ess=_storage(vpp.ess, factors) if vpp.ess else None,
        cl=replace(vpp.cl, **factors.scaled(vpp.cl, ("compensation_cny_per_mwh",))) if vpp.cl else None,
        exchange=replace(vpp.exchange, **factors.scaled(vpp.exchange, _EXCHANGE)),
    )


def _renewable(plant: Renewable, factors: _RandomFactors) -> Renewable:
    forecast = frozen(plant.forecast_mw * factors.many(len(plant.forecast_mw)))
    return Renewable(forecast, plant.om_cost_cny_per_mwh * factors.one())


def _micro_turbine(mt: MicroTurbine, factors: _RandomFactors) -> MicroTurbine:
    changed = factors.scaled(mt, (*_MT, "emission_t_per_mwh"))
    changed["p_min_mw"] = min(changed["p_min_mw"], changed["p_max_mw"])
    return replace(mt, **changed)  # type: ignore[arg-type]  # all floats


def _storage(ess: Storage, factors: _RandomFactors) -> Storage:
    return replace(ess, **factors.scaled(ess, _ESS))  # type: ignore[arg-type]  # all floats
