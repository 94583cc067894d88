"""The conditions under which a VPP provably pays no more with trade than without, and which of them fails.

The proof: what is traded is a part of what the plan without trade has over or lacks, so that this plan, less the
trade, stays feasible; a buyer pays at most the retail price and no longer emits what it bought from the grid, a
seller earns at least what the energy costs it; and each minimises what it is billed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from market.bidding.reserve import reserve_cny_per_mwh
from market.bidding.roles import VOLUME_DECIMALS, demand_mw, supply_mw
from market.costs.carbon import grid_emission_t_per_mwh
from market.costs.costs import has_own_tariff, tariff_of
from market.game.result import PeriodResult
from market.model.arrays import Array
from market.model.plan import DispatchPlan
from market.model.public import PublicRules
from market.model.rules import CarbonMode
from market.model.vpp import Vpp
from market.settlement.outcome import VppDay

_PRICE_TOLERANCE_CNY_PER_MWH = 1e-6
_MONEY_TOLERANCE = 1e-9
_ROUNDING_MW: Final = 2.0 * 10.0**-VOLUME_DECIMALS  # a declared volume is rounded, and so may be above the plan's


class _Purchase(NamedTuple):
    """What a VPP takes in a period, counted from 0. power_mw, price_cny_per_mwh : by seller, shape (n,)"""

    period: int
    power_mw: Array
    price_cny_per_mwh: Array
    hours: float


class _Sale(NamedTuple):
    """What it gives. reserve_cny_per_mwh : what it declares that its last MWh costs"""

    period: int
    power_mw: float
    price_cny_per_mwh: float
    reserve_cny_per_mwh: float
    hours: float


def unmet_condition(day: VppDay, results: Sequence[PeriodResult], public: PublicRules, plant: Vpp | None) -> str:
    """The condition that fails for a VPP which traded, in words; empty where the proof holds.

    plant : where it is known, what its energy costs is worked out of it; else what it declares is believed
    """
    vpp, carbon = day.declaration.vpp, public.carbon
    purchases, sales = _purchases(vpp, results), _sales(vpp, results)
    if not (purchases or sales):
        return ""
    if carbon.mode is CarbonMode.NONE:
        return "the objective is not the bill (carbon.mode `none`)"
    if carbon.credits_follow_energy:
        return "credits follow the energy (carbon.credits_follow_energy)"
    if dirty := _quota_for_free(purchases, public):
        return dirty
    if isinstance(day.before, DispatchPlan) and (more := _beyond_plan(purchases, sales, day.before)):
        return more
    if day.declaration.own_tariff and plant is None:
        return "it is billed by a tariff of its own, which is not known here"
    if plant is not None and (dear := _dearer_than_grid(purchases, public, plant)):
        return dear
    at_cost = _at_true_reserve(sales, day, public, plant)
    if any(result.transfer_cny for result in results):
        beside_cny = sum(result.transfer_cny.get(vpp, 0.0) for result in results)
        return _above_worth(purchases, at_cost, beside_cny, _worth_cny_per_mwh(public, plant))
    return _below_cost(at_cost)


def _purchases(vpp: str, results: Sequence[PeriodResult]) -> list[_Purchase]:
    """Whatever counts as delivered to a VPP."""
    found = []
    for result in results:
        game = result.game
        if result.verdict.rests and vpp in game.buyers:
            taken_mw = result.delivered_mw[game.buyers.index(vpp)]
            if taken_mw.any():
                found.append(_Purchase(game.period, taken_mw, result.price_cny_per_mwh, game.period_h))
    return found


def _sales(vpp: str, results: Sequence[PeriodResult]) -> list[_Sale]:
    """Whatever counts as delivered by it."""
    found = []
    for result in results:
        game = result.game
        if result.verdict.rests and vpp in game.sellers:
            place = game.sellers.index(vpp)
            given_mw = result.delivered_mw[:, place]
            price, reserve = (float(each[place]) for each in (result.price_cny_per_mwh, game.reserve_cny_per_mwh))
            if given_mw.any():
                found.append(_Sale(game.period, float(given_mw.sum()), price, reserve, game.period_h))
    return found


def _quota_for_free(purchases: Sequence[_Purchase], public: PublicRules) -> str:
    """Where a MWh of the grid emits less than the quota that it brings, so that who buys of others loses quota."""
    emission, quota = (
        grid_emission_t_per_mwh(public.carbon, public.horizon.periods),
        public.carbon.grid_quota_t_per_mwh,
    )
    least_t = min((float(emission[each.period]) for each in purchases), default=quota)
    if least_t >= quota:
        return ""
    return (
        "energy from the grid earns more quota than it emits (carbon.grid_quota_t_per_mwh "
        f"{quota:g} above grid_emission_t_per_mwh {least_t:g})"
    )


def _beyond_plan(purchases: Sequence[_Purchase], sales: Sequence[_Sale], before: DispatchPlan) -> str:
    """The first period in which more is traded than the plan without trade lacks, or has over, (15)."""
    lacks_mw = demand_mw(before) - supply_mw(before)
    over_mw = before.curtailed_mw - lacks_mw
    for taken in purchases:
        if float(taken.power_mw.sum()) > lacks_mw[taken.period] + _ROUNDING_MW:
            lacks = max(float(lacks_mw[taken.period]), 0.0)
            told = f"it takes {float(taken.power_mw.sum()):g} MW where its plan without trade lacks {lacks:g} MW"
            return f"in period {taken.period + 1} {told}"
    for given in sales:
        if given.power_mw > over_mw[given.period] + _ROUNDING_MW:
            over = max(float(over_mw[given.period]), 0.0)
            told = f"it gives {given.power_mw:g} MW where its plan without trade has {over:g} MW over"
            return f"in period {given.period + 1} {told}"
    return ""


def _dearer_than_grid(purchases: Sequence[_Purchase], public: PublicRules, plant: Vpp) -> str:
    """The first period in which a MWh of others costs a VPP, fee included, more than the grid asks of it (M14)."""
    if not has_own_tariff(plant):
        return ""
    retail, fee = tariff_of(plant, public).retail_cny_per_mwh, plant.exchange.peer_fee_cny_per_mwh
    for taken in purchases:
        price = float(taken.price_cny_per_mwh[taken.power_mw > 0.0].max()) + fee
        if price > retail[taken.period] + _PRICE_TOLERANCE_CNY_PER_MWH:
            at = f"{price:g} CNY/MWh{', fee included,' if fee else ''}"
            grid = f"what the grid sells to it at {retail[taken.period]:g} CNY/MWh"
            return f"in period {taken.period + 1} it buys at {at} {grid}"
    return ""


def _at_true_reserve(
    sales: Sequence[_Sale], day: VppDay, public: PublicRules, plant: Vpp | None
) -> Sequence[_Sale]:
    """The sales with what the energy costs by plant and plan, (M5), where these are known."""
    if not sales or plant is None or not isinstance(day.before, DispatchPlan):
        return sales
    reserve = reserve_cny_per_mwh(plant, day.before, public)
    return [each._replace(reserve_cny_per_mwh=float(reserve[each.period])) for each in sales]


def _worth_cny_per_mwh(public: PublicRules, plant: Vpp | None) -> Array:
    """What a MWh of others saves at the grid, shape (periods,): its retail price, less the fee on it (M14)."""
    if plant is None:
        return public.tariff.retail_cny_per_mwh
    return tariff_of(plant, public).retail_cny_per_mwh - plant.exchange.peer_fee_cny_per_mwh


def _above_worth(
    purchases: Sequence[_Purchase], sales: Sequence[_Sale], beside_cny: float, worth_cny_per_mwh: Array
) -> str:
    """Where a mechanism moves money beside prices: whether all that is paid over the day is worth the energy.

    Sold energy is worth what it costs. beside_cny : what is paid beside prices, below 0 what is got
    """
    paid, worth = beside_cny, 0.0
    for taken in purchases:
        mwh = taken.power_mw * taken.hours
        paid += float(mwh @ taken.price_cny_per_mwh)
        worth += float(mwh.sum() * worth_cny_per_mwh[taken.period])
    for given in sales:
        mwh_given = given.power_mw * given.hours
        paid -= mwh_given * given.price_cny_per_mwh
        worth -= mwh_given * given.reserve_cny_per_mwh
    if paid <= worth + _MONEY_TOLERANCE * max(1.0, abs(paid), abs(worth)):
        return ""
    return f"over the day it pays {paid:,.2f} CNY for trade that is worth {worth:,.2f} CNY to it (below 0: gets)"


def _below_cost(sales: Sequence[_Sale]) -> str:
    """The first period in which a MWh is paid less than the last one of the surplus costs."""
    for given in sales:
        price, least = given.price_cny_per_mwh, given.reserve_cny_per_mwh
        if price < least - _PRICE_TOLERANCE_CNY_PER_MWH:
            return (
                f"in period {given.period + 1} it sells at {price:g} CNY/MWh what costs it up to {least:g} CNY/MWh"
            )
    return ""
