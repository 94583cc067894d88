"""Words a node's day for whoever runs it, once it is over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import fsum, isnan

from broker.wire.messages import Trade
from market.app.report.terminal.numbers import decimal, energy_unit, money_bound, money_digits
from market.app.runs.node_day import NodeRun, accounts_of, reality_of_node
from market.settlement.reality import RealSettlement
from vpp_nodes.client import SettledDay


def node_lines(run: NodeRun, day: SettledDay) -> Iterator[str]:
    """The day in five lines, and two more where it became real."""
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
    if (real := reality_of_node(run, day)) is not None:
        yield from (f"{who} {line}" for line in _in_reality(real, digits))
    yield f"{who} regrets {money_bound(day.order.regret_cny)}: what it could have gained by moving alone"


def _in_reality(real: RealSettlement, digits: int) -> Iterator[str]:
    """What it really pays, and what its deviations are of that; with one price for all it cannot know it alone."""
    (before,), (after,), (bill,) = real.grid_only, real.game, real.game_bills
    unit = energy_unit((bill.short_mwh, bill.long_mwh))
    energy = f"{unit.text(bill.short_mwh)} {unit.name} short, {unit.text(bill.long_mwh)} long"
    if isnan(after.total_cny):
        yield f"was off {energy}, at a price that all make together"
        return
    costs = [decimal(cost, digits) for cost in (after.total_cny, before.total_cny, after.imbalance_cny)]
    yield f"in fact {costs[0]:>12} CNY in place of {costs[1]}"
    yield f"was off {costs[2]:>12} CNY of that: {energy}"


def _periods(trades: Sequence[Trade], sign: int) -> str:
    count = len({trade.period for trade in trades if trade.delivered_mw * sign > 0})
    return f"in {count} period{'' if count == 1 else 's'}"
