"""The paper's Tables 1, 3, 4 and 5, with the columns that its text names.

Table 2 is in `market.app.analysis.paper.models`.
"""

from __future__ import annotations

from market.app.results.columns import DISPATCH_QUANTITIES
from market.app.results.table import Cell, Table
from market.app.results.tables import (
    costs_table,
    dispatch_table,
    roles_table,
    selections_table,
)
from market.model.rules import Tariff
from market.settlement.outcome import MarketOutcome
from market.settlement.settlement import Settlement

OBSERVED_PERIOD = 10  # of Tables 3 and 4

_ROLE_COLUMNS = ("supply_mw", "demand_mw", "sdr", "role", "surplus_mw", "deficit_mw", "curtailed_mw")
_PLAN_COLUMNS = tuple(
    name for name in DISPATCH_QUANTITIES if name not in ("direct_in_mw", "direct_out_mw", "curtailed_mw")
)
_TRADED_COLUMNS = ("direct_in_mw", "direct_out_mw", "buy_mw", "sell_mw")


def tariff_table(tariff: Tariff) -> Table:
    """Table 1: what a VPP pays to the grid and gets from it, hour by hour."""
    rows = zip(tariff.retail_cny_per_mwh.tolist(), tariff.feed_in_cny_per_mwh.tolist(), strict=True)
    columns = ("period", "purchase_price_cny_per_mwh", "sale_price_cny_per_mwh")
    return Table("table1", columns, tuple((t, *prices) for t, prices in enumerate(rows, start=1)))


def allocation_table(outcome: MarketOutcome, period: int = OBSERVED_PERIOD) -> Table:
    """Table 3: each VPP's resources in one period, before trade, and what trade made of its exchange."""
    roles = _rows(roles_table(outcome.days), period=period)
    before = _rows(dispatch_table(outcome.days), period=period, stage=1)
    after = _rows(dispatch_table(outcome.days), period=period, stage=3)
    columns = ("vpp", *_PLAN_COLUMNS, *_ROLE_COLUMNS, *(f"traded_{name}" for name in _TRADED_COLUMNS))
    rows = (
        (
            role["vpp"],
            *(plan[name] for name in _PLAN_COLUMNS),
            *(role[name] for name in _ROLE_COLUMNS),
            *(traded[name] for name in _TRADED_COLUMNS),
        )
        for role, plan, traded in zip(roles, before, after, strict=True)
    )
    return Table("table3", columns, tuple(rows))


def selection_table(outcome: MarketOutcome, period: int = OBSERVED_PERIOD) -> Table:
    """Table 4: how the buyers of one period choose among its sellers."""
    selections = selections_table(outcome.periods)
    columns = ("buyer", "seller", "price_cny_per_mwh", "probability", "requested_mw", "delivered_mw")
    rows = tuple(tuple(row[name] for name in columns) for row in _rows(selections, period=period))
    return Table("table4", columns, rows)


def scenarios_table(settlement: Settlement) -> Table:
    """Table 5: costs in Scenario 1, the grid only, and Scenario 2, the game, and the difference, 1 less 2."""
    accounts = costs_table(settlement)
    columns = (
        "vpp",
        "scenario",
        "operation_cny",
        "trade_cny",
        "carbon_cny",
        "total_cny",
        "emission_t",
        "curtailed_mwh",
    )
    rows = []
    for vpp in dict.fromkeys(row["vpp"] for row in _rows(accounts)):
        alone, game = _rows(accounts, vpp=vpp)
        for name, account in (("1", alone), ("2", game)):
            rows.append((vpp, name, *(account[column] for column in columns[2:])))
        saved = (_number(alone[column]) - _number(game[column]) for column in columns[2:])
        rows.append((vpp, "1 less 2", *saved))
    return Table("table5", columns, tuple(rows))


def _rows(table: Table, **where: Cell) -> list[dict[str, Cell]]:
    """Rows by column name, those whose columns have these values."""
    rows = (dict(zip(table.columns, row, strict=True)) for row in table.rows)
    return [row for row in rows if all(row[name] == value for name, value in where.items())]


def _number(cell: Cell) -> float:
    return float(cell)
