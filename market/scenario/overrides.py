"""Owns changing a scenario's shared rules from outside its files: command-line flags, experiments, sweeps.

Knows nothing of where a change comes from; it passes the same rules as the file, with the same words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TypeVar

from pydantic import ValidationError

from market.errors import Fault, ScenarioError
from market.network import Constant
from market.scenario.build import carbon_rules, market_rules, network_rules
from market.scenario.digest import seal_public, seal_scenario
from market.scenario.document import FILE_NAME, path_text
from market.scenario.faults import schema_faults, shown
from market.scenario.model import Scenario
from market.scenario.schema import CarbonSection, MarketSection, NetworkSection, QuotaSource, Section

_SECTIONS = ("market", "carbon", "network")
_SectionT = TypeVar("_SectionT", bound=Section)


def with_overrides(scenario: Scenario, changes: Mapping[str, object]) -> Scenario:
    """The scenario with some fields of its sections market, carbon and network changed, and new digests.

    `changes` maps paths as in `scenario.yaml` to values: {"network.delay_s": 0.05, "carbon.mode": "flat"}.
    "market.satisfaction" sets κ of every VPP. A quota factor above 0 counts, whatever the file's
    `quota_sources`, which cannot be changed here. Raises ScenarioError with every fault at once.
    """
    faults = [_unknown(path) for path in changes if not _is_open(path)]
    market = _changed(MarketSection, "market", asdict(scenario.public.market), changes, faults)
    carbon = _changed(CarbonSection, "carbon", _carbon_fields(scenario), changes, faults)
    network = _changed(NetworkSection, "network", _network_fields(scenario), changes, faults)
    if market is None or carbon is None or network is None or faults:
        raise ScenarioError(faults)
    old = scenario.public
    public = seal_public(old.horizon, old.tariff, market_rules(market), carbon_rules(carbon))
    vpps = scenario.vpps
    if "market.satisfaction" in changes:
        vpps = tuple(replace(vpp, satisfaction=market.satisfaction) for vpp in vpps)
    return seal_scenario(scenario.name, scenario.title, public, vpps, network_rules(network), scenario.coupling)


def _is_open(path: str) -> bool:
    section, dot, _ = path.partition(".")
    return section in _SECTIONS and bool(dot) and path != "carbon.quota_sources"


def _unknown(path: str) -> Fault:
    remedy = f"change {FILE_NAME} instead; a path is one of {', '.join(_SECTIONS)}, a point, and a field"
    return Fault("must be a field that can be overridden", shown(path), "override", remedy)


def _carbon_fields(scenario: Scenario) -> dict[str, object]:
    """The carbon rules as fields; a source that does not count has the factor 0, so all may be named."""
    return {**asdict(scenario.public.carbon), "quota_sources": list(QuotaSource)}


def _network_fields(scenario: Scenario) -> dict[str, object]:
    latency = scenario.network.every.latency
    assert isinstance(latency, Constant)
    return {"delay_s": latency.value_s}


def _changed(
    schema: type[_SectionT],
    name: str,
    fields: dict[str, object],
    changes: Mapping[str, object],
    faults: list[Fault],
) -> _SectionT | None:
    """The section with its changes; None, and the reasons among `faults`, where it breaks a rule."""
    mine = {path.removeprefix(f"{name}."): value for path, value in changes.items() if path.startswith(f"{name}.")}
    try:
        return schema.model_validate(fields | mine)
    except ValidationError as error:
        faults += schema_faults(schema, error, lambda path: f"override {path_text((name, *path))}")
        return None
