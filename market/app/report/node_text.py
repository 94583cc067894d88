"""Words a node's day for whoever runs it, once it is over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import fsum

from broker.wire.messages import Trade
from market.app.report.terminal.numbers import decimal, energy_unit, money_bound, money_digits
from market.app.runs.node_day import NodeRun, accounts_of
from vpp_nodes.client import SettledDay


def node_lines(run: NodeRun, day: SettledDay) -> Iterator[str]:
    """The day in five lines."""
    trades, period_h = day.order.trades, run.scenario.public.horizon.period_h
    before, after = accounts_of(run, day)
    sold_mwh = fsum(-t.delivered_mw for t in trades if t.delivered_mw < 0) * period_h
    bought_mwh = fsum(t.delivered_mw for t in trades if t.delivered_mw > 0) * period_h
    unit, digits = energy_unit((sold_mwh, bought_mwh)), max(2, money_digits((before.total_cny, after.total_cny)))
    saved = decimal(before.total_cny - after.total_cny, digits)
    costs = f"{decimal(after.total_cny, digits)} in place of {decimal(before.total_cny, digits)}"
    paid = decimal(after.trade_cny, digits)
    who = run.vpp.id
    yield f"{who} sold    {unit.text(sold_mwh):>12} {unit.name} to others, {_periods(trades, -1)}"
    yield f"{who} bought  {unit.text(bought_mwh):>12} {unit.name} from others, {_periods(trades, 1)}"
    yield f"{who} paid    {paid:>12} CNY to others in all (below 0: was paid)"
    yield f"{who} saved   {saved:>12} CNY: {costs}"
    yield f"{who} regrets {money_bound(day.order.regret_cny)}: what it could have gained by moving alone"


def _periods(trades: Sequence[Trade], sign: int) -> str:
    count = len({trade.period for trade in trades if trade.delivered_mw * sign > 0})
    return f"in {count} period{'' if count == 1 else 's'}"
