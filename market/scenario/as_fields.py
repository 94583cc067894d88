"""The fields of `scenario.yaml` for a scenario: the way back from the model's values. Checks nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TypeAlias

from market.network import Empirical, NetworkRules
from market.rules import CarbonRules
from market.scenario.fields import plain_text
from market.scenario.model import Scenario
from market.scenario.network_build import network_fields
from market.scenario.schema import QuotaSource
from market.vpp import Exchange, MicroTurbine, Renewable, Vpp

Fields: TypeAlias = dict[str, object]
SampleFiles: TypeAlias = Mapping[tuple[float, ...], str]

_CONDITIONS_LISTS = ("links", "outages", "partitions", "compute")


def scenario_fields(scenario: Scenario, profiles: Sequence[str], sample_files: SampleFiles) -> Fields:
    """Every value of a scenario, by the names of the file; a roster where not every plant is known.

    profiles : the files that hold the columns · sample_files : those that hold measured latencies
    """
    period_h = scenario.public.horizon.period_h
    return _given(
        {
            "name": plain_text(scenario.name) or None,
            "title": scenario.title or None,
            "profiles": list(profiles),
            "horizon": asdict(scenario.public.horizon),
            "market": _plain(asdict(scenario.public.market)),
            "carbon": _carbon(scenario.public.carbon),
            "network": _network(scenario.network, sample_files),
            "coupling": scenario.coupling.value,
            "audit": scenario.audit.value if scenario.audit else None,
            "roster": None if scenario.whole else _roster(scenario),
            "vpps": [_vpp(vpp, period_h) for vpp in scenario.vpps] or None,
        }
    )


def measured_samples(rules: NetworkRules) -> list[tuple[float, ...]]:
    """Every list of measured latencies in the conditions, each once."""
    latencies = [rules.every.latency, *(link.latency for link in rules.links)]
    return list(dict.fromkeys(each.samples_s for each in latencies if isinstance(each, Empirical)))


def _given(fields: Fields) -> Fields:
    """The fields that say something."""
    return {name: value for name, value in fields.items() if value is not None}


def _plain(fields: Mapping[str, object]) -> Fields:
    """Words of an enumeration as plain text."""
    return {name: str(value) if isinstance(value, str) else value for name, value in fields.items()}


def _roster(scenario: Scenario) -> list[object]:
    """The digest of a plant that is here follows from the plant; it is written where others' are known as well."""
    here = {vpp.id for vpp in scenario.vpps}
    entries = scenario.digest_by_vpp
    if not any(digest for vpp, digest in entries.items() if vpp not in here):
        return list(scenario.roster)
    return [{"id": vpp, "plant_digest": digest} if digest else vpp for vpp, digest in entries.items()]


def _carbon(rules: CarbonRules) -> Fields:
    """A source counts where its factor does."""
    factors = {
        QuotaSource.GRID_BUY: rules.grid_quota_t_per_mwh,
        QuotaSource.MT: rules.mt_quota_t_per_mwh,
        QuotaSource.WT: rules.renewable_quota_t_per_mwh,
        QuotaSource.PV: rules.renewable_quota_t_per_mwh,
    }
    sources = [source.value for source, factor in factors.items() if factor]
    return {**_plain(asdict(rules)), "quota_sources": sources}


def _network(rules: NetworkRules, sample_files: SampleFiles) -> Fields:
    fields = network_fields(rules)
    links = [_conditions(link, sample_files) for link in _mappings(fields["links"])]
    lists = {name: fields[name] or None for name in _CONDITIONS_LISTS}
    lists["links"] = links or None
    lists["outages"] = [_given(outage) for outage in _mappings(fields["outages"])] or None
    lists["partitions"] = [_given(partition) for partition in _mappings(fields["partitions"])] or None
    return _given({**_conditions(fields, sample_files), **lists})


def _mappings(value: object) -> Iterable[Fields]:
    assert isinstance(value, list)
    return value


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


def _vpp(vpp: Vpp, period_h: float) -> Fields:
    return _given(
        {
            "id": vpp.id,
            "label": vpp.label or None,
            "satisfaction": vpp.satisfaction,
            "wt": _renewable(vpp.wt),
            "pv": _renewable(vpp.pv),
            "mt": _micro_turbine(vpp.mt, period_h) if vpp.mt else None,
            "ess": asdict(vpp.ess) if vpp.ess else None,
            "cl": _given(asdict(vpp.cl)) if vpp.cl else None,
            "exchange": _exchange(vpp.exchange) or None,
        }
    )


def _renewable(plant: Renewable | None) -> Fields | None:
    return {"om_cost_cny_per_mwh": plant.om_cost_cny_per_mwh} if plant else None


def _micro_turbine(plant: MicroTurbine, period_h: float) -> Fields:
    """A ramp limit of the whole range in a period is left out: as a number it may be beyond what is allowed."""
    anything = plant.p_max_mw / period_h
    up, down = (None if ramp == anything else ramp for ramp in (plant.ramp_up_mw_per_h, plant.ramp_down_mw_per_h))
    ramps: Fields = {"ramp_up_mw_per_h": up, "ramp_down_mw_per_h": down}
    others = {name: value for name, value in asdict(plant).items() if name not in ramps}
    limits = {name: others.pop(name) for name in ("p_min_mw", "p_max_mw")}
    return _given({**limits, **({"ramp_mw_per_h": up} if up == down else ramps), **others})


def _exchange(limits: Exchange) -> Fields:
    """What is limited."""
    fields: Fields = {name: value for name, value in asdict(limits).items() if value != math.inf}
    into, out = fields.get("direct_in_max_mw"), fields.get("direct_out_max_mw")
    if into is None or into != out:
        return fields
    both = {name: value for name, value in fields.items() if not name.startswith("direct_")}
    return {**both, "direct_max_mw": into}
