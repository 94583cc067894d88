"""The tables over all days of a run of many: a row for each day, each day and VPP, each period that was kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import fsum, nan
from typing import Final

import numpy as np

from market.app.results.day_record import DayRecord
from market.app.results.records import TEXT, Column, Records
from market.app.results.table import Cell, Table
from market.app.results.tables import cost_row
from market.model.rules import Horizon, Tariff
from market.settlement.settlement import Account

DAYS: Final = (
    *("day", "period", "periods", "verdict", "epsilon_cny", "grid_only_cny", "game_cny", "saving_cny"),
    *("operation_cny", "carbon_cny", "emission_t", "curtailed_mwh", "traded_mwh", "price_cny_per_mwh"),
    *("stored_mwh", "broken_laws"),
)
"""period : the first one of the day, of all · price : the mean of what was traded, empty where nothing was"""
COSTS: Final = (
    *("day", "vpp", "scenario", "operation_cny", "trade_cny", "carbon_cny", "total_cny", "emission_t", "quota_t"),
    *("curtailed_mwh", "stored_mwh"),
)
PERIODS: Final = (
    *("day", "period", "feed_in_cny_per_mwh", "retail_cny_per_mwh", "price_cny_per_mwh", "traded_mw"),
    "verdict",
)
_WORDS: Final = frozenset({"vpp", "scenario", "verdict"})
_WHOLE: Final = frozenset({"day", "period", "periods", "broken_laws"})

DayRecords = Callable[[], Iterable[DayRecord]]
"""Reads all records of a run from the first, as often as it is called: memory holds one at a time."""


def days_tables(records: DayRecords, horizon: Horizon, tariff: Tariff) -> tuple[Table, ...]:
    """`days`, `costs` and `periods` of a run. Made record by record, when they are written."""
    return (
        _table("days", DAYS, records, lambda record: [day_row(record, horizon)]),
        _table("costs", COSTS, records, _cost_rows),
        _table("periods", PERIODS, records, lambda record: _period_rows(record, tariff)),
    )


def day_row(record: DayRecord, horizon: Horizon) -> tuple[Cell, ...]:
    """The row of `days` for a day."""
    game, alone = _sum(record.game), _sum(record.grid_only)
    return (
        record.number,
        record.first + 1,
        record.kept,
        record.verdict.value,
        record.epsilon_cny,
        alone.total_cny,
        game.total_cny,
        alone.total_cny - game.total_cny,
        game.operation_cny,
        game.carbon_cny,
        game.emission_t,
        game.curtailed_mwh,
        fsum(record.traded_mw.tolist()) * horizon.period_h,
        record.mean_price_cny_per_mwh,
        fsum(record.stored_mwh.values()),
        len(record.broken_laws),
    )


def _cost_rows(record: DayRecord) -> Iterator[tuple[Cell, ...]]:
    sides = (
        ("grid_only", record.grid_only, record.stored_alone_mwh),
        ("game", record.game, record.stored_mwh),
    )
    for scenario, accounts, stored in sides:
        for account in (*accounts, _sum(accounts)):
            held = stored.get(account.vpp, fsum(stored.values()) if account.vpp == "system" else nan)
            yield (record.number, *cost_row(account, scenario), held)


def _period_rows(record: DayRecord, tariff: Tariff) -> Iterator[tuple[Cell, ...]]:
    for at in range(record.kept):
        period = record.first + at
        yield (
            record.number,
            period + 1,
            float(tariff.feed_in_cny_per_mwh[period]),
            float(tariff.retail_cny_per_mwh[period]),
            float(record.price_cny_per_mwh[at]),
            float(record.traded_mw[at]),
            record.verdicts[at].value,
        )


def _sum(accounts: Sequence[Account]) -> Account:
    def total(name: str) -> float:
        return fsum(getattr(account, name) for account in accounts)

    names = ("operation_cny", "trade_cny", "carbon_cny", "emission_t", "quota_t", "curtailed_mwh")
    return Account("system", *(total(name) for name in names))


def _table(
    name: str,
    columns: tuple[str, ...],
    records: DayRecords,
    rows: Callable[[DayRecord], Iterable[tuple[Cell, ...]]],
) -> Table:
    def blocks() -> Iterator[Records]:
        for record in records():
            cells = list(zip(*rows(record), strict=True))
            yield Records({name: _column(name, cell) for name, cell in zip(columns, cells, strict=True)})

    return Table.of_blocks(name, columns, blocks)


def _column(name: str, cells: Sequence[Cell]) -> Column:
    kind = TEXT if name in _WORDS else np.dtype(np.int64) if name in _WHOLE else np.dtype(np.float64)
    return np.array(cells, dtype=kind)
