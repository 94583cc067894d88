"""The fields of `scenario.yaml` for a scenario: the way back from the model's values. Checks nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from market.model.currency import DEFAULT_CURRENCY
from market.model.imbalance import ImbalanceRules
from market.model.network import Empirical, NetworkRules
from market.model.public import PublicScenario
from market.model.rules import CarbonRules
from market.model.vpp import Asset, Exchange, MicroTurbine, Unit, Vpp
from market.scenario.fields import plain_fields, plain_text, untold_fields
from market.scenario.groups import group_fields
from market.scenario.network_build import network_fields
from market.scenario.plant_schema import QUADRATIC
from market.scenario.scenario import Scenario
from market.scenario.schema import QUOTAS

Fields: TypeAlias = dict[str, Any]
SampleFiles: TypeAlias = Mapping[tuple[float, ...], str]

_CONDITIONS_LISTS = ("links", "outages", "partitions", "compute")
SHORTHANDS: Mapping[str, tuple[str, ...]] = {
    "step_h": ("period_h",),
    "days": ("periods",),
    "delay_s": ("latency",),
    "ramp_mw_per_h": ("ramp_up_mw_per_h", "ramp_down_mw_per_h"),
    "direct_max_mw": ("direct_in_max_mw", "direct_out_max_mw"),
}
"""The short form of some fields, and the fields it stands for."""


def scenario_fields(scenario: Scenario, profiles: Sequence[str], sample_files: SampleFiles) -> Fields:
    """Every value of a scenario, by the names of the file, in short forms and without what says nothing.

    profiles : the files that hold the columns · sample_files : those that hold measured latencies
    """
    fields = {"profiles": list(profiles), **long_fields(scenario)}
    written = {
        **fields,
        "name": fields["name"] or None,
        "title": fields["title"] or None,
        "currency": None if fields["currency"] == DEFAULT_CURRENCY else fields["currency"],
        "horizon": _told(fields["horizon"], scenario.public.horizon),
        "sources": fields["sources"] or None,
        "imbalance": _imbalance(scenario.public.imbalance),
        "carbon": _short_carbon(scenario.public.carbon, fields["carbon"]),
        "network": _network(fields["network"], sample_files),
        "groups": [_given(group) for group in fields["groups"]] or None,
        "vpps": [_vpp(*pair) for pair in zip(scenario.vpps, fields["vpps"], strict=True)] or None,
    }
    return _given({name: written[name] for name in ("name", "title", *fields)})


def long_fields(scenario: Scenario | PublicScenario) -> Fields:
    """Every value of a scenario but its columns, by the names of the file; null where there is nothing.

    There is a roster where not every plant is known; samples are written out.
    """
    horizon, imbalance = scenario.public.horizon, scenario.public.imbalance
    vpps = scenario.vpps if isinstance(scenario, Scenario) else ()
    return {
        "name": plain_text(scenario.name),
        "title": scenario.title,
        "currency": scenario.public.currency,
        "horizon": {
            **plain_fields(horizon),
            **({"start": horizon.start, "tz": horizon.tz} if horizon.start else {}),
        },
        "rolling": _rolling(scenario),
        "sources": dict(scenario.sources) if isinstance(scenario, Scenario) else {},
        "market": plain_fields(scenario.public.market),
        "carbon": _carbon(scenario.public.carbon),
        "imbalance": None if imbalance is None else plain_fields(imbalance),
        "network": network_fields(scenario.network),
        "audit": scenario.audit.value if scenario.audit else None,
        "roster": None if len(vpps) == len(scenario.roster) else _roster(scenario, vpps),
        "vpps": [_long_vpp(vpp, horizon.period_h) for vpp in vpps],
        "groups": group_fields(vpps),
    }


def measured_samples(rules: NetworkRules) -> list[tuple[float, ...]]:
    """Every list of measured latencies in the conditions, each once."""
    latencies = [rules.every.latency, *(link.latency for link in rules.links)]
    return list(dict.fromkeys(each.samples_s for each in latencies if isinstance(each, Empirical)))


def _given(fields: Fields) -> Fields:
    """The fields that say something."""
    return {name: value for name, value in fields.items() if value is not None}


def _roster(scenario: Scenario | PublicScenario, vpps: Sequence[Vpp]) -> list[object]:
    """The digest of a plant that is here follows from the plant; it is written where others' are known as well."""
    here = {vpp.id for vpp in vpps}
    entries = scenario.digest_by_vpp
    if not any(digest for vpp, digest in entries.items() if vpp not in here):
        return list(scenario.roster)
    return [{"id": vpp, "plant_digest": digest} if digest else vpp for vpp, digest in entries.items()]


def _carbon(rules: CarbonRules) -> Fields:
    """A source counts where its factor does."""
    fields = plain_fields(rules)
    sources = [source.value for name, earns in QUOTAS.items() if fields[name] for source in earns]
    return {**fields, "quota_sources": sources}


def _short_carbon(rules: CarbonRules, fields: Fields) -> Fields:
    """Emission by period is a column, in place of the number."""
    one = "grid_emission_t_per_mwh"
    has_series = rules.grid_emission_by_period_t_per_mwh is not None
    return {name: value for name, value in _told(fields, rules).items() if not (has_series and name == one)}


def _told(fields: Fields, owner: object) -> Fields:
    """Fields without those that came later and say nothing."""
    untold = untold_fields(owner)
    return {name: value for name, value in fields.items() if name not in untold}


def _imbalance(rules: ImbalanceRules | None) -> Fields | None:
    return None if rules is None else _told(plain_fields(rules), rules)


def _rolling(scenario: Scenario | PublicScenario) -> Fields | None:
    if not isinstance(scenario, Scenario) or scenario.rolling is None:
        return None
    return _given(plain_fields(scenario.rolling))


def _network(fields: Fields, sample_files: SampleFiles) -> Fields:
    lists = {name: fields[name] or None for name in _CONDITIONS_LISTS}
    lists["links"] = [_conditions(link, sample_files) for link in fields["links"]] or None
    lists["outages"] = [_given(outage) for outage in fields["outages"]] or None
    lists["partitions"] = [_given(partition) for partition in fields["partitions"]] or None
    return _given({**_conditions(fields, sample_files), **lists})


def _conditions(fields: Fields, sample_files: SampleFiles) -> Fields:
    """Conditions with the short form of a constant latency, and long lists of samples left to their file."""
    latency = fields.get("latency")
    others = {name: value for name, value in fields.items() if name != "latency"}
    if not isinstance(latency, dict):
        return _given(others)
    ends = {name: others.pop(name) for name in tuple(others) if name in ("from", "to", "vpp")}
    if "value_s" in latency:
        return _given({**ends, "delay_s": latency["value_s"], **others})
    return _given({**ends, "latency": _latency(latency, sample_files), **others})


def _latency(latency: Fields, sample_files: SampleFiles) -> Fields:
    samples = latency.get("samples_s")
    file = sample_files.get(tuple(samples)) if isinstance(samples, list) else None
    return latency if file is None else {"kind": latency["kind"], "file": file}


def _long_vpp(vpp: Vpp, period_h: float) -> Fields:
    assets = {name: getattr(vpp, name) for name in ("wt", "pv", "mt", "ess", "cl", "exchange")}
    plain = {name: None if asset is None else plain_fields(asset) for name, asset in assets.items()}
    if vpp.mt is not None:
        plain["mt"] = _micro_turbine(vpp.mt, period_h)
    strategy = (
        None if vpp.strategy is None else {**plain_fields(vpp.strategy), "options": dict(vpp.strategy.options)}
    )
    tariff = vpp.tariff.name if vpp.tariff else None
    units = [_long_unit(unit, period_h) for unit in vpp.units]
    others = {"strategy": strategy, "tariff": tariff, "units": units}
    return {"id": vpp.id, "label": vpp.label, **plain_fields(vpp), **plain, **others}


def _long_unit(unit: Unit, period_h: float) -> Fields:
    asset = unit.asset
    plain = _micro_turbine(asset, period_h) if isinstance(asset, MicroTurbine) else plain_fields(asset)
    return {"id": unit.id, "label": unit.label, "kind": unit.kind.value, **plain}


def _micro_turbine(plant: MicroTurbine, period_h: float) -> Fields:
    """A ramp limit of the whole range in a period is left out: as a number it may be beyond what is allowed.

    So is the cost that a curve stands in place of.
    """
    fields, anything = plain_fields(plant), plant.p_max_mw / period_h
    if plant.curve_mw:
        fields = {name: value for name, value in fields.items() if name not in QUADRATIC}
    ramps = {name: None for name in SHORTHANDS["ramp_mw_per_h"] if fields[name] == anything}
    return fields | ramps


def _vpp(vpp: Vpp, fields: Fields) -> Fields:
    """What a plant has, in short forms."""
    short = {
        name: _short(value, getattr(vpp, name)) if isinstance(value, dict) else value
        for name, value in fields.items()
    }
    free = fields["exchange"] == plain_fields(Exchange())
    units = [_short_unit(unit, each) for unit, each in zip(vpp.units, fields["units"], strict=True)]
    shown = {"label": fields["label"] or None, "exchange": None if free else short["exchange"]}
    return _given({**short, **shown, "units": units or None})


def _short_unit(unit: Unit, fields: Fields) -> Fields:
    return _short({**fields, "label": fields["label"] or None}, unit.asset)


def _short(fields: Fields, owner: Asset | Exchange) -> Fields:
    """What is given, and one limit in place of two that are the same; what came later only if it says anything."""
    untold = untold_fields(owner)
    fields = {name: value for name, value in fields.items() if name not in untold}
    for short, long in SHORTHANDS.items():
        values = {fields.get(name) for name in long}
        if len(values) == 1 and values != {None}:
            first, *others = long
            fields = {short if name == first else name: v for name, v in fields.items() if name not in others}
    return _given(fields)
