"""What a node keeps of its own day: its run folder, and the five lines that it prints in the end."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import fsum
from typing import Any

from broker.wire.messages import Trade
from market.app.results.columns import COLUMNS
from market.app.results.folder import RunFolder
from market.app.results.manifest import FORMAT, surroundings
from market.app.results.table import Table
from market.app.results.tables import cost_row, plan_table, unit_tables
from market.app.runs.run_day import json_text
from market.model.plan import DispatchPlan
from market.model.vpp import Vpp
from market.scenario.scenario import Scenario
from market.settlement.settlement import Account, account_of
from vpp_nodes.client import SettledDay
from vpp_nodes.payment import paid_cny
from vpp_nodes.process import NodeEnding


@dataclass(frozen=True, slots=True)
class NodeRun:
    """Whose day it was, and since when: local time with zone, and `time.monotonic()`."""

    scenario: Scenario
    vpp: Vpp
    started: datetime
    since: float


def write_node_day(run: NodeRun, ending: NodeEnding, folder: RunFolder) -> list[str]:
    """Write a node's run folder; returns what there is to say of its day. RunError if it cannot be written."""
    day = ending.day
    tables = () if day is None else tuple(_tables(run, day))
    for table in tables:
        folder.write(f"{table.name}.csv", table.csv())
    folder.write("manifest.json", json_text(_manifest(run, ending, [table.name for table in tables])))
    return [] if day is None else [*_lines(run, day), f"all of it is in {folder.path}"]


def _tables(run: NodeRun, day: SettledDay) -> Iterator[Table]:
    """The plans without trade and with it, each trade, and what it all comes to."""
    plans = ((1, day.plans.before), (3, day.plans.after))
    yield plan_table(run.vpp.id, plans)
    yield from unit_tables([(run.vpp.id, plans)])
    yield _trades(day.order.trades)
    before, after = _accounts(run, day)
    yield Table("costs", COLUMNS["costs"], (cost_row(before, "grid_only"), cost_row(after, "game")))


def _trades(trades: Sequence[Trade]) -> Table:
    columns = ("period", "counterpart", "delivered_mw", "price_cny_per_mwh")
    rows = ((t.period + 1, t.counterpart, t.delivered_mw, t.price_cny_per_mwh) for t in trades)
    return Table("trades", columns, tuple(rows))


def _accounts(run: NodeRun, day: SettledDay) -> tuple[Account, Account]:
    """Without trade, and with it and its payments."""
    period_h = run.scenario.public.horizon.period_h

    def account(plan: DispatchPlan, trade_cny: float) -> Account:
        return account_of(run.vpp.id, plan, trade_cny, period_h)

    return account(day.plans.before, 0.0), account(day.plans.after, paid_cny(day.order.trades, period_h))


def _lines(run: NodeRun, day: SettledDay) -> Iterator[str]:
    """The day in five lines."""
    trades, period_h = day.order.trades, run.scenario.public.horizon.period_h
    before, after = _accounts(run, day)
    sold = fsum(-t.delivered_mw for t in trades if t.delivered_mw < 0) * period_h
    bought = fsum(t.delivered_mw for t in trades if t.delivered_mw > 0) * period_h
    saved = before.total_cny - after.total_cny
    yield f"{run.vpp.id} sold    {sold:12,.4f} MWh to others, in {_periods(trades, -1)} periods"
    yield f"{run.vpp.id} bought  {bought:12,.4f} MWh from others, in {_periods(trades, 1)} periods"
    yield f"{run.vpp.id} paid    {after.trade_cny:12,.2f} CNY to others in all (below 0: was paid)"
    yield f"{run.vpp.id} saved   {saved:12,.2f} CNY: {after.total_cny:,.2f} in place of {before.total_cny:,.2f}"
    yield f"{run.vpp.id} regrets {day.order.regret_cny:12.3g} CNY: what it could have gained by moving alone"


def _periods(trades: Sequence[Trade], sign: int) -> int:
    return len({trade.period for trade in trades if trade.delivered_mw * sign > 0})


def _manifest(run: NodeRun, ending: NodeEnding, tables: Sequence[str]) -> dict[str, Any]:
    scenario = run.scenario
    return {
        "format": FORMAT,
        "kind": "node",
        "vpp": run.vpp.id,
        "scenario": scenario.name,
        "scenario_digest": scenario.digest,
        "public_digest": scenario.public.digest,
        "plant_digest": scenario.digest_by_vpp[run.vpp.id],
        "started": run.started.isoformat(timespec="seconds"),
        "wall_s": round(time.monotonic() - run.since, 6),
        "exit_code": ending.exit_code,
        "why": ending.why,
        "regret_cny": None if ending.day is None else ending.day.order.regret_cny,
        "tables": list(tables),
        **surroundings(scenario),
    }
