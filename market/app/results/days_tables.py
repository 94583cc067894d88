"""The tables over all days of a run of many: a row for each day, each day and VPP, each period that was kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from math import fsum, nan
from typing import Final

import numpy as np

from market.app.results.columns import PEAK
from market.app.results.day_record import DayRecord, KeptReality
from market.app.results.records import TEXT, Column, Records
from market.app.results.table import Cell, Table
from market.app.results.tables import cost_row
from market.model.rules import Tariff
from market.scenario.scenario import Scenario
from market.settlement.settlement import Account, saved_cny, system_account

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
DAYS_REAL: Final = (
    *("grid_only_realised_cny", "game_realised_cny", "saving_realised_cny", "imbalance_cny"),
    *("short_mwh", "long_mwh", "missed_mwh", "stored_realised_mwh"),
)
"""The further columns of `days` where something is told of reality. All but the first are with the market."""
COSTS_REAL: Final = ("imbalance_cny", "short_mwh", "long_mwh", "missed_mwh")
"""The further ones of `costs`, which there has rows of both plans in reality; of plans themselves all are 0."""
_WORDS: Final = frozenset({"vpp", "scenario", "verdict"})
_WHOLE: Final = frozenset({"day", "period", "periods", "broken_laws"})

DayRecords = Callable[[], Iterable[DayRecord]]
"""Reads all records of a run from the first, as often as it is called: memory holds one at a time."""


def days_tables(records: DayRecords, scenario: Scenario) -> tuple[Table, ...]:
    """`days`, `costs` and `periods` of a run. Made record by record, when they are written.

    scenario : the whole one · `costs` has the charge on peaks only where one is paid on any day
    """
    public = scenario.public
    real, hours = public.imbalance is not None, public.horizon.period_h
    more = (PEAK,) if _charges_peaks(scenario) and any(map(_is_charged, records())) else ()
    days, costs = (*DAYS, *(DAYS_REAL if real else ())), (*COSTS, *more, *(COSTS_REAL if real else ()))
    return (
        _table("days", days, records, lambda record: [(*_day_row(record, hours), *_real_day(record))]),
        _table("costs", costs, records, partial(_cost_rows, more=more)),
        _table("periods", PERIODS, records, lambda record: _period_rows(record, public.tariff)),
    )


def _charges_peaks(scenario: Scenario) -> bool:
    return any(vpp.exchange.peak_charge_cny_per_mw for vpp in scenario.vpps)


def _is_charged(record: DayRecord) -> bool:
    """Whether anybody pays for its peak in what is kept, as planned or in reality."""
    real = [account for side in (record.grid_only_real, record.game_real) if side for account in side.accounts]
    return any(account.peak_cny > 0.0 for account in (*record.grid_only, *record.game, *real))


def _day_row(record: DayRecord, period_h: float) -> tuple[Cell, ...]:
    game, alone = system_account(record.game), system_account(record.grid_only)
    return (
        record.number,
        record.first + 1,
        record.kept,
        record.verdict.value,
        record.epsilon_cny,
        alone.total_cny,
        game.total_cny,
        record.saving_cny,
        game.operation_cny,
        game.carbon_cny,
        game.emission_t,
        game.curtailed_mwh,
        fsum(record.traded_mw.tolist()) * period_h,
        record.mean_price_cny_per_mwh,
        fsum(record.stored_mwh.values()),
        len(record.broken_laws),
    )


def _real_day(record: DayRecord) -> tuple[Cell, ...]:
    """What the row has more where the day became real."""
    if record.game_real is None or record.grid_only_real is None:
        return ()
    real, alone = record.game_real, system_account(record.grid_only_real.accounts)
    game = system_account(real.accounts)
    amounts = (real.short_mwh, real.long_mwh, real.missed_mwh, real.stored_mwh)
    return (
        alone.total_cny,
        game.total_cny,
        saved_cny(alone.total_cny, game.total_cny, record.budget_cny),
        game.imbalance_cny,
        *(fsum(each.values()) for each in amounts),
    )


def _cost_rows(record: DayRecord, more: Sequence[str]) -> Iterator[tuple[Cell, ...]]:
    """more : what of accounts is told besides"""
    sides = (
        ("grid_only", record.grid_only, record.stored_alone_mwh),
        ("game", record.game, record.stored_mwh),
    )
    nothing: tuple[Cell, ...] = () if record.game_real is None else (0.0,) * len(COSTS_REAL)
    for scenario, accounts, stored in sides:
        for account in (*accounts, system_account(accounts)):
            yield (record.number, *_account_row(account, scenario, stored, more), *nothing)
    for scenario, real in (("grid_only_realised", record.grid_only_real), ("game_realised", record.game_real)):
        if real is not None:
            yield from ((record.number, *row) for row in _real_rows(scenario, real, more))


def _account_row(
    account: Account, scenario: str, stored: Mapping[str, float], more: Sequence[str]
) -> tuple[Cell, ...]:
    return (*cost_row(account, scenario), _of(account, stored), *(getattr(account, name) for name in more))


def _real_rows(scenario: str, real: KeptReality, more: Sequence[str]) -> Iterator[tuple[Cell, ...]]:
    for account in (*real.accounts, system_account(real.accounts)):
        amounts = (_of(account, each) for each in (real.short_mwh, real.long_mwh, real.missed_mwh))
        row = _account_row(account, scenario, real.stored_mwh, more)
        yield (*row, account.imbalance_cny, *amounts)


def _of(account: Account, amounts: Mapping[str, float]) -> float:
    """The amount of whose account it is; of the system, that of all."""
    return amounts.get(account.vpp, fsum(amounts.values()) if account.vpp == "system" else nan)


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
