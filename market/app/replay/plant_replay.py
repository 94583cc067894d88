"""Replays what a plant decides: its declaration, and the plans that it discloses in the end."""

from __future__ import annotations

from market.bidding.declare import declare
from market.errors import DispatchError
from market.model.declaration import Declaration
from market.model.disclosure import ShownPlan, disclosure_of, shown
from market.model.plan import DirectExchange, DispatchPlan
from market.model.public import PublicRules
from market.model.vpp import Vpp
from vpp_nodes.dispatch import dispatch


class PlantReplay:
    """One plant that is known here. A day that cannot be planned here gives None, which nothing on a tape is."""

    def __init__(self, vpp: Vpp, public: PublicRules) -> None:
        self._vpp = vpp
        self._public = public
        self._before: DispatchPlan | None = None

    def declaration(self) -> Declaration | None:
        """What it makes public of its day."""
        before = self.before()
        return declare(self._vpp, before, self._public) if before else None

    def before(self) -> DispatchPlan | None:
        """Its day without trade; planned once, since it does not depend on who takes part."""
        if self._before is None:
            self._before = self._planned(None)
        return self._before

    def after(self, direct: DirectExchange) -> DispatchPlan | None:
        """Its day with a trade fixed."""
        return self._planned(direct)

    def _planned(self, direct: DirectExchange | None) -> DispatchPlan | None:
        try:
            return dispatch(self._vpp, self._public, direct)
        except DispatchError:
            return None


def as_shown(plan: DispatchPlan | None, recorded: ShownPlan) -> ShownPlan:
    """As much of a plan as was shown of the recorded one."""
    return shown(plan, disclosure_of(recorded))
