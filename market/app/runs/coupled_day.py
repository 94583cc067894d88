"""Runs a day in one process whose plans see the market (`coupling: iterate`): game, plan again, declare anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import fsum, inf, nan

import numpy as np

from market.bidding.declare import declare
from market.coordination.coupling import CoupledRound, moved_towards, open_trade, round_to_settle
from market.errors import DispatchError
from market.game.period import period_games
from market.game.result import PeriodResult
from market.game.solver import Negotiation, concluded, negotiate
from market.model.arrays import Array
from market.model.declaration import Declaration
from market.model.plan import DispatchPlan
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome, VppDay
from market.settlement.rounds import DayRound, DayRounds
from market.settlement.settlement import direct_exchange, net_payment_cny, settled_mw
from vpp_nodes.dispatch import dispatch
from vpp_nodes.dispatch.open_day import ExchangeOption, OpenPlan, dispatch_with_option


@dataclass(frozen=True, slots=True)
class _Played:
    """A round as it was played. planned : the plans declared by

    after : the plans with trade, None where there is no such day
    """

    coupled: CoupledRound
    planned: tuple[DispatchPlan, ...]
    declarations: tuple[Declaration, ...]
    negotiations: tuple[Negotiation, ...]
    results: tuple[PeriodResult, ...]
    after: tuple[DispatchPlan | None, ...]


def coupled_day(
    scenario: Scenario, on_round: Callable[[int], None]
) -> tuple[MarketOutcome, tuple[Negotiation, ...]]:
    """A day in rounds, without a trace, and how the prices of the settled round came about.

    DispatchError where a VPP has no day without trade.
    """
    before = tuple(dispatch(vpp, scenario.public, None) for vpp in scenario.vpps)
    alone = {vpp.id: plan.costs.total_cny for vpp, plan in zip(scenario.vpps, before, strict=True)}
    planned, rounds = before, []
    for number in range(scenario.public.market.coupling_rounds + 1):
        on_round(number)
        played, better = _play(scenario, number, before, planned)
        rounds.append(played)
        planned = tuple(
            moved_towards(plan, option.plan, 1.0 / (number + 2))
            for plan, option in zip(planned, better, strict=True)
        )
    settled = rounds[round_to_settle([each.coupled for each in rounds], alone)]
    return _outcome(before, alone, rounds, settled), settled.negotiations


def _play(
    scenario: Scenario, number: int, before: Sequence[DispatchPlan], planned: tuple[DispatchPlan, ...]
) -> tuple[_Played, list[OpenPlan]]:
    """One round, and what everybody would rather have planned."""
    public, vpps = scenario.public, scenario.vpps
    declarations = tuple(
        declare(vpp, plan, public, alone.marginal_value_cny_per_mwh)
        for vpp, plan, alone in zip(vpps, planned, before, strict=True)
    )
    games = period_games(declarations, public)
    negotiations = negotiate(games, public.market)
    results = concluded(games, negotiations, public.market)
    options = [open_trade(vpp.id, results) for vpp in vpps]
    better = [
        dispatch_with_option(vpp, public, ExchangeOption(o.most_in_mw, o.most_out_mw, o.price_cny_per_mwh))
        for vpp, o in zip(vpps, options, strict=True)
    ]
    after = tuple(_with_trade(scenario, k, results) for k in range(len(vpps)))
    bill, regret = {}, {}
    for vpp, plan, option in zip(vpps, after, better, strict=True):
        paid = net_payment_cny(vpp.id, results)
        bill[vpp.id] = plan.costs.total_cny + paid if plan else inf
        regret[vpp.id] = max(plan.objective_cny + paid - option.cost_cny, 0.0) if plan else inf
    coupled = CoupledRound(number, bill, regret)
    return _Played(coupled, planned, declarations, negotiations, results, after), better


def _with_trade(scenario: Scenario, k: int, results: Sequence[PeriodResult]) -> DispatchPlan | None:
    """The day of one VPP with what was traded; None where it has none: what it declared was an average."""
    vpp, public = scenario.vpps[k], scenario.public
    try:
        return dispatch(vpp, public, direct_exchange(vpp.id, results, public))
    except DispatchError:
        return None


def _outcome(
    before: Sequence[DispatchPlan], alone: dict[str, float], rounds: Sequence[_Played], settled: _Played
) -> MarketOutcome:
    fair = settled.coupled.without_loss(alone)
    day_rounds = DayRounds(
        tuple(_day_round(each) for each in rounds),
        settled.coupled.number,
        settled.coupled.regret_cny,
        dict.fromkeys(alone, 0.0) if fair else None,
        agreed=False,
    )
    parts = zip(settled.declarations, before, settled.after, settled.planned, strict=True)
    return MarketOutcome(settled.results, tuple(VppDay(*part) for part in parts), trace=(), rounds=day_rounds)


def _day_round(each: _Played) -> DayRound:
    hours = each.results[0].game.period_h
    traded = [settled_mw(result) for result in each.results]
    cost, regrets = fsum(each.coupled.bill_cny.values()), each.coupled.regrets_cny
    return DayRound(
        each.coupled.number,
        cost if np.isfinite(cost) else nan,
        regrets if np.isfinite(regrets) else nan,
        fsum(float(power.sum()) for power in traded) * hours,
        max(_imbalance_mw(result, power) for result, power in zip(each.results, traded, strict=True)),
    )


def _imbalance_mw(result: PeriodResult, delivered: Array) -> float:
    """What was declared on the shorter side of a period and still not traded, MW."""
    declared = min(float(result.game.surplus_mw.sum()), float(result.game.deficit_mw.sum()))
    return abs(declared - float(delivered.sum()))
