"""What the manifest tells of a day that became real."""

from __future__ import annotations

from math import isnan
from typing import Any, Final

from market.app.results.columns import IMBALANCE
from market.app.results.shapes import Shape, fields, many, maybe, number, text
from market.scenario.fields import ID_PATTERN
from market.settlement.reality import RealSettlement

_VPP: Final = text(ID_PATTERN, "must be the id of a VPP")
IMBALANCE_SHAPE: Final[Shape] = fields(
    {
        "cost_cny": maybe(number()),
        "grid_only_cost_cny": maybe(number()),
        "saving_cny": maybe(number()),
        "missed_mwh": number(0),
        "losers": many(_VPP, distinct=True),
        "compared": many(_VPP, distinct=True),
    }
)
"""The shape of it."""


def imbalance_document(real: RealSettlement) -> dict[str, Any]:
    """What all deviations cost, with trade and without; what trade saves in reality; who loses by it.

    compared : of whom that is known · missed_mwh : what nothing could serve or take up, with trade
    """
    after, before = real.game_system, real.grid_only_system
    return {
        IMBALANCE: {
            "cost_cny": _known(after.imbalance_cny),
            "grid_only_cost_cny": _known(before.imbalance_cny),
            "saving_cny": _known(before.total_cny - after.total_cny),
            "missed_mwh": real.missed_mwh,
            "losers": list(real.losers),
            "compared": list(real.compared),
        }
    }


def _known(amount_cny: float) -> float | None:
    return None if isnan(amount_cny) else amount_cny
