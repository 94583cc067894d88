"""Runs a day in one process whose trade comes about by consensus on prices."""

from __future__ import annotations

from collections.abc import Callable
from math import fsum, isfinite, nan

import numpy as np

from market.bidding.declare import declare
from market.coordination.consensus import Consensus, ConsensusRound, find_consensus, scale_of
from market.coordination.pool import pool_declaration, pooled
from market.game.result import Verdict
from market.model.rules import CarbonMode
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome, VppDay
from market.settlement.rounds import DayRound, DayRounds
from market.settlement.settlement import direct_exchange
from vpp_nodes.dispatch import dispatch
from vpp_nodes.dispatch.open_day import movable_mw
from vpp_nodes.dispatch.participant import participant


def consensus_day(scenario: Scenario, on_round: Callable[[int], None]) -> MarketOutcome:
    """A day settled at the prices of the round with the least regrets. DispatchError where a VPP has no day."""
    public, vpps = scenario.public, scenario.vpps
    before = [dispatch(vpp, public, None) for vpp in vpps]
    most_mw = movable_mw(vpps, public.horizon.periods)
    scale = scale_of([declare(vpp, plan, public) for vpp, plan in zip(vpps, before, strict=True)], public.tariff)
    found = find_consensus(
        [participant(vpp, public, most_mw) for vpp in vpps],
        scale,
        public.tariff,
        public.horizon,
        public.market,
        lambda each: on_round(each.number),
    )
    settled = found.settled
    verdict, evidence = _verdict(found)
    names = [vpp.id for vpp in vpps]
    results = pooled(names, settled.net_in_mw, settled.price_cny_per_mwh, verdict, evidence, public)
    after = [dispatch(vpp, public, direct_exchange(vpp.id, results, public)) for vpp in vpps]
    days = tuple(
        VppDay(pool_declaration(name, net_in), alone, plan, plan)
        for name, net_in, alone, plan in zip(names, settled.net_in_mw, before, after, strict=True)
    )
    return MarketOutcome(results, days, trace=(), rounds=_rounds(scenario, found))


def _verdict(found: Consensus) -> tuple[Verdict, str]:
    if found.reached:
        return Verdict.EQUILIBRIUM, ""
    left = f"all regrets together are {found.settled.regrets_cny:.6g} CNY after {len(found.rounds) - 1} rounds"
    return Verdict.UNCERTIFIED, f"{left}; raise market.consensus_rounds or market.consensus_regret"


def _rounds(scenario: Scenario, found: Consensus) -> DayRounds:
    """Regrets bound the loss of each where it minimises what it is billed."""
    regret = dict(zip(scenario.roster, found.settled.regret_cny.tolist(), strict=True))
    billed = scenario.public.carbon.mode is not CarbonMode.NONE
    hours = scenario.public.horizon.period_h
    rounds = tuple(_day_round(each, hours) for each in found.rounds)
    return DayRounds(rounds, found.settled.number, regret, regret if billed else None, agreed=True)


def _day_round(each: ConsensusRound, hours: float) -> DayRound:
    cost, regrets = fsum(each.cost_cny.tolist()), each.regrets_cny
    traded_mwh = float(np.maximum(each.net_in_mw, 0.0).sum()) * hours
    return DayRound(
        each.number,
        cost if isfinite(cost) else nan,
        regrets if isfinite(regrets) else nan,
        traded_mwh,
        each.imbalance_mw,
    )
