"""A pool's trade: what all exchange at one price of each period, as the result of that period.

Whoever takes is served by all who give, in proportion.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, nan
from typing import Final

import numpy as np

from market.coordination.consensus import Consensus, ConsensusRound
from market.game.period import PeriodGame
from market.game.result import PeriodResult, Verdict
from market.model.arrays import Array, frozen
from market.model.declaration import Declaration, Role
from market.model.public import PublicRules
from market.model.rules import CarbonMode
from market.settlement.rounds import DayRound, DayRounds

_SMALL_MW: Final = 1e-9


def pooled(
    vpps: Sequence[str],
    net_in_mw: Array,
    price_cny_per_mwh: Array,
    verdict: Verdict,
    evidence: str,
    public: PublicRules,
) -> tuple[PeriodResult, ...]:
    """Each period's end. net_in_mw : shape (VPPs, periods), Σ_k = 0 · verdict, evidence : of the day

    Where nothing is exchanged that is no trade, if it is agreed on. What only a game has (reserves, appetites, a
    temperature of choice) is NaN.
    """
    prices = price_cny_per_mwh.tolist()
    return tuple(
        pooled_period(t, vpps, net_in_mw[:, t], price, (verdict, evidence), public)
        for t, price in enumerate(prices)
    )


def pool_declaration(vpp: str, net_in_mw: Array) -> Declaration:
    """What a VPP gives to the pool and takes from it, as a declaration."""
    taken, given = (np.where(power > _SMALL_MW, power, 0.0) for power in (net_in_mw, -net_in_mw))
    roles = [
        Role.SELLER if gives else Role.BUYER if takes else Role.IDLE
        for gives, takes in zip((given > 0.0).tolist(), (taken > 0.0).tolist(), strict=True)
    ]
    nothing = frozen(np.zeros_like(net_in_mw))
    return Declaration(vpp, tuple(roles), frozen(given), frozen(taken), nothing, nothing, nothing)


def verdict_of(found: Consensus) -> tuple[Verdict, str]:
    """The verdict on the day, and its evidence."""
    if found.reached:
        return Verdict.EQUILIBRIUM, ""
    left = f"all regrets together are {found.settled.regrets_cny:.6g} CNY after {len(found.rounds) - 1} rounds"
    if found.committed:
        why = "commitments were tried, and no price need support a unit that is on or off"
        return Verdict.UNCERTIFIED, f"{left}; {why}"
    return Verdict.UNCERTIFIED, f"{left}; raise market.consensus_rounds or market.consensus_regret"


def agreed_rounds(
    vpps: Sequence[str],
    rounds: Sequence[ConsensusRound],
    settled: ConsensusRound,
    public: PublicRules,
    cost_cny: Sequence[float] | None = None,
) -> DayRounds:
    """The rounds of a day, and the one that counts. cost_cny : of each, where that is known

    Regrets bound the loss of each where it minimises what it is billed.
    """
    regret = {vpp: each.regret_cny for vpp, each in zip(vpps, settled.judged, strict=True)}
    billed = public.carbon.mode is not CarbonMode.NONE
    costs = cost_cny or [nan] * len(rounds)
    summed = (_day_round(each, cost, public.horizon.period_h) for each, cost in zip(rounds, costs, strict=True))
    return DayRounds(tuple(summed), settled.number, regret, regret if billed else None, agreed=True)


def _day_round(each: ConsensusRound, cost_cny: float, hours: float) -> DayRound:
    return DayRound(
        each.number,
        cost_cny if isfinite(cost_cny) else nan,
        each.regrets_cny if isfinite(each.regrets_cny) else nan,
        float(np.maximum(each.net_in_mw, 0.0).sum()) * hours,
        each.imbalance_mw,
    )


def pooled_period(
    t: int, vpps: Sequence[str], net_in: Array, price: float, end: tuple[Verdict, str], public: PublicRules
) -> PeriodResult:
    gives, takes = (np.flatnonzero(power > _SMALL_MW).tolist() for power in (-net_in, net_in))
    given, taken = -net_in[gives], net_in[takes]
    game = _pool(t, [vpps[k] for k in gives], given, [vpps[k] for k in takes], taken, price, public)
    share = frozen(np.tile(given / given.sum(), (len(taken), 1)) if len(given) else np.zeros((len(taken), 0)))
    delivered = frozen(taken[:, None] * share)
    verdict, evidence = end
    if verdict is Verdict.EQUILIBRIUM and not game.tradable:
        verdict, evidence = Verdict.NO_TRADE, "nobody gains by trade"
    prices = frozen(np.full(len(given), price))
    return PeriodResult(game, verdict, price, prices, share, delivered, delivered, 0, None, evidence)


def _pool(
    t: int,
    sellers: Sequence[str],
    given_mw: Array,
    buyers: Sequence[str],
    taken_mw: Array,
    price: float,
    public: PublicRules,
) -> PeriodGame:
    """The pool of a period; its band is the grid's, as far as the price itself does not reach beyond."""
    feed_in, retail = (
        float(prices[t]) for prices in (public.tariff.feed_in_cny_per_mwh, public.tariff.retail_cny_per_mwh)
    )
    unknown = [frozen(np.full(count, np.nan)) for count in (len(sellers), len(buyers))]
    return PeriodGame(
        period=t,
        period_h=public.horizon.period_h,
        floor_cny_per_mwh=min(feed_in, price),
        cap_cny_per_mwh=max(retail, price),
        feed_in_cny_per_mwh=feed_in,
        temperature_cny_per_mwh=public.market.choice_temperature_cny_per_mwh,
        base_power_mw=public.market.base_power_mw,
        tick_cny_per_mwh=public.market.price_tick_cny_per_mwh,
        sellers=tuple(sellers),
        surplus_mw=frozen(given_mw),
        reserve_cny_per_mwh=unknown[0],
        buyers=tuple(buyers),
        deficit_mw=frozen(taken_mw),
        own_supply_mw=unknown[1],
        satisfaction_cny_per_h=unknown[1],
    )
