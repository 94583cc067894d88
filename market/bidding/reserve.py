"""The reserve of a seller (M5): what the last MWh of its surplus costs it, by its own plan."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from market.bidding.roles import VOLUME_DECIMALS, day_roles
from market.costs.billing import bills, marginal_prices_cny_per_t, plan_excess_t
from market.costs.costs import tariff_of
from market.costs.unit_operations import unit_operations
from market.model.arrays import Array, frozen
from market.model.assets import Hydro
from market.model.plan import DispatchPlan
from market.model.public import PublicRules
from market.model.vpp import Renewable, Vpp

_FINEST_CNY_PER_MWH = 1e-8  # prices are no finer
_OF_A_STEP = 1e-9  # a reserve this little above a multiple is that multiple
_OF_THE_CAP = 1e-8  # a reserve this little above the cap is the cap
_SMALL_MW = 10.0**-VOLUME_DECIMALS  # what rounding adds to a surplus is no part of it


def highest_reserve_cny_per_mwh(public: PublicRules) -> Array:
    """The highest reserve at which something may be sold in each period, shape (periods,).

    It is the cap; where the band is empty the feed-in price, which is everybody's reserve and keeps nobody out.
    """
    tariff, highest = public.tariff, public.market.price_max_cny_per_mwh
    return np.maximum(np.minimum(highest, tariff.retail_cny_per_mwh), tariff.feed_in_cny_per_mwh)


def reserve_cny_per_mwh(vpp: Vpp, plan: DispatchPlan, public: PublicRules) -> Array:
    """r of (M5): the feed-in price or, if that is more, what the last MWh of a surplus costs, shape (periods,).

    Where the VPP has a tariff of its own its exports cost what that pays; no reserve is below everybody's feed-in.

    A surplus is made up of its cheapest parts: energy that the plan exports costs the feed-in price, energy that
    it curtails the plant's O&M less the carbon that the quota for renewables saves, anything else λ. With
    `credits_follow_energy` σ_dir t of quota leave with each MWh, at the VPP's own marginal carbon price.
    """
    carbon, feed_in = public.carbon, tariff_of(vpp, public).feed_in_cny_per_mwh
    saved = carbon.renewable_quota_t_per_mwh * _last_carbon_price_cny_per_t(vpp, plan, public)
    parts = [(plan.sell_mw, feed_in)]
    parts += [(spare_mw, np.full_like(feed_in, cost)) for spare_mw, cost in _held_back(vpp, plan, saved)]
    parts.append((np.full_like(feed_in, np.inf), np.maximum(plan.marginal_value_cny_per_mwh, feed_in)))
    power_mw, cost = (np.array(column) for column in zip(*parts, strict=True))
    power_mw[:-1], cost[:-1] = _cheapest_first(power_mw[:-1], cost[:-1])
    surplus_mw = day_roles(vpp, plan, public.market.role_tolerance).surplus_mw
    last = (np.cumsum(power_mw, axis=0) >= surplus_mw - _SMALL_MW).argmax(axis=0)
    dearest = np.take_along_axis(cost, last[None, :], axis=0)[0]
    least = np.maximum(public.tariff.feed_in_cny_per_mwh, feed_in)
    return frozen(np.maximum(least, dearest) + credit_worth_cny_per_mwh(vpp, plan, public))


def _held_back(vpp: Vpp, plan: DispatchPlan, saved: Array | float) -> Iterator[tuple[Array, Array | float]]:
    """What each plant could give besides, MW, and what a MWh of it costs."""
    for unit, does in unit_operations(vpp, plan):
        if isinstance(unit.asset, Renewable):
            yield unit.asset.forecast_mw - does.supply_mw, unit.asset.om_cost_cny_per_mwh - saved
    hydro = {unit.id: unit.asset for unit in vpp.units if isinstance(unit.asset, Hydro)}
    for each in plan.units:
        if each.unit in hydro:
            yield each.curtailed_mw, hydro[each.unit].om_cost_cny_per_mwh


def declared_reserve_cny_per_mwh(vpp: Vpp, reserve: Array, public: PublicRules) -> Array:
    """What a seller makes public of its reserve r, shape (periods,): where it is above f, rounded up by its step.

    Never beyond the cap, since that would leave the market: a plan that buys from the grid has λ at the cap, or a
    last digit above it. A reserve that is really beyond it stays as it is.
    """
    step, feed_in = vpp.exchange.reserve_step_cny_per_mwh, public.tariff.feed_in_cny_per_mwh
    highest = highest_reserve_cny_per_mwh(public)
    at_cap = (reserve > highest) & (reserve <= highest + _OF_THE_CAP * np.abs(highest))
    reserve = frozen(np.where(at_cap, highest, reserve))
    if step < _FINEST_CNY_PER_MWH:
        return reserve
    rounded = np.ceil(reserve / step - _OF_A_STEP) * step
    rounded = np.clip(rounded, reserve, np.maximum(highest, reserve))
    return frozen(np.where(reserve > feed_in, rounded, reserve))


def _cheapest_first(power_mw: Array, cost: Array) -> tuple[Array, Array]:
    """Columns of both in the order of the costs; arrays (parts, periods)."""
    order = np.argsort(cost, axis=0, kind="stable")
    return np.take_along_axis(power_mw, order, axis=0), np.take_along_axis(cost, order, axis=0)


def credit_worth_cny_per_mwh(vpp: Vpp, plan: DispatchPlan, public: PublicRules) -> Array | float:
    """What the quota that comes with a MWh is worth to a buyer; 0 where none comes."""
    if not public.carbon.credits_follow_energy:
        return 0.0
    excess_t = plan_excess_t(vpp, public, plan)
    return public.carbon.direct_quota_t_per_mwh * marginal_prices_cny_per_t(vpp, public, excess_t)


def _last_carbon_price_cny_per_t(vpp: Vpp, plan: DispatchPlan, public: PublicRules) -> Array | float:
    """What a tonne saves at least while everything curtailed is put to use."""
    hours, quota = public.horizon.period_h, public.carbon.renewable_quota_t_per_mwh
    parts = zip(plan_excess_t(vpp, public, plan), bills(public.carbon, public.horizon), strict=True)
    least_t = tuple(
        excess_t - quota * (float(plan.curtailed_mw[part.start : part.stop].sum()) * hours)
        for excess_t, part in parts
    )
    return marginal_prices_cny_per_t(vpp, public, least_t)
