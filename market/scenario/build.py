"""Builds the model's own types from validated fields and columns, with defaults that depend on others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from market.model.arrays import Array, frozen
from market.model.assets import Deferrable, FixedLoad, Hydro, MustRun, ShiftableLoad, Vehicle
from market.model.reality import REALISED
from market.model.rolling import Rolling
from market.model.rules import CarbonRules, Horizon, MarketRules, OwnTariff, Tariff
from market.model.strategy import StrategyChoice
from market.model.unit_limits import SERIES, TURBINES
from market.model.vpp import (
    ControllableLoad,
    Exchange,
    MicroTurbine,
    Renewable,
    Storage,
    Unit,
    UnitKind,
    Vpp,
)
from market.scenario.digest import seal_public, seal_scenario
from market.scenario.fields import Section, values_of
from market.scenario.groups import with_shares
from market.scenario.network_build import Samples, network_rules
from market.scenario.profiles import ASSETS, FEED_IN, RETAIL, power_column
from market.scenario.realised import Columns, imbalance_rules, realised_by_power, with_errors
from market.scenario.scenario import Scenario
from market.scenario.schema import QUOTAS
from market.scenario.unit_columns import (
    GRID_EMISSION,
    TARIFF_COLUMNS,
    tariff_column,
    unit_column,
)


def build_scenario(
    name: str,
    file: Section,
    columns: Columns,
    samples: Samples,
    horizon: Horizon,
    sources: Mapping[str, str],
) -> Scenario:
    """The scenario of validated fields, complete columns and measured latencies, with its digests.

    name : where the file gives none · sources : where columns came from, for readers
    """
    powers = powers_of(file)
    columns = with_errors(file.forecast, columns, powers, horizon.period_h)
    real = realised_by_power(columns, powers)
    tariff = Tariff(frozen(columns[RETAIL]), frozen(columns[FEED_IN]))
    carbon, imbalance = _carbon_rules(file.carbon, columns), imbalance_rules(file, columns, real)
    public = seal_public(horizon, tariff, _market_rules(file), carbon, file.currency, imbalance)
    vpps = [
        with_shares(_vpp(vpp, file.market.satisfaction, horizon.period_h, columns, real), file)
        for vpp in file.vpps
    ]
    others = {entry.id: entry.plant_digest or "" for entry in file.roster} if file.roster else None
    order = list(others or {})
    sealed = seal_scenario(
        file.name or name,
        file.title,
        public,
        tuple(sorted(vpps, key=lambda vpp: order.index(vpp.id)) if others else vpps),
        network_rules(file.network, samples),
        file.audit,
        others,
    )
    rolling = None if file.rolling is None else values_of(Rolling, file.rolling)
    return replace(sealed, rolling=rolling, sources=dict(sources))


def powers_of(file: Section) -> tuple[str, ...]:
    """The columns of all powers of a scenario's plants."""
    units = [(vpp.id, unit) for vpp in file.vpps for unit in vpp.units if UnitKind(unit.kind) in SERIES]
    fields = [power_column(vpp.id, asset) for vpp in file.vpps for asset in ASSETS]
    return (*fields, *(unit_column(vpp, unit.id) for vpp, unit in units))


def _market_rules(file: Section) -> MarketRules:
    """Coupling may stand at its older place, outside the section."""
    older = {} if file.coupling is None else {"coupling": file.coupling}
    return values_of(MarketRules, file.market, **older)


def _carbon_rules(section: Section, columns: Columns) -> CarbonRules:
    """A quota that is no source counts as 0; what follows it in the file does all the same."""
    series = columns.get(GRID_EMISSION)
    absent: dict[str, Any] = {
        name: 0.0 for name, sources in QUOTAS.items() if not set(sources) & set(section.quota_sources)
    }
    if series is not None:
        absent["grid_emission_by_period_t_per_mwh"] = frozen(series)
    return replace(values_of(CarbonRules, section), **absent)


def _vpp(section: Section, satisfaction: float, period_h: float, columns: Columns, real: Columns) -> Vpp:
    """A plant; its own κ, where it has none, is the market's. real : what becomes of its powers, by column"""
    own = {"satisfaction": satisfaction} if section.satisfaction is None else {}
    return values_of(
        Vpp,
        section,
        id=section.id,
        label=section.label,
        load_mw=_load(section, columns),
        realised_load_mw=_realised(power_column(section.id, "load"), real),
        wt=_renewable(section.wt, power_column(section.id, "wt"), columns, real),
        pv=_renewable(section.pv, power_column(section.id, "pv"), columns, real),
        mt=_micro_turbine(section.mt, period_h) if section.mt else None,
        ess=values_of(Storage, section.ess) if section.ess else None,
        cl=values_of(ControllableLoad, section.cl) if section.cl else None,
        exchange=_exchange(section.exchange),
        strategy=_strategy(section.strategy) if section.strategy else None,
        units=tuple(_unit(section.id, unit, period_h, columns, real) for unit in section.units),
        tariff=_tariff(section.tariff, columns) if section.tariff else None,
        **own,
    )


def _strategy(section: Section) -> StrategyChoice:
    """Options are in the order of their names, since only what they say counts."""
    return values_of(StrategyChoice, section, options=tuple(sorted(section.options.items())))


def _load(section: Section, columns: Columns) -> Array:
    """Its own load; 0 where it has only loads among its units."""
    column = columns.get(power_column(section.id, "load"))
    if column is None:
        column = (0.0,) * len(columns[RETAIL])
    return frozen(column)


def _tariff(name: str, columns: Columns) -> OwnTariff:
    retail, feed_in = (frozen(columns[tariff_column(name, price)]) for price in TARIFF_COLUMNS)
    return OwnTariff(name, Tariff(retail, feed_in))


def _unit(vpp_id: str, section: Section, period_h: float, columns: Columns, real: Columns) -> Unit:
    """A unit with its series."""
    kind = UnitKind(section.kind)
    if kind in TURBINES:
        return Unit(section.id, section.label, kind, _micro_turbine(section, period_h))
    series: dict[str, Any] = {}
    if kind in SERIES:
        column = unit_column(vpp_id, section.id)
        series = {SERIES[kind]: frozen(columns[column]), REALISED[kind]: _realised(column, real)}
    asset: Any = values_of(_ASSETS[kind], section, **series)
    return Unit(section.id, section.label, kind, asset)


_ASSETS: Mapping[UnitKind, type] = {
    UnitKind.WT: Renewable,
    UnitKind.PV: Renewable,
    UnitKind.ESS: Storage,
    UnitKind.CL: ControllableLoad,
    UnitKind.LOAD: FixedLoad,
    UnitKind.HYDRO: Hydro,
    UnitKind.MUST_RUN: MustRun,
    UnitKind.SHIFT: ShiftableLoad,
    UnitKind.EV: Vehicle,
    UnitKind.DEFERRABLE: Deferrable,
}


def _renewable(section: Section | None, column: str, columns: Columns, real: Columns) -> Renewable | None:
    if section is None:
        return None
    series = {"forecast_mw": frozen(columns[column]), "realised_mw": _realised(column, real)}
    return values_of(Renewable, section, **series)


def _realised(column: str, real: Columns) -> Array | None:
    """What becomes of a power, where that is told."""
    found = real.get(column)
    return None if found is None else frozen(found)


def _micro_turbine(section: Section, period_h: float) -> MicroTurbine:
    """A ramp left out is the shorthand's, or the whole range in a period."""
    both = section.p_max_mw / period_h if section.ramp_mw_per_h is None else section.ramp_mw_per_h
    ramps = ("ramp_up_mw_per_h", "ramp_down_mw_per_h")
    no_cost = {"cost_b_cny_per_mwh": 0.0} if section.curve_mw else {}
    return values_of(MicroTurbine, section, **_left_out(section, ramps, both), **no_cost)


def _exchange(section: Section) -> Exchange:
    """A limit left out is the shorthand's, where there is one."""
    both, ends = section.direct_max_mw, ("direct_in_max_mw", "direct_out_max_mw")
    return values_of(Exchange, section, **({} if both is None else _left_out(section, ends, both)))


def _left_out(section: Section, names: tuple[str, ...], value: float) -> dict[str, float]:
    """The value for those of the fields that are not given."""
    return {name: value for name in names if getattr(section, name) is None}
