"""Who is drawn by name where there are more VPPs than can be told apart, and the look of each.

Up to `MOST_NAMED` VPPs all are, each with the look of its place in the scenario. Of more, those that sell most
have a look each, the same in every picture of the run; all others are grey.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from market.app.figures import style
from market.app.results.recorded import RecordedRun

MOST_NAMED = len(style.MARKERS)
CHIEF = len(style.COLOURS)
OTHERS = style.VppStyle(style.GREY, ".", "")
"""The look of those who have none of their own."""


def styles_of(run: RecordedRun) -> dict[str, style.VppStyle]:
    """The look of each VPP that is drawn by name, in the scenario's order."""
    if len(run.vpps) <= MOST_NAMED:
        return style.vpp_styles(run.vpps)
    sold = dict.fromkeys(run.vpps, 0.0)
    for vpp, delivered in zip(run["offers"]["vpp"].tolist(), run["offers"]["delivered_mw"].tolist(), strict=True):
        sold[vpp] += delivered
    return style.vpp_styles(largest(sold, CHIEF))


def largest(amounts: Mapping[str, float], most: int) -> list[str]:
    """Those with the largest amounts, at most so many, in the order in which they are given.

    >>> largest({"A": 1.0, "B": 3.0, "C": 2.0}, 2)
    ['B', 'C']
    """
    chosen = set(sorted(amounts, key=lambda name: -amounts[name])[:most])
    return [name for name in amounts if name in chosen]


def so_many_others(named: Sequence[str], everybody: Sequence[str]) -> str:
    """What those are called together who are not drawn by name.

    >>> so_many_others(["A"], ["A", "B", "C"])
    '2 others'
    """
    number = len(set(everybody) - set(named))
    return f"{number} other{'s' * (number != 1)}"
