"""Owns the step from validated fields and columns to the model's own types; defaults that depend on others.

Knows nothing of files, and checks nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeAlias

from market.arrays import frozen
from market.rules import CarbonRules, Horizon, MarketRules, Tariff
from market.scenario.digest import seal_public, seal_scenario
from market.scenario.model import Scenario
from market.scenario.network_build import Samples, network_rules
from market.scenario.profiles import FEED_IN, RETAIL, power_column
from market.scenario.schema import (
    CarbonSection,
    ControllableLoadSection,
    ExchangeSection,
    MarketSection,
    MicroTurbineSection,
    PvSection,
    QuotaSource,
    ScenarioFile,
    StorageSection,
    VppSection,
    WindSection,
)
from market.vpp import ControllableLoad, Exchange, MicroTurbine, Renewable, Storage, Vpp

Columns: TypeAlias = Mapping[str, tuple[float, ...]]


def build_scenario(name: str, file: ScenarioFile, columns: Columns, samples: Samples) -> Scenario:
    """The scenario of validated fields, complete columns and measured latencies, with its digests.

    name : where the file gives none
    """
    horizon = Horizon(file.horizon.periods, file.horizon.period_h)
    tariff = Tariff(frozen(columns[RETAIL]), frozen(columns[FEED_IN]))
    public = seal_public(horizon, tariff, market_rules(file.market), carbon_rules(file.carbon))
    vpps = [_vpp(vpp, file.market.satisfaction, horizon.period_h, columns) for vpp in file.vpps]
    others = {entry.id: entry.plant_digest or "" for entry in file.roster} if file.roster else None
    order = list(others or {})
    return seal_scenario(
        file.name or name,
        file.title,
        public,
        tuple(sorted(vpps, key=lambda vpp: order.index(vpp.id)) if others else vpps),
        network_rules(file.network, samples),
        file.coupling,
        file.audit,
        others,
    )


def market_rules(section: MarketSection) -> MarketRules:
    """All of the section but `satisfaction`, which belongs to each VPP."""
    return MarketRules(**section.model_dump(exclude={"satisfaction"}))


def carbon_rules(section: CarbonSection) -> CarbonRules:
    """The factors of (1) and (2); a quota that is no source counts as 0."""
    sources = section.quota_sources
    flat, direct = section.flat_price_cny_per_t, section.direct_quota_t_per_mwh
    return CarbonRules(
        mode=section.mode,
        base_price_cny_per_t=section.base_price_cny_per_t,
        flat_price_cny_per_t=section.base_price_cny_per_t if flat is None else flat,
        interval_t=section.interval_t,
        growth=section.growth,
        steps=section.steps,
        grid_emission_t_per_mwh=section.grid_emission_t_per_mwh,
        grid_quota_t_per_mwh=section.grid_quota_t_per_mwh if QuotaSource.GRID_BUY in sources else 0.0,
        mt_quota_t_per_mwh=section.mt_quota_t_per_mwh if QuotaSource.MT in sources else 0.0,
        renewable_quota_t_per_mwh=(section.renewable_quota_t_per_mwh or 0.0) if QuotaSource.WT in sources else 0.0,
        credits_follow_energy=section.credits_follow_energy,
        direct_quota_t_per_mwh=section.grid_quota_t_per_mwh if direct is None else direct,
    )


def _vpp(section: VppSection, satisfaction: float, period_h: float, columns: Columns) -> Vpp:
    return Vpp(
        id=section.id,
        label=section.label,
        load_mw=frozen(columns[power_column(section.id, "load")]),
        wt=_renewable(section.wt, power_column(section.id, "wt"), columns),
        pv=_renewable(section.pv, power_column(section.id, "pv"), columns),
        mt=_micro_turbine(section.mt, period_h) if section.mt else None,
        ess=_storage(section.ess) if section.ess else None,
        cl=_controllable_load(section.cl) if section.cl else None,
        exchange=_exchange(section.exchange),
        satisfaction=satisfaction if section.satisfaction is None else section.satisfaction,
    )


def _renewable(section: WindSection | PvSection | None, column: str, columns: Columns) -> Renewable | None:
    return Renewable(frozen(columns[column]), section.om_cost_cny_per_mwh) if section else None


def _micro_turbine(section: MicroTurbineSection, period_h: float) -> MicroTurbine:
    anything = section.p_max_mw / period_h
    up = _first(section.ramp_up_mw_per_h, section.ramp_mw_per_h, anything)
    down = _first(section.ramp_down_mw_per_h, section.ramp_mw_per_h, anything)
    own = section.model_dump(exclude={"ramp_mw_per_h", "ramp_up_mw_per_h", "ramp_down_mw_per_h"})
    return MicroTurbine(**own, ramp_up_mw_per_h=up, ramp_down_mw_per_h=down)


def _storage(section: StorageSection) -> Storage:
    return Storage(**section.model_dump())


def _controllable_load(section: ControllableLoadSection) -> ControllableLoad:
    return ControllableLoad(**section.model_dump())


def _exchange(section: ExchangeSection) -> Exchange:
    return Exchange(
        grid_buy_max_mw=_first(section.grid_buy_max_mw, None, math.inf),
        grid_sell_max_mw=_first(section.grid_sell_max_mw, None, math.inf),
        direct_in_max_mw=_first(section.direct_in_max_mw, section.direct_max_mw, math.inf),
        direct_out_max_mw=_first(section.direct_out_max_mw, section.direct_max_mw, math.inf),
    )


def _first(value: float | None, shorthand: float | None, otherwise: float) -> float:
    """The value given, else the shorthand given, else the default."""
    given = shorthand if value is None else value
    return otherwise if given is None else given
