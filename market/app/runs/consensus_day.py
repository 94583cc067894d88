"""Runs a day in one process whose trade comes about by consensus on prices."""

from __future__ import annotations

from collections.abc import Callable
from math import fsum

from market.bidding.declare import declare
from market.coordination.consensus import find_consensus, scale_of
from market.coordination.pool import agreed_rounds, pool_declaration, pooled, verdict_of
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome, VppDay
from market.settlement.settlement import direct_exchange
from vpp_nodes.dispatch import dispatch
from vpp_nodes.dispatch.participant import participant


def consensus_day(scenario: Scenario, on_round: Callable[[int], None]) -> MarketOutcome:
    """A day settled at the prices of the round with the least regrets. DispatchError where a VPP has no day."""
    public, vpps, names = scenario.public, scenario.vpps, [vpp.id for vpp in scenario.vpps]
    before = [dispatch(vpp, public, None) for vpp in vpps]
    found = find_consensus(
        [participant(vpp, public, len(vpps)) for vpp in vpps],
        scale_of([declare(vpp, plan, public) for vpp, plan in zip(vpps, before, strict=True)], public.tariff),
        public.tariff,
        public.horizon,
        public.market,
        lambda each: on_round(each.number),
    )
    settled = found.settled
    results = pooled(names, settled.net_in_mw, settled.price_cny_per_mwh, *verdict_of(found), public)
    after = [dispatch(vpp, public, direct_exchange(vpp.id, results, public)) for vpp in vpps]
    days = tuple(
        VppDay(pool_declaration(name, net_in), alone, plan, plan)
        for name, net_in, alone, plan in zip(names, settled.net_in_mw, before, after, strict=True)
    )
    alone_cny = fsum(plan.objective_cny for plan in before)
    costs_cny = [alone_cny - each.saving_cny for each in found.rounds]
    rounds = agreed_rounds(names, found.rounds, settled, public, costs_cny)
    return MarketOutcome(results, days, rounds)
