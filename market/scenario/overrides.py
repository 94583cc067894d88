"""Owns changing a scenario's shared rules from outside its files: command-line flags, experiments, sweeps.

Knows nothing of where a change comes from; it passes the same rules as the file, with the same words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TypeVar

from pydantic import ValidationError

from market.errors import Fault, ScenarioError
from market.scenario.build import carbon_rules, market_rules
from market.scenario.digest import seal_public, seal_scenario
from market.scenario.document import FILE_NAME, path_text
from market.scenario.faults import Place, schema_faults, shown
from market.scenario.fields import Section
from market.scenario.model import Scenario
from market.scenario.network_build import network_fields, network_rules
from market.scenario.network_ids import unknown_ids
from market.scenario.network_schema import ConditionsSection, NetworkSection
from market.scenario.schema import CarbonSection, MarketSection, QuotaSource

_SECTIONS = ("market", "carbon", "network")
_SectionT = TypeVar("_SectionT", bound=Section)


def with_overrides(
    scenario: Scenario, changes: Mapping[str, object], told_as: Mapping[str, str] | None = None
) -> Scenario:
    """The scenario with some fields of its sections market, carbon and network changed, and new digests.

    `changes` maps paths as in `scenario.yaml` to values: {"network.delay_s": 0.05, "carbon.mode": "flat"}.
    "market.satisfaction" sets κ of every VPP. A quota factor above 0 counts, whatever the file's
    `quota_sources`, which cannot be changed here; a measured latency comes as `samples_s`, not as a file.
    `told_as` says by path where a value came from, for messages. Raises ScenarioError with every fault at once.
    """
    place = _placer(told_as or {})
    faults = [_unknown(path) for path in changes if not _is_open(path)]
    market = _changed(MarketSection, "market", asdict(scenario.public.market), changes, faults, place)
    carbon = _changed(CarbonSection, "carbon", _carbon_fields(scenario), changes, faults, place)
    network = _changed(NetworkSection, "network", _network_fields(scenario, changes), changes, faults, place)
    faults += unknown_ids(_own("network", changes), scenario.roster, place)
    faults += _files(network, place)
    if market is None or carbon is None or network is None or faults:
        raise ScenarioError(faults)
    old = scenario.public
    public = seal_public(old.horizon, old.tariff, market_rules(market), carbon_rules(carbon))
    vpps = scenario.vpps
    if "market.satisfaction" in changes:
        vpps = tuple(replace(vpp, satisfaction=market.satisfaction) for vpp in vpps)
    rules = network_rules(network, samples={})
    others = None if scenario.whole else scenario.digest_by_vpp
    return seal_scenario(
        scenario.name, scenario.title, public, vpps, rules, scenario.coupling, scenario.audit, others
    )


def _placer(told_as: Mapping[str, str]) -> Place:
    """How messages name a path: by where its value came from, else as an override."""

    def place(path: Sequence[str | int]) -> str:
        source = told_as.get(path_text(path[:2]))
        return f"override {path_text(path)}" if source is None else f"{source} {path_text(path[2:])}".rstrip()

    return place


def _files(network: NetworkSection | None, place: Place) -> list[Fault]:
    """Files named in place of samples: there is no folder to look for them in."""
    if network is None:
        return []
    places: list[tuple[tuple[str | int, ...], ConditionsSection]] = [(("network",), network)]
    places += [(("network", "links", index), link) for index, link in enumerate(network.links)]
    rule, remedy = "must be given as samples_s in an override", "give the numbers themselves"
    return [
        Fault(rule, shown(section.latency.file), place((*path, "latency", "file")), remedy)
        for path, section in places
        if section.latency is not None and section.latency.file is not None
    ]


def _is_open(path: str) -> bool:
    section, dot, _ = path.partition(".")
    return section in _SECTIONS and bool(dot) and path != "carbon.quota_sources"


def _unknown(path: str) -> Fault:
    remedy = f"change {FILE_NAME} instead; a path is one of {', '.join(_SECTIONS)}, a point, and a field"
    return Fault("must be a field that can be overridden", shown(path), "override", remedy)


def _carbon_fields(scenario: Scenario) -> dict[str, object]:
    """The carbon rules as fields; a source that does not count has the factor 0, so all may be named."""
    return {**asdict(scenario.public.carbon), "quota_sources": list(QuotaSource)}


def _network_fields(scenario: Scenario, changes: Mapping[str, object]) -> dict[str, object]:
    """The network as fields. The short form of a latency takes the place of whatever latency there is."""
    fields = network_fields(scenario.network)
    if "network.delay_s" in changes:
        del fields["latency"]
    return fields


def _own(name: str, changes: Mapping[str, object]) -> dict[str, object]:
    """The changes of one section, by field."""
    return {path.removeprefix(f"{name}."): value for path, value in changes.items() if path.startswith(f"{name}.")}


def _changed(
    schema: type[_SectionT],
    name: str,
    fields: dict[str, object],
    changes: Mapping[str, object],
    faults: list[Fault],
    place: Place,
) -> _SectionT | None:
    """The section with its changes; None, and the reasons among `faults`, where it breaks a rule."""
    try:
        return schema.model_validate(fields | _own(name, changes))
    except ValidationError as error:
        faults += schema_faults(schema, error, lambda path: place((name, *path)))
        return None
