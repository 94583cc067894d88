"""Owns a whole scenario as the model sees it: rules, VPPs, network. Knows nothing of files or messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from market.disclosure import Disclosure
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
class PublicScenario:
    """What everybody in a market may know of it, and all that its broker needs: no plant is in it.

    roster : ids of the VPPs, in their order
    plant_digests : the digest of each one's plant (hex sha-256), in the same order; empty where it is undisclosed
    audit : what nodes are asked to show in the end; None leaves it to the command that runs the market
    digest : identifies the whole scenario, its plants by their digests (hex sha-256)
    """

    name: str
    title: str
    public: PublicRules
    network: NetworkRules
    coupling: Coupling
    roster: tuple[str, ...]
    plant_digests: tuple[str, ...]
    audit: Disclosure | None
    digest: str

    @property
    def digest_by_vpp(self) -> dict[str, str]:
        """The digest of each plant, in the order of the roster."""
        return dict(zip(self.roster, self.plant_digests, strict=True))


@dataclass(frozen=True, slots=True)
class Scenario:
    """A market to run. `digest` identifies the whole of it (hex sha-256).

    vpps : the plants that are known here: all, or, in a folder that `split` has made, one or none
    roster, plant_digests, audit : as in `PublicScenario`
    """

    name: str
    title: str
    public: PublicRules
    vpps: tuple[Vpp, ...]
    network: NetworkRules
    coupling: Coupling
    digest: str
    roster: tuple[str, ...]
    plant_digests: tuple[str, ...]
    audit: Disclosure | None = None

    def with_(self, changes: Mapping[str, object]) -> Scenario:
        """The scenario with some of its values changed: `market.scenario.with_overrides`. ScenarioError as there.

        >>> from market.scenario import load_scenario
        >>> hotter = load_scenario("two_vpp").with_({"market.choice_temperature_cny_per_mwh": 80})
        >>> hotter.public.market.choice_temperature_cny_per_mwh
        80.0
        """
        from market.scenario.overrides import with_overrides  # late: it needs pydantic, which a node does without

        return with_overrides(self, changes)

    @property
    def shared(self) -> PublicScenario:
        """The same without its plants."""
        return PublicScenario(
            self.name,
            self.title,
            self.public,
            self.network,
            self.coupling,
            self.roster,
            self.plant_digests,
            self.audit,
            self.digest,
        )

    @property
    def digest_by_vpp(self) -> dict[str, str]:
        """As in `PublicScenario`."""
        return self.shared.digest_by_vpp

    @property
    def whole(self) -> bool:
        """Whether every plant of the market is known here."""
        return tuple(vpp.id for vpp in self.vpps) == self.roster

    def vpp(self, vpp_id: str) -> Vpp:
        """The VPP of that id; KeyError if there is none."""
        for vpp in self.vpps:
            if vpp.id == vpp_id:
                return vpp
        raise KeyError(vpp_id)
