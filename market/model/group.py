"""A group of plants behind one transformer, and the share that each has of what may pass it, (M21)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from market.model.parameter import MAX_POWER_MW, parameter

CONNECTION: Final = ("import_max_mw", "export_max_mw")
"""The limits that a group has in common; each member's connection has limits of the same names."""


@dataclass(frozen=True, slots=True)
class Group:
    """Common limits of plants behind one transformer, MW, None for none; weights as many as members, or none.

    >>> group = Group("T1", ("A", "B"), 4.0, None, (1.0, 3.0))
    >>> group.share_of("B"), group.limits_of("B")
    (0.75, {'import_max_mw': 3.0})
    """

    id: str
    members: tuple[str, ...]
    import_max_mw: float | None = parameter(
        "MW", "Most power taken from above through it, by all together", default=None, ge=0, le=MAX_POWER_MW
    )
    export_max_mw: float | None = parameter(
        "MW", "Most power given to above through it, by all together", default=None, ge=0, le=MAX_POWER_MW
    )
    weights: tuple[float, ...] = parameter(
        "1",
        "A weight for each member: its share is that over their sum; left out: all equal",
        default=(),
        gt=0,
        le=1e6,
    )

    def share_of(self, vpp_id: str) -> float:
        """Share of a member of each of the limits, *w_k*/Σ*w*; ValueError for who is none."""
        weights = self.weights or (1.0,) * len(self.members)
        return weights[self.members.index(vpp_id)] / sum(weights)

    def limits_of(self, vpp_id: str) -> dict[str, float]:
        """A member's share of each limit that there is, MW by name; ValueError for who is none."""
        share, limits = self.share_of(vpp_id), {name: getattr(self, name) for name in CONNECTION}
        return {name: share * limit for name, limit in limits.items() if limit is not None}

    def share_text(self, vpp_id: str, name: str) -> str:
        """Where a member's share of a limit comes from, for people; ValueError for who is none.

        >>> Group("T1", ("A", "B"), 4.0).share_text("B", "import_max_mw")
        'import_max_mw (4) of group T1, of which B has 50 %, 2 MW'
        """
        share_mw = self.limits_of(vpp_id)[name]
        share = f"{vpp_id} has {100.0 * self.share_of(vpp_id):.4g} %, {share_mw:.4g} MW"
        return f"{name} ({getattr(self, name):g}) of group {self.id}, of which {share}"
