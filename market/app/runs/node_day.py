"""What a node keeps of its own day: its run folder."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from broker.wire.messages import Trade
from market.app.results.folder import RunFolder
from market.app.results.manifest import FORMAT, surroundings
from market.app.results.table import Table
from market.app.results.tables import costs_of_accounts, imbalance_table, plan_table, unit_tables
from market.app.results.telling import telling_of
from market.app.runs.run_day import json_text
from market.costs.costs import tariff_of
from market.costs.imbalance import imbalance_prices
from market.model.imbalance import ImbalancePricing
from market.model.plan import DispatchPlan
from market.model.vpp import Vpp
from market.scenario.scenario import Scenario
from market.settlement.reality import RealSettlement, settled_alone
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


def write_node_day(run: NodeRun, ending: NodeEnding, folder: RunFolder) -> None:
    """Write a node's run folder, beside the scenario that is there already. RunError if it cannot be written."""
    day = ending.day
    tables = () if day is None else tuple(_tables(run, day))
    told = telling_of(run.scenario)
    for table in tables:
        folder.write(f"{table.name}.csv", told.table(table).csv())
    manifest = _manifest(run, ending, [table.name for table in tables])
    folder.write("manifest.json", json_text(told.document(manifest)))


def _tables(run: NodeRun, day: SettledDay) -> Iterator[Table]:
    """The plans without trade and with it, each trade, and what it all comes to."""
    reality = day.plans.reality
    in_fact = ((4, reality.before_plan), (5, reality.after_plan)) if reality else ()
    plans = ((1, day.plans.before), (3, day.plans.after), *in_fact)
    yield plan_table(run.vpp.id, plans)
    yield from unit_tables(run.vpp.id, plans)
    yield _trades(day.order.trades)
    before, after = accounts_of(run, day)
    real = reality_of_node(run, day)
    yield costs_of_accounts({"grid_only": (before,), "game": (after,)}, real)
    if real is not None:
        yield imbalance_table(real)


def _trades(trades: Sequence[Trade]) -> Table:
    columns = ("period", "counterpart", "delivered_mw", "price_cny_per_mwh")
    rows = ((t.period + 1, t.counterpart, t.delivered_mw, t.price_cny_per_mwh) for t in trades)
    return Table("trades", columns, tuple(rows))


def accounts_of(run: NodeRun, day: SettledDay) -> tuple[Account, Account]:
    """Without trade, and with it and its payments."""
    period_h = run.scenario.public.horizon.period_h

    def account(plan: DispatchPlan, trade_cny: float) -> Account:
        return account_of(run.vpp.id, plan, trade_cny, period_h)

    return account(day.plans.before, 0.0), account(day.plans.after, _paid_cny(day, period_h))


def reality_of_node(run: NodeRun, day: SettledDay) -> RealSettlement | None:
    """Its own part of the settlement in reality, if any; a price that only all together make is not known."""
    public, reality = run.scenario.public, day.plans.reality
    if reality is None:
        return None
    assert public.imbalance is not None
    single = public.imbalance.pricing is ImbalancePricing.SINGLE
    prices = None if single else imbalance_prices(public.imbalance, tariff_of(run.vpp, public))
    paid = _paid_cny(day, public.horizon.period_h)
    return settled_alone(run.vpp.id, reality, prices, paid, public.horizon.period_h)


def _paid_cny(day: SettledDay, period_h: float) -> float:
    """What it pays for its trade, and beside it."""
    return paid_cny(day.order.trades, period_h) + day.order.transfer_cny


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
