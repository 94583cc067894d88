"""The conditions under which a VPP provably pays no more with trade than without, and which of them fails.

The proof: the plan without trade, less the trade, stays feasible; a buyer pays at most the retail price and no
longer emits what it bought from the grid, a seller earns at least what the energy costs it; and each minimises
what it is billed.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np

from market.bidding.reserve import reserve_cny_per_mwh
from market.costs.carbon import grid_emission_t_per_mwh
from market.costs.costs import has_own_tariff, tariff_of
from market.game.result import PeriodResult
from market.model.plan import DispatchPlan
from market.model.public import PublicRules
from market.model.rules import CarbonMode
from market.model.vpp import Vpp
from market.settlement.outcome import VppDay

_PRICE_TOLERANCE_CNY_PER_MWH = 1e-6
_MONEY_TOLERANCE = 1e-9


def unmet_condition(day: VppDay, results: Sequence[PeriodResult], public: PublicRules, plant: Vpp | None) -> str:
    """The condition that fails for a VPP which traded, in words; empty where the proof holds.

    plant : where it is known, what its energy costs is worked out of it
    """
    vpp, carbon = day.declaration.vpp, public.carbon
    bought, sold = _trades(vpp, results)
    if not (bought or sold):
        return ""
    if carbon.mode is CarbonMode.NONE:
        return "the objective is not the bill (carbon.mode `none`)"
    if carbon.credits_follow_energy:
        return "credits follow the energy (carbon.credits_follow_energy)"
    least_t = _least_grid_emission_t_per_mwh(vpp, results, public)
    if bought and least_t < carbon.grid_quota_t_per_mwh:
        return (
            "energy from the grid earns more quota than it emits (carbon.grid_quota_t_per_mwh "
            f"{carbon.grid_quota_t_per_mwh:g} above grid_emission_t_per_mwh {least_t:g})"
        )
    if day.declaration.own_tariff and plant is None:
        return "it is billed by a tariff of its own, which is not known here"
    if plant is not None and (dear := _dearer_than_grid(vpp, results, public, plant)):
        return dear
    if any(result.transfer_cny for result in results):
        return _above_worth(day, results, public)
    return _below_cost(day, results, public, plant)


def _above_worth(day: VppDay, results: Sequence[PeriodResult], public: PublicRules) -> str:
    """Where a mechanism moves money beside prices: whether all that is paid over the day is worth the energy.

    Bought energy is worth its retail price, sold energy what its owner declares that it costs.
    """
    vpp, retail = day.declaration.vpp, public.tariff.retail_cny_per_mwh
    paid, worth = 0.0, 0.0
    for result in results:
        game, hours = result.game, result.game.period_h
        paid += result.transfer_cny.get(vpp, 0.0)
        if vpp in game.buyers:
            mwh = result.delivered_mw[game.buyers.index(vpp)] * hours
            paid += float(mwh @ result.price_cny_per_mwh)
            worth += float(mwh.sum() * retail[game.period])
        if vpp in game.sellers:
            index = game.sellers.index(vpp)
            mwh = float(result.delivered_mw[:, index].sum()) * hours
            paid -= mwh * float(result.price_cny_per_mwh[index])
            worth -= mwh * float(game.reserve_cny_per_mwh[index])
    if paid <= worth + _MONEY_TOLERANCE * max(1.0, abs(paid), abs(worth)):
        return ""
    return f"over the day it pays {paid:,.2f} CNY for trade that is worth {worth:,.2f} CNY to it (below 0: gets)"


def _trades(vpp: str, results: Sequence[PeriodResult]) -> tuple[bool, bool]:
    """Whether a VPP takes and whether it gives anything over the day."""
    bought = sold = False
    for result in results:
        game = result.game
        if result.verdict.rests and vpp in game.buyers:
            bought |= bool(result.delivered_mw[game.buyers.index(vpp)].any())
        if result.verdict.rests and vpp in game.sellers:
            sold |= bool(result.delivered_mw[:, game.sellers.index(vpp)].any())
    return bought, sold


def _least_grid_emission_t_per_mwh(vpp: str, results: Sequence[PeriodResult], public: PublicRules) -> float:
    """The grid's least emission in the periods in which a VPP takes anything from others; infinite without any."""
    emission = grid_emission_t_per_mwh(public.carbon, public.horizon.periods)
    taken = [
        float(emission[result.game.period])
        for result in results
        if result.verdict.rests
        and vpp in result.game.buyers
        and result.delivered_mw[result.game.buyers.index(vpp)].any()
    ]
    return min(taken, default=inf)


def _dearer_than_grid(vpp: str, results: Sequence[PeriodResult], public: PublicRules, plant: Vpp) -> str:
    """The first period in which a MWh of others costs a VPP, fee included, more than the grid asks of it (M14)."""
    if not has_own_tariff(plant):
        return ""
    retail, fee = tariff_of(plant, public).retail_cny_per_mwh, plant.exchange.peer_fee_cny_per_mwh
    for result in results:
        if not result.verdict.rests or vpp not in result.game.buyers:
            continue
        t, taken = result.game.period, result.delivered_mw[result.game.buyers.index(vpp)]
        if not np.any(taken):
            continue
        price = float(result.price_cny_per_mwh[taken > 0.0].max()) + fee
        if price > retail[t] + _PRICE_TOLERANCE_CNY_PER_MWH:
            with_fee = ", fee included," if fee else ""
            return (
                f"in period {t + 1} it buys at {price:g} CNY/MWh{with_fee} what the grid sells to it at "
                f"{retail[t]:g} CNY/MWh"
            )
    return ""


def _below_cost(day: VppDay, results: Sequence[PeriodResult], public: PublicRules, plant: Vpp | None) -> str:
    """The first period in which a MWh is paid less than the last one of the surplus costs."""
    if plant is None or not isinstance(day.before, DispatchPlan):
        return ""
    vpp, least = day.declaration.vpp, reserve_cny_per_mwh(plant, day.before, public)
    for result in results:
        if not result.verdict.rests or vpp not in result.game.sellers:
            continue
        index, t = result.game.sellers.index(vpp), result.game.period
        price = float(result.price_cny_per_mwh[index])
        if price < least[t] - _PRICE_TOLERANCE_CNY_PER_MWH and np.any(result.delivered_mw[:, index]):
            return f"in period {t + 1} it sells at {price:g} CNY/MWh what costs it up to {least[t]:g} CNY/MWh"
    return ""
