"""What VPPs would declare if each planned its day alone, as far as that is soon worked out."""

from __future__ import annotations

from typing import Final

from market.bidding.declare import declare
from market.model.declaration import Declaration
from market.scenario.scenario import Scenario
from vpp_nodes.dispatch import dispatch

_MOST: Final = 3000  # VPPs × periods that are planned within a second or two


def first_declarations(scenario: Scenario) -> tuple[Declaration, ...]:
    """The declarations in the scenario's order; none where there are too many plants, or not all are here.

    DispatchError if a plant's day cannot be planned.
    """
    if not scenario.whole or len(scenario.vpps) * scenario.public.horizon.periods > _MOST:
        return ()
    public = scenario.public
    return tuple(declare(vpp, dispatch(vpp, public, None), public) for vpp in scenario.vpps)
