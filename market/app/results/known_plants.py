"""Which plants of a market are known here: those of a scenario beside the tape that are the tape's own."""

from __future__ import annotations

from market.model.public import PublicScenario
from market.model.vpp import Vpp
from market.scenario.digest import plant_digest
from market.scenario.scenario import Scenario


def known_plants(shared: PublicScenario, beside: Scenario | None) -> tuple[Vpp, ...]:
    """The plants of `beside` that take part, in the roster's order; those with another digest are others.

    Where the market has no digest of a plant, whatever bears its id is taken for it.
    """
    vpps = {vpp.id: vpp for vpp in beside.vpps} if beside else {}
    wanted = shared.digest_by_vpp
    return tuple(vpps[vpp] for vpp in wanted if vpp in vpps and wanted[vpp] in ("", plant_digest(vpps[vpp])))


def with_known_plants(shared: PublicScenario, beside: Scenario | None = None) -> Scenario:
    """The market's scenario with the plants that are known here, be it none."""
    return Scenario(
        shared.name,
        shared.title,
        shared.public,
        known_plants(shared, beside),
        shared.network,
        shared.digest,
        shared.roster,
        shared.plant_digests,
        shared.audit,
    )
