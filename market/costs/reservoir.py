"""How full a reservoir can come to be by its inflow, (M12)."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate

from market.costs.costs import stored_at_start_mwh
from market.model.assets import Hydro, StoredEnd


def highest_levels_mwh(hydro: Hydro, period_h: float) -> list[float]:
    """The most that it can hold at the end of each period, where nothing is let out that it has room for."""
    most_mwh = hydro.reservoir_mwh * hydro.level_max
    inflow_mwh = (float(inflow_mw) * period_h for inflow_mw in hydro.inflow_mw)
    filled = accumulate(
        inflow_mwh, lambda level, inflow: min(level + inflow, most_mwh), initial=stored_at_start_mwh(hydro)
    )
    return list(filled)[1:]


def with_reachable_end(hydro: Hydro, period_h: float) -> Hydro:
    """The same, ending no higher than its inflow allows; the very same where it can end as it is to."""
    if hydro.end is not StoredEnd.GIVEN or not hydro.reservoir_mwh:
        return hydro
    level = min(hydro.level_end or 0.0, highest_levels_mwh(hydro, period_h)[-1] / hydro.reservoir_mwh)
    return replace(hydro, level_end=max(level, hydro.level_min)) if level != hydro.level_end else hydro
