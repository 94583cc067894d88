"""What everybody in a market may know of it: rules, roster, network. No plant is in it."""

from __future__ import annotations

from dataclasses import dataclass

from market.model.currency import DEFAULT_CURRENCY
from market.model.disclosure import Disclosure
from market.model.imbalance import ImbalanceRules
from market.model.network import NetworkRules
from market.model.parameter import later
from market.model.rules import CarbonRules, Horizon, MarketRules, Tariff


@dataclass(frozen=True, slots=True)
class PublicRules:
    """What everybody in a market knows, and must agree on. `digest` identifies it (hex sha-256).

    currency : what `cny` in the names of all values stands for, by its code of three letters
    imbalance : how deviations are settled once the day has become real; None where nothing is told of reality
    """

    horizon: Horizon
    tariff: Tariff
    market: MarketRules
    carbon: CarbonRules
    digest: str
    currency: str = later(DEFAULT_CURRENCY)
    imbalance: ImbalanceRules | None = later()


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
    roster: tuple[str, ...]
    plant_digests: tuple[str, ...]
    audit: Disclosure | None
    digest: str

    @property
    def digest_by_vpp(self) -> dict[str, str]:
        """The digest of each plant, in the order of the roster."""
        return dict(zip(self.roster, self.plant_digests, strict=True))
