"""Fingerprints of a scenario: hex sha-256 over the values, in one canonical form.

How a scenario was written, and the folder it lies in, do not count; nor does a default of what scenarios could
not say when the form was fixed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum

import numpy as np

from market.model.currency import DEFAULT_CURRENCY
from market.model.disclosure import Disclosure
from market.model.imbalance import ImbalanceRules
from market.model.network import NetworkRules
from market.model.parameter import counts
from market.model.public import PublicRules, PublicScenario
from market.model.rules import CarbonRules, Horizon, MarketRules, Tariff
from market.model.vpp import Vpp
from market.scenario.scenario import Scenario

_FORM = "vppmarket scenario 3"  # a new number whenever the canonical form changes


def seal_public(
    horizon: Horizon,
    tariff: Tariff,
    market: MarketRules,
    carbon: CarbonRules,
    currency: str = DEFAULT_CURRENCY,
    imbalance: ImbalanceRules | None = None,
) -> PublicRules:
    """What everybody knows, with the digest by which they can tell that they agree."""
    named = [] if currency == DEFAULT_CURRENCY else [currency]
    of_reality = [] if imbalance is None else [imbalance]
    digest = _digest([horizon, tariff, market, carbon, *named, *of_reality])
    return PublicRules(horizon, tariff, market, carbon, digest, currency, imbalance)


def plant_digest(vpp: Vpp) -> str:
    """The fingerprint of one plant: its owner can show that it has not changed without showing it."""
    return _digest(vpp)


def seal_scenario(
    name: str,
    title: str,
    public: PublicRules,
    vpps: tuple[Vpp, ...],
    network: NetworkRules,
    audit: Disclosure | None = None,
    others: Mapping[str, str] | None = None,
) -> Scenario:
    """A scenario with its digest: every value counts but `name`, the folder's.

    others : where not all plants are known here, the whole roster in its order: the digest of each plant, or an
    empty text where that is not known either
    """
    own = {vpp.id: plant_digest(vpp) for vpp in vpps}
    digests = {vpp: own.get(vpp, known) for vpp, known in (own if others is None else others).items()}
    scenario_digest = _digest([title, public.digest, list(digests.items()), network, audit])
    return Scenario(
        name,
        title,
        public,
        vpps,
        network,
        scenario_digest,
        tuple(digests),
        tuple(digests.values()),
        audit,
    )


def seal_shared(shared: PublicScenario) -> PublicScenario:
    """The same with its digests worked out anew, so that an alteration shows."""
    rules = shared.public
    public = seal_public(rules.horizon, rules.tariff, rules.market, rules.carbon, rules.currency, rules.imbalance)
    others = shared.digest_by_vpp
    return seal_scenario(shared.name, shared.title, public, (), shared.network, shared.audit, others).shared


def _digest(value: object) -> str:
    text = json.dumps([_FORM, _canonical(value)], sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: object) -> object:
    """The value as JSON can hold it; a double as its shortest exact text, both zeros as one."""
    if is_dataclass(value) and not isinstance(value, type):
        given = ((field, getattr(value, field.name)) for field in fields(value))
        return {field.name: _canonical(part) for field, part in given if counts(field, part)}
    if isinstance(value, np.ndarray):
        return [_canonical(item) for item in value.tolist()]
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, float):
        return repr(value + 0.0)
    return value
