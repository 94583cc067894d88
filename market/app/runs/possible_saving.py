"""What all VPPs of a scenario would save together if they planned as one, where that is soon worked out."""

from __future__ import annotations

from typing import Final

from market.errors import DispatchError
from market.scenario.scenario import Scenario
from market.settlement.settlement import Settlement
from vpp_nodes.dispatch.joint import joint_dispatch
from vpp_nodes.dispatch.variables import commitment_binaries

_MOST_JOINT: Final = 1000  # VPPs × periods up to which one programme for all is a matter of a second
_MOST_COMMITTED: Final = 150  # the same where turbines may be switched off


def is_soon_known(scenario: Scenario) -> bool:
    """Whether all plants are here, and one programme for all takes no longer than the day itself."""
    vpps, integer = scenario.vpps, any(commitment_binaries(vpp) for vpp in scenario.vpps)
    size = len(vpps) * scenario.public.horizon.periods
    return scenario.whole and size <= (_MOST_COMMITTED if integer else _MOST_JOINT)


def possible_saving_cny(scenario: Scenario, settlement: Settlement) -> float | None:
    """What one plan for all would cost less than the grid only; None where there is none, or that takes long."""
    if not is_soon_known(scenario):
        return None
    try:
        together_cny = joint_dispatch(scenario.vpps, scenario.public).total_cny
    except DispatchError:
        return None
    return settlement.grid_only_system.total_cny - together_cny
