"""The data from which the paper's facts are computed: rows of a run's tables, of Table 2, and the rules in force.

Rows come from a day in memory or from files alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from market.app.analysis.paper.models import CarbonModel, models_table
from market.app.results.table import Cell, Table
from market.model.rules import CarbonRules, MarketRules
from market.scenario.scenario import Scenario

Row: TypeAlias = Mapping[str, Cell | None]


@dataclass(frozen=True, slots=True)
class Evidence:
    """`tables` holds the rows of a run's tables by name; `models` those of Table 2; no number is rounded."""

    tables: Mapping[str, Sequence[Row]]
    models: Sequence[Row]
    market: MarketRules
    carbon: CarbonRules

    def rows(self, table: str, **where: Cell) -> list[Row]:
        """The rows of a table whose columns have these values."""
        return [row for row in self.tables[table] if all(row[name] == value for name, value in where.items())]

    def model(self, number: int, column: str) -> float:
        """A number of Table 2."""
        return next(number_of(row, column) for row in self.models if row["model"] == number)


def evidence_of(scenario: Scenario, tables: Sequence[Table], models: tuple[CarbonModel, ...]) -> Evidence:
    """The evidence of a day in memory; `tables` as in `market.app.results.tables`."""
    rows = {table.name: table.records() for table in tables}
    table2 = models_table(models, scenario.public.horizon.period_h).records()
    return Evidence(rows, table2, scenario.public.market, scenario.public.carbon)


def number_of(row: Row, column: str) -> float:
    """A cell as a number; NaN where there is none."""
    cell = row[column]
    return float("nan") if cell is None else float(cell)
