"""What a day that hardly trades leaves unused: when there is trade, who is balanced, what is not saved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from market.app.report.terminal.numbers import decimal, ranges, share
from market.app.results.concluded_day import ConcludedDay
from market.app.runs.possible_saving import possible_saving_cny
from market.game.result import Verdict
from market.model.declaration import Role
from market.settlement.settlement import budget_cny, settled_mw

_MUCH_IDLE: Final = 0.5
_LITTLE_SAVED: Final = 0.5
"""A day hardly trades where so many turns to sell or buy are left out, or so little is saved of what could be."""


def trade_lines(report: ConcludedDay, money: int) -> Iterator[str]:
    """How much of what all could save together trade saves, where that is known; and of a day that hardly trades

    who could have traded and did not. money : digits of CNY
    """
    possible, hardly = report.facts.possible_saving_cny, _hardly_trades(report)
    if possible is None and hardly:
        possible = possible_saving_cny(report.scenario, report.settlement)
    saving = report.settlement.grid_only_system.total_cny - report.settlement.game_system.total_cny
    saving += budget_cny(report.outcome.periods)  # what others add is not saved
    known = possible is not None and possible > 10.0**-money
    if known and possible is not None:
        of_all = (
            f"{share(saving / possible)} of the {decimal(possible, money)} CNY that one plan for all would save"
        )
        yield f"trade saves {decimal(saving, money)} CNY: {of_all}"
    if not hardly and not (known and possible is not None and saving < _LITTLE_SAVED * possible):
        return
    yield _idle(report)
    if known and possible is not None and saving < possible:
        unused = f"{decimal(possible - saving, money)} CNY, {share(1 - saving / possible)} of it"
        yield f"left unused: {unused}{_advice(report)}"


def _advice(report: ConcludedDay) -> str:
    """What might use it: only a market that rests and lets everybody plan before it opens has another way."""
    market = report.scenario.public.market
    if report.exit_code or market.coupling.value != "once" or market.mechanism.value != "game":
        return ""
    return "; see what --set market.mechanism=consensus makes of it"


def _hardly_trades(report: ConcludedDay) -> bool:
    return not _trading_periods(report) or _idle_share(report) >= _MUCH_IDLE


def _trading_periods(report: ConcludedDay) -> list[int]:
    """Periods in which something is traded, counted from 1."""
    return [result.game.period + 1 for result in report.outcome.periods if settled_mw(result).any()]


def _idle_share(report: ConcludedDay) -> float:
    """In how many of all periods of all VPPs they neither sell nor buy."""
    roles = [role for day in report.outcome.days for role in day.declaration.roles]
    return roles.count(Role.IDLE) / len(roles) if roles else 1.0


def _idle(report: ConcludedDay) -> str:
    trading, periods = _trading_periods(report), report.outcome.periods
    if trading:
        where = f"traded in {len(trading)} of {len(periods)} periods ({ranges(trading)})"
    elif any(result.game.tradable for result in periods):
        where = "nothing is traded, though some wanted to sell and others to buy"
    elif report.outcome.verdict is Verdict.UNCERTIFIED:
        where = "nothing is traded"
    else:
        where = "nothing is traded: in no period is there a VPP to sell and another to buy"
    return f"{where}; balanced, neither selling nor buying: {share(_idle_share(report))} of all turns"
