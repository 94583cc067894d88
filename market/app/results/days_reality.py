"""What the manifest of a run of many days tells of reality: totals over all days, and who loses by trade."""

from __future__ import annotations

from collections import defaultdict
from math import fsum
from typing import Any

from market.app.results.columns import IMBALANCE
from market.app.results.day_record import DayRecord
from market.settlement.reality import pays_more
from market.settlement.settlement import saved_cny


class DaysReality:
    """Adds up day by day what became of them. Days of which nothing is told of reality leave it empty."""

    def __init__(self) -> None:
        self._amounts: dict[str, list[float]] = defaultdict(list)
        self._before: dict[str, list[float]] = defaultdict(list)
        self._after: dict[str, list[float]] = defaultdict(list)
        self._budget = list[float]()
        self._days_with_losers = 0

    def add(self, record: DayRecord) -> None:
        """A day more."""
        game, alone = record.game_real, record.grid_only_real
        if game is None or alone is None:
            return
        for before, after in zip(alone.accounts, game.accounts, strict=True):
            self._before[before.vpp].append(before.total_cny)
            self._after[after.vpp].append(after.total_cny)
            self._amounts["cost_cny"].append(after.imbalance_cny)
            self._amounts["grid_only_cost_cny"].append(before.imbalance_cny)
        self._budget.append(record.budget_cny)
        for name in ("short_mwh", "long_mwh", "missed_mwh"):
            self._amounts[name].extend(getattr(game, name).values())
        self._days_with_losers += any(
            pays_more(before.total_cny, after.total_cny)
            for before, after in zip(alone.accounts, game.accounts, strict=True)
        )

    def document(self) -> dict[str, Any]:
        """Costs of all deviations, and energy of those with trade; costs in fact; what trade saves in fact.

        losers : who pays more with trade over all days than without · days_with_losers : on how many anybody does
        """
        if not self._after:
            return {}
        before, after = ({vpp: fsum(costs) for vpp, costs in side.items()} for side in (self._before, self._after))
        grid_only_cny, game_cny = fsum(before.values()), fsum(after.values())
        return {
            IMBALANCE: {
                **{name: fsum(values) for name, values in self._amounts.items()},
                "grid_only_realised_cny": grid_only_cny,
                "game_realised_cny": game_cny,
                "saving_cny": saved_cny(grid_only_cny, game_cny, fsum(self._budget)),
                "losers": [vpp for vpp in after if pays_more(before[vpp], after[vpp])],
                "days_with_losers": self._days_with_losers,
            }
        }
