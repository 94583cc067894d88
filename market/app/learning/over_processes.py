"""A day of posted prices over the bus: every plant a process of its own, each seller asking what was settled."""

from __future__ import annotations

import numpy as np

from market.app.learning.trading_day import TradingDay, profit_of
from market.app.runs.over_bus import day_over_bus
from market.errors import Fault, RunError, ScenarioError
from market.model.arrays import Array
from market.model.rules import PriceRule
from market.scenario import with_overrides
from vpp_nodes.strategies.posted import posted


def check_over_processes(day: TradingDay) -> None:
    """ScenarioError where a seller has a strategy of its own, which what it posts would stand in the way of."""
    own = {vpp.id: vpp.strategy.use for vpp in day.scenario.vpps if vpp.strategy is not None}
    rules = {rule.value for rule in PriceRule}
    faults = [
        Fault(
            "must have no strategy of its own: over processes all sellers post",
            own[vpp],
            f"vpps.{vpp}.strategy",
            "leave it out, or do without processes",
        )
        for vpp, sells in zip(day.vpps, day.sells, strict=True)
        if sells.any() and own.get(vpp, "") not in {*rules, ""}
    ]
    if faults:
        raise ScenarioError(faults)


def posting(day: TradingDay, price_cny_per_mwh: Array) -> dict[str, object]:
    """The changes of its scenario by which all sellers ask these prices, (V, T)."""
    sellers = [(k, vpp) for k, vpp in enumerate(day.vpps) if day.sells[k].any()]
    return {f"vpps.{vpp}.strategy": posted(price_cny_per_mwh[k].tolist()) for k, vpp in sellers}


def profit_over_processes_cny(day: TradingDay, price_cny_per_mwh: Array, seed: int) -> Array:
    """As `TradingDay.profit_cny`, of a day that broker and plants trade as processes. seed : of their network

    RunError if the run breaks, or comes to other prices.
    """
    outcome, _ = day_over_bus(with_overrides(day.scenario, posting(day, price_cny_per_mwh)), seed)
    earned = {}
    for t, result in enumerate(outcome.periods):
        if not result.game.tradable:
            continue
        rows = [day.row(seller) for seller in result.game.sellers]
        if not result.verdict.rests or not np.array_equal(result.price_cny_per_mwh, price_cny_per_mwh[rows, t]):
            raise RunError(f"period {t + 1} ended as {result.verdict}, not at the prices that were posted")
        earned[t] = profit_of(result.game, result.price_cny_per_mwh, result.delivered_mw)
    return day.table(earned)
