"""Makes market days of any number of VPPs and periods, for pictures and pages to be tried on.

A day is played in memory, message by message, over a network that delays and, of a few VPPs, loses: the
plants of the built-in case again and again, each time of another size. Days of more than 24 periods are that day
over and over.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from market.app.results.concluded_day import conclude_day, metadata_of, outcome_of
from market.app.results.manifest import RunSpec
from market.app.results.recorded import RecordedRun
from market.app.results.records import Records
from market.app.results.run_metadata import RunMetadata
from market.app.runs.in_process import run_in_process
from market.app.runs.local_market import LocalMarket
from market.model.arrays import frozen
from market.model.network import Constant, LinkConditions, Lognormal
from market.scenario import load_scenario
from market.scenario.digest import seal_public, seal_scenario
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome

HOURS = 24
LOSSY = LinkConditions(latency=Lognormal(0.05, 0.5), loss=0.1)
SLOW = LinkConditions(latency=Constant(0.05))
MOST_OVER_BUS = 30  # VPPs: days of more are solved without messages, and have no network to draw
MOST_OVER_LOSSY = 5  # VPPs: of more, each waits for so many that the day takes minutes to play
GROWS = {"MW": 1.0, "MWh": 1.0, "MW/h": 1.0, "CNY/h": 1.0, "CNY/(MW² h)": -1.0}
"""With which power of a plant's size its parameters of each unit grow; all others stay."""


def day_of_size(
    vpps: int, periods: int = HOURS, *, power_scale: float = 1.0, long_ids: bool = False, perfect: bool = False
) -> RecordedRun:
    """A day as it would be read back from its folder.

    periods : 24 or a multiple of it · power_scale : of all powers; 0.001 makes households of them
    long_ids : ids of the most letters there may be, alike but for their ends · perfect : no delay and no loss
    """
    scenario = scenario_of_size(vpps, power_scale=power_scale, long_ids=long_ids, perfect=perfect)
    in_process = vpps > MOST_OVER_BUS
    outcome, facts = _without_messages(scenario) if in_process else _over_bus(scenario)
    what = RunSpec(scenario, 0, in_process, started=datetime(2026, 3, 1, tzinfo=UTC))
    return repeated(conclude_day(what, outcome, facts).recorded("run"), periods // HOURS)


def _over_bus(scenario: Scenario) -> tuple[MarketOutcome, RunMetadata]:
    market = LocalMarket(scenario, seed=0)
    while not market.over:
        market.more()
    left = market.proceedings()
    return outcome_of(left), metadata_of(left, scenario)


def _without_messages(scenario: Scenario) -> tuple[MarketOutcome, RunMetadata]:
    return run_in_process(scenario, 0, Path(), lambda progress: None)


def scenario_of_size(vpps: int, *, power_scale: float, long_ids: bool, perfect: bool) -> Scenario:
    """The plants of the built-in case, one after the other and again, each time a tenth larger."""
    five = load_scenario("five_vpp")
    network = five.network if perfect else replace(five.network, every=LOSSY if vpps <= MOST_OVER_LOSSY else SLOW)
    name = "plant-of-the-north-quarter-{:05d}" if long_ids else "VPP{}"
    plants = tuple(
        _sized(replace(five.vpps[k % 5], id=name.format(k + 1)), power_scale * (1.0 + 0.1 * (k // 5)))
        for k in range(vpps)
    )
    rules = five.public
    market, carbon = _sized(rules.market, power_scale), rules.carbon
    carbon = replace(carbon, interval_t=carbon.interval_t * power_scale)
    public = seal_public(rules.horizon, rules.tariff, market, carbon)
    return seal_scenario("size", f"{vpps} VPPs", public, plants, network)


def _sized(value: Any, size: float) -> Any:
    """A plant, or a part of one, `size` times as large."""
    changes: dict[str, Any] = {}
    for field in fields(value):
        old, known = getattr(value, field.name), field.metadata.get("parameter")
        if is_dataclass(old):
            changes[field.name] = _sized(old, size)
        elif isinstance(old, tuple) and all(map(is_dataclass, old)):
            changes[field.name] = tuple(_sized(part, size) for part in old)
        elif known is not None and known.unit in GROWS and old is not None:
            changes[field.name] = _grown(old, size ** GROWS[known.unit])
    return replace(value, **changes)


def _grown(value: Any, factor: float) -> Any:
    """A number, a series or a list of numbers, times a factor."""
    if isinstance(value, tuple):
        return tuple(item * factor for item in value)
    return frozen(value * factor) if isinstance(value, np.ndarray) else value * factor


def repeated(run: RecordedRun, times: int) -> RecordedRun:
    """The same day over and over, as one; how selections evolved is told of the first only."""
    rules = {**run.manifest["rules"], "horizon": {"periods": HOURS * times, "period_h": 24.0 / HOURS}}
    tables = {
        name: _over_and_over(table, times) if "period" in table.columns else table
        for name, table in run.tables.items()
    }
    return replace(run, manifest={**run.manifest, "rules": rules}, tables=tables)


def _over_and_over(table: Records, times: int) -> Records:
    again = table
    if "quantity" in table.columns:  # of a trace
        again = table.where(quantity="price")
    parts = [table, *[again] * (times - 1)]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in table.columns}
    shift = np.repeat(np.arange(times) * HOURS, [len(part) for part in parts])
    return Records({**columns, "period": columns["period"] + shift})
