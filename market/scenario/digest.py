"""Owns the fingerprints of a scenario: hex sha-256 over the values, in one canonical form.

Knows nothing of files: how a scenario was written, and the folder it lies in, do not count.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from enum import StrEnum

import numpy as np

from market.network import NetworkRules
from market.rules import CarbonRules, Horizon, MarketRules, Tariff
from market.scenario.model import Coupling, PublicRules, Scenario
from market.vpp import Vpp

_FORM = "vppmarket scenario 1"  # a new number whenever the canonical form changes


def seal_public(horizon: Horizon, tariff: Tariff, market: MarketRules, carbon: CarbonRules) -> PublicRules:
    """What everybody knows, with the digest by which they can tell that they agree."""
    return PublicRules(horizon, tariff, market, carbon, _digest([horizon, tariff, market, carbon]))


def seal_scenario(
    name: str, title: str, public: PublicRules, vpps: tuple[Vpp, ...], network: NetworkRules, coupling: Coupling
) -> Scenario:
    """A scenario with its digest: every value counts but `name`, the folder's."""
    digest = _digest([title, public.digest, list(vpps), network, coupling])
    return Scenario(name, title, public, vpps, network, coupling, digest)


def _digest(value: object) -> str:
    text = json.dumps([_FORM, _canonical(value)], sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: object) -> object:
    """The value as JSON can hold it; a double as its shortest exact text, both zeros as one."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _canonical(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, np.ndarray):
        return [_canonical(item) for item in value.tolist()]
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, float):
        return repr(value + 0.0)
    return value
