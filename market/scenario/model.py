"""Owns a whole scenario as the model sees it: rules, VPPs, network. Knows nothing of files or messages."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from market.network import NetworkRules
from market.rules import CarbonRules, Horizon, MarketRules, Tariff
from market.vpp import Vpp


class Coupling(StrEnum):
    """How dispatch and game are coupled; `once` is the paper's way."""

    ONCE = "once"


@dataclass(frozen=True, slots=True)
class PublicRules:
    """What everybody in a market knows, and must agree on. `digest` identifies it (hex sha-256)."""

    horizon: Horizon
    tariff: Tariff
    market: MarketRules
    carbon: CarbonRules
    digest: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """A market to run. `digest` identifies the whole of it (hex sha-256)."""

    name: str
    title: str
    public: PublicRules
    vpps: tuple[Vpp, ...]
    network: NetworkRules
    coupling: Coupling
    digest: str

    def vpp(self, vpp_id: str) -> Vpp:
        """The VPP of that id; KeyError if there is none."""
        for vpp in self.vpps:
            if vpp.id == vpp_id:
                return vpp
        raise KeyError(vpp_id)
