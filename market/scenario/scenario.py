"""A market to run: what everybody may know of it, and the plants that are known here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from market.model.disclosure import Disclosure
from market.model.network import NetworkRules
from market.model.public import PublicRules, PublicScenario
from market.model.rolling import Rolling
from market.model.vpp import Vpp

STAMPED: Final = "stamped at"
"""What the source of a column says whose rows have times."""


def is_timed(source: str) -> bool:
    """Whether a column of this source was read by the times of its rows, and so is of one day only."""
    return STAMPED in source


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """A market to run. `digest` identifies the whole of it (hex sha-256), and equal ones have the same.

    vpps : the plants that are known here: all, or, in a folder that `split` has made, one or none
    roster, plant_digests, audit : as in `PublicScenario`
    rolling : how it is run day by day, None where it is one plan; no part of what the digest identifies either
    sources : by column, where it came from, for readers; no part of what the digest identifies
    """

    name: str
    title: str
    public: PublicRules
    vpps: tuple[Vpp, ...]
    network: NetworkRules
    digest: str
    roster: tuple[str, ...]
    plant_digests: tuple[str, ...]
    audit: Disclosure | None = None
    rolling: Rolling | None = None
    sources: Mapping[str, str] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        """Whether both are the same market under the same name, run in the same way.

        >>> from market.scenario import load_scenario
        >>> case = load_scenario("two_vpp")
        >>> case == load_scenario("two_vpp"), case == case.with_({"carbon.growth": 0.5})
        (True, False)
        """
        return self._identity == other._identity if isinstance(other, Scenario) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[object, ...]:
        return self.name, self.digest, tuple(vpp.id for vpp in self.vpps), self.rolling

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
