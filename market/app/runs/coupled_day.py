"""Runs a day in one process whose plans see the market (`coupling: iterate`): game, plan again, declare anew."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, fields
from math import fsum, inf
from typing import TypeAlias

import numpy as np

from market.coordination.coupling import (
    CoupledRound,
    coupled_round,
    coupled_rounds,
    is_last,
    moved_towards,
    open_trades,
    reviewed,
    round_to_settle,
    share_after,
)
from market.errors import DispatchError
from market.game.period import PeriodGame, period_games
from market.game.result import PeriodResult
from market.game.solver import Negotiation, certified
from market.model.declaration import Declaration
from market.model.plan import DispatchPlan
from market.model.rules import MarketRules
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome, VppDay
from market.settlement.settlement import direct_exchange, net_payment_cny
from vpp_nodes.dispatch import dispatch
from vpp_nodes.dispatch.open_day import OpenPlan, dispatch_with_option, option_of
from vpp_nodes.strategies.behaviour import Behaviours

_End: TypeAlias = tuple[Negotiation, PeriodResult]


@dataclass(frozen=True, slots=True)
class _Played:
    """A round as it was played, its periods not certified yet. planned : the plans declared by

    after : the plans with trade, None where there is no such day
    """

    coupled: CoupledRound
    planned: tuple[DispatchPlan, ...]
    declarations: tuple[Declaration, ...]
    negotiations: tuple[Negotiation, ...]
    results: tuple[PeriodResult, ...]
    after: tuple[DispatchPlan | None, ...]


def coupled_day(
    scenario: Scenario, behave: Behaviours, on_round: Callable[[int], None]
) -> tuple[MarketOutcome, tuple[Negotiation, ...]]:
    """A day in rounds, without a trace, and how the prices of the settled round came about.

    DispatchError where a VPP has no day without trade.
    """
    before = tuple(dispatch(vpp, scenario.public, None) for vpp in scenario.vpps)
    planned, rounds, ends = before, list[_Played](), dict[Hashable, _End]()
    while not rounds or not is_last(rounds[-1].coupled.number, scenario.public.market):
        number = len(rounds)
        on_round(number)
        played, better = _play(scenario, behave, number, before, planned, ends)
        rounds.append(played)
        planned = tuple(
            moved_towards(plan, option.plan, share_after(number))
            for plan, option in zip(planned, better, strict=True)
        )
    settled = rounds[round_to_settle([each.coupled for each in rounds])]
    return _outcome(before, rounds, settled), settled.negotiations


def _play(
    scenario: Scenario,
    behave: Behaviours,
    number: int,
    before: Sequence[DispatchPlan],
    planned: tuple[DispatchPlan, ...],
    ends: dict[Hashable, _End],
) -> tuple[_Played, list[OpenPlan]]:
    """One round, and what everybody would rather have planned. ends : of all games that have been played"""
    public, vpps = scenario.public, scenario.vpps
    declarations = tuple(
        behave.declared(vpp, plan, public, alone.marginal_value_cny_per_mwh)
        for vpp, plan, alone in zip(vpps, planned, before, strict=True)
    )
    negotiations, results = _traded(behave, period_games(declarations, public), public.market, ends)
    left = open_trades([vpp.id for vpp in vpps], results)
    better = [dispatch_with_option(vpp, public, option_of(own)) for vpp, own in zip(vpps, left, strict=True)]
    after = tuple(_with_trade(scenario, k, before[k], results) for k in range(len(vpps)))
    reviews, bills = {}, []
    for vpp, alone, plan, option in zip(vpps, before, after, better, strict=True):
        paid = net_payment_cny(vpp.id, results)
        bills.append(plan.costs.total_cny + paid if plan else inf)
        reviews[vpp.id] = reviewed(alone, plan, paid, option.cost_cny)
    coupled = coupled_round(number, reviews, results, fsum(bills))
    return _Played(coupled, planned, declarations, negotiations, results, after), better


def _traded(
    behave: Behaviours, games: Sequence[PeriodGame], rules: MarketRules, ends: dict[Hashable, _End]
) -> tuple[tuple[Negotiation, ...], tuple[PeriodResult, ...]]:
    """How each game ends; one that has been played ends as it did, unless an owner's strategy may do otherwise."""
    if behave.pricers or behave.choosers:
        return behave.traded(games, rules)
    keys = [_values(game) for game in games]
    new = {key: game for key, game in zip(keys, games, strict=True) if key not in ends}
    ends |= zip(new, zip(*behave.traded(tuple(new.values()), rules), strict=True), strict=True)
    negotiations, results = zip(*(ends[key] for key in keys), strict=True)
    return negotiations, results


def _values(game: PeriodGame) -> Hashable:
    """All that a game's end depends on."""
    values = (getattr(game, field.name) for field in fields(game))
    return tuple(value.tobytes() if isinstance(value, np.ndarray) else value for value in values)


def _with_trade(
    scenario: Scenario, k: int, alone: DispatchPlan, results: Sequence[PeriodResult]
) -> DispatchPlan | None:
    """The day of one VPP with what was traded; None where it has none: what it declared was an average.

    alone : its day without trade
    """
    vpp, public = scenario.vpps[k], scenario.public
    direct = direct_exchange(vpp.id, results, public)
    if not direct.in_mw.any() and not direct.out_mw.any():
        return alone
    try:
        return dispatch(vpp, public, direct)
    except DispatchError:
        return None


def _outcome(before: Sequence[DispatchPlan], rounds: Sequence[_Played], settled: _Played) -> MarketOutcome:
    day_rounds = coupled_rounds([each.coupled for each in rounds], settled.coupled)
    parts = zip(settled.declarations, before, settled.after, settled.planned, strict=True)
    results = tuple(certified(result) for result in settled.results)
    return MarketOutcome(results, tuple(VppDay(*part) for part in parts), day_rounds)
