"""What each VPP of a recorded run shows of its day, and the words for what it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Final

from market.app.results.recorded import RecordedRun
from market.model.disclosure import Disclosure, least

STAGES: Final[Mapping[str, int]] = {"grid_only": 1, "game": 3}
"""The two plans of a day: as `costs` names them, and as `dispatch` numbers them."""

NOT_SHOWN: Final = "not shown"


@dataclass(frozen=True, slots=True)
class Disclosed:
    """Who shows how much. `levels`: by VPP and by `costs`' name of the plan, for all who took part to the end."""

    levels: Mapping[tuple[str, str], Disclosure]

    @property
    def members(self) -> list[str]:
        """Who took part to the end, in the scenario's order."""
        return list(dict.fromkeys(vpp for vpp, _ in self.levels))

    def stages(self, vpp: str) -> list[int]:
        """The stages whose plans a VPP shows whole."""
        return [stage for name, stage in STAGES.items() if self.levels.get((vpp, name)) is Disclosure.FULL]

    def of(self, vpp: str) -> Disclosure:
        """What a VPP shows of both its plans."""
        return least(*(self.levels[vpp, name] for name in STAGES))

    def at(self, level: Disclosure) -> list[str]:
        """Who shows exactly so much of both plans."""
        return [vpp for vpp in self.members if self.of(vpp) is level]

    def with_costs(self) -> list[str]:
        """Whose costs are known, without trade or with it."""
        hidden = Disclosure.NONE
        return [vpp for vpp in self.members if any(self.levels[vpp, name] is not hidden for name in STAGES)]

    def without_costs(self) -> list[str]:
        """Whose costs are not known at all."""
        known = self.with_costs()
        return [vpp for vpp in self.members if vpp not in known]


def disclosed(run: RecordedRun) -> Disclosed:
    """Who shows how much, as the tables tell."""
    dispatch, costs = run["dispatch"], run["costs"]
    plans = set(zip(dispatch["vpp"].tolist(), dispatch["stage"].tolist(), strict=True))
    names = zip(costs["vpp"].tolist(), costs["scenario"].tolist(), strict=True)
    totals = dict(zip(names, costs["operation_cny"].tolist(), strict=True))

    def level(vpp: str, name: str) -> Disclosure:
        if (vpp, STAGES[name]) in plans:
            return Disclosure.FULL
        return Disclosure.NONE if isnan(totals.get((vpp, name), nan)) else Disclosure.TOTALS

    members = [vpp for vpp in run.vpps if (vpp, "game") in totals]
    return Disclosed({(vpp, name): level(vpp, name) for vpp in members for name in STAGES})


def left_out(vpps: Sequence[str]) -> str:
    """The end of a caption of what lacks these VPPs; empty if none is lacking.

    >>> left_out(["VPP2", "VPP3"])
    ' Not shown by VPP2, VPP3.'
    """
    return f" Not shown by {', '.join(vpps)}." if vpps else ""
