"""Selections worked out again from what a run folder keeps: they follow from the last offers and the bids.

Every number is the one that the run itself came to, to the last digit: the same buyers answer the same prices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from market.app.results.records import Records
from market.app.results.tables import selections_table
from market.game.clearing.rationing import delivered_power
from market.game.period import PeriodGame
from market.game.result import PeriodResult, Verdict
from market.game.solver import answers
from market.model.arrays import Array, frozen
from market.model.rules import MarketRules


def selections_of(tables: Mapping[str, Records], rules: Mapping[str, Any]) -> Records:
    """The table `selections` of a day in one process. rules : those of its manifest"""
    ends = list(_ends(tables, rules))
    games, prices = [game for game, _, _ in ends], [price for _, price, _ in ends]
    chosen = answers(games, prices, MarketRules(revision_step=rules["market"]["revision_step"]))
    results = [_result(*end, *answer) for end, answer in zip(ends, chosen, strict=True)]
    return selections_table(results).by_column()


def _ends(tables: Mapping[str, Records], rules: Mapping[str, Any]) -> Iterator[tuple[PeriodGame, Array, Verdict]]:
    """Each period in which there was something to trade: its game, its last prices, its verdict."""
    periods, market = tables["periods"], rules["market"]
    for row, period in enumerate(periods["period"].tolist()):
        offers, bids = tables["offers"].where(period=period), tables["bids"].where(period=period)
        if len(offers) == 0:
            continue
        game = PeriodGame(
            period=period - 1,
            period_h=float(rules["horizon"]["period_h"]),
            floor_cny_per_mwh=float(periods["floor_cny_per_mwh"][row]),
            cap_cny_per_mwh=float(periods["cap_cny_per_mwh"][row]),
            feed_in_cny_per_mwh=float(periods["feed_in_cny_per_mwh"][row]),
            temperature_cny_per_mwh=float(periods["tau_cny_per_mwh"][row]),
            base_power_mw=float(market["base_power_mw"]),
            tick_cny_per_mwh=float(market["price_tick_cny_per_mwh"]),
            sellers=tuple(offers["vpp"].tolist()),
            surplus_mw=frozen(offers["surplus_mw"]),
            reserve_cny_per_mwh=frozen(offers["reserve_cny_per_mwh"]),
            buyers=tuple(bids["vpp"].tolist()),
            deficit_mw=frozen(bids["deficit_mw"]),
            own_supply_mw=frozen(bids["own_supply_mw"]),
            satisfaction_cny_per_h=frozen(bids["k_cny_per_h"]),
        )
        yield game, frozen(offers["price_cny_per_mwh"]), Verdict(periods["verdict"][row])


def _result(game: PeriodGame, prices: Array, verdict: Verdict, chosen: Array, requested: Array) -> PeriodResult:
    delivered = delivered_power(game, requested) if verdict.rests else requested * 0.0
    return PeriodResult(game, verdict, 0.0, prices, chosen, requested, delivered, 0, None)
