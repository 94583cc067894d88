"""What the summary says of charges on the largest import (M20), where anybody pays one."""

from __future__ import annotations

from collections.abc import Mapping
from math import fsum, isnan, nan

from market.app.report.terminal.numbers import decimal
from market.app.results.columns import PEAK
from market.app.results.concluded_day import ConcludedDay
from market.app.results.table import Table
from market.settlement.settlement import Account


def peaks_of_day(report: ConcludedDay, money: int) -> str:
    """The charge of all VPPs together; empty where there is none. money : digits of CNY"""
    planned, real = report.settlement, report.real
    sides = [planned.grid_only_system, planned.game_system]
    sides += [] if real is None else [real.grid_only_system, real.game_system]
    charged = any(side.peak_cny > 0.0 for side in sides)
    return _told([_charge_cny(side) for side in sides], money) if charged else ""


def peaks_of_days(costs: Table, money: int) -> str:
    """The same of many days, from their table."""
    if PEAK not in costs.columns:
        return ""
    by_side: Mapping[tuple[str], list[float]] = {
        side: rows[PEAK].tolist() for side, rows in costs.by_column().where(vpp="system").by("scenario").items()
    }
    return _told([fsum(charges) for charges in by_side.values()], money)


def _charge_cny(side: Account) -> float:
    """Not known where not all show what they pay."""
    return nan if isnan(side.operation_cny) else side.peak_cny


def _told(charges_cny: list[float], money: int) -> str:
    """With the grid only, with trade; the same in reality, where that is told."""
    alone, trading, *real = (decimal(charge, money) for charge in charges_cny)
    more = f"; in reality {real[0]} CNY and {real[1]} CNY" if real else ""
    return f"charged on peaks, a part of operation: with the grid alone {alone} CNY, trading {trading} CNY{more}"
