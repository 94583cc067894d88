"""What a broker is asked to run."""

from __future__ import annotations

from dataclasses import dataclass

from broker.protocol.membership import Timeouts
from market.model.disclosure import Disclosure
from market.model.network import NetworkRules, OnLoss
from market.model.public import PublicRules, PublicScenario


@dataclass(frozen=True, slots=True)
class RunConfig:
    """What a broker is asked to run: a market without its plants, and how.

    audit : how much of their days the nodes are asked to show in the end
    """

    shared: PublicScenario
    seed: int
    patience: Timeouts
    audit: Disclosure = Disclosure.FULL

    @property
    def public(self) -> PublicRules:
        """The rules of the market."""
        return self.shared.public

    @property
    def vpps(self) -> tuple[str, ...]:
        """Who takes part, in order."""
        return self.shared.roster

    @property
    def network(self) -> NetworkRules:
        """The conditions between them."""
        return self.shared.network

    @property
    def farewell_s(self) -> float:
        """How long one is told that the run is over that does not take leave.

        Who is waited for when it is lost, is so in the end too; half as long, since it may also be gone for good,
        the last that it said being lost.
        """
        waits = self.network.on_loss is OnLoss.WAIT
        return self.patience.silence_s + (self.patience.wait_s / 2 if waits else 0.0)
