"""Roles of a VPP, seller or buyer in each period, by its supply-demand ratio (14), (15), and its declaration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from market.day.carbon import CarbonAccount, marginal_price_cny_per_t
from market.model.arrays import Array, BoolArray, frozen
from market.model.declaration import Declaration, Role
from market.model.plan import DispatchPlan
from market.model.public import PublicRules
from market.model.rules import CarbonRules
from market.model.vpp import Vpp

VOLUME_DECIMALS = 9  # S and D are rounded to 1e-9 MW, once, here
_SMALL_MW = 10.0**-VOLUME_DECIMALS  # what rounding adds to a surplus is no part of it


@dataclass(frozen=True, slots=True)
class DayRoles:
    """What (14) and (15) make of a plan, one entry for each period.

    supply_mw : P^s · demand_mw : P^d · surplus_mw : S, 0 unless a seller · deficit_mw : D, 0 unless a buyer
    """

    roles: tuple[Role, ...]
    supply_mw: Array
    demand_mw: Array
    surplus_mw: Array
    deficit_mw: Array


def supply_mw(plan: DispatchPlan) -> Array:
    """P^s of (14): WT + PV + MT + discharge, shape (periods,)."""
    return frozen(plan.wt_mw + plan.pv_mw + plan.mt_mw + plan.discharge_mw)


def demand_mw(plan: DispatchPlan) -> Array:
    """P^d of (14): load − load shed + charge, shape (periods,)."""
    return frozen(plan.load_mw - plan.cl_mw + plan.charge_mw)


def sdr(plan: DispatchPlan) -> Array:
    """SDR = P^s/P^d of (14), shape (periods,): infinite without demand, 1 where there is no supply either."""
    supply, demand = supply_mw(plan), demand_mw(plan)
    without = np.where(supply > 0.0, np.inf, 1.0)
    with np.errstate(over="ignore"):  # next to no demand is as good as none
        return frozen(np.divide(supply, demand, out=without, where=demand != 0.0))


def day_roles(vpp: Vpp, plan: DispatchPlan, role_tolerance: float) -> DayRoles:
    """(15), period by period.

        seller  SDR > 1 + ε_r, or not a buyer but curtailing;  S = min(P^s − P^d + curtailed, dir_out limit)
        buyer   SDR < 1 − ε_r;  D = min(P^d − P^s, dir_in limit)

    Everybody else is idle, and so is whoever would trade 0 MW after rounding (a limit of 0, say). The ratios
    are compared as products, so a period without demand needs no rule of its own.
    """
    supply, demand = supply_mw(plan), demand_mw(plan)
    available = supply + plan.curtailed_mw
    buys = supply < (1.0 - role_tolerance) * demand
    sells = ~buys & (available > (1.0 + role_tolerance) * demand)
    surplus = _volume(sells, available - demand, vpp.exchange.direct_out_max_mw)
    deficit = _volume(buys, demand - supply, vpp.exchange.direct_in_max_mw)
    return DayRoles(
        roles=tuple(_role(s, d) for s, d in zip(surplus.tolist(), deficit.tolist(), strict=True)),
        supply_mw=supply,
        demand_mw=demand,
        surplus_mw=surplus,
        deficit_mw=deficit,
    )


def declare(
    vpp: Vpp, plan: DispatchPlan, public: PublicRules, value_cny_per_mwh: Array | None = None
) -> Declaration:
    """What `vpp` makes public of its plan: roles, volumes, its demand curve or its reserve.

    value_cny_per_mwh : λ that its demand curve follows from; that of the plan where it is not given

        k = κ λ (S0 + P^d), not below 0, CNY/h (MODEL section 3)

    Only buyers publish P^s and k. With `credits_follow_energy` a MWh from a peer also saves σ_dir t of quota,
    so λ rises by σ_dir times the VPP's own marginal carbon price (section 5). A seller whose reserve is above the
    cap is idle (M5).
    """
    day = day_roles(vpp, plan, public.market.role_tolerance)
    buys = day.deficit_mw > 0.0
    reserve = reserve_cny_per_mwh(vpp, plan, public)
    sells = (day.surplus_mw > 0.0) & (reserve <= highest_reserve_cny_per_mwh(public))
    surplus_mw = np.where(sells, day.surplus_mw, 0.0)
    value = plan.marginal_value_cny_per_mwh if value_cny_per_mwh is None else value_cny_per_mwh
    worth = value + _credit_worth_cny_per_mwh(public.carbon, plan)
    satisfaction = vpp.satisfaction * worth * (public.market.base_power_mw + day.demand_mw)
    return Declaration(
        vpp=vpp.id,
        roles=tuple(_role(s, d) for s, d in zip(surplus_mw.tolist(), day.deficit_mw.tolist(), strict=True)),
        surplus_mw=frozen(surplus_mw),
        deficit_mw=day.deficit_mw,
        own_supply_mw=frozen(np.where(buys, day.supply_mw, 0.0)),
        satisfaction_cny_per_h=frozen(np.where(buys, np.maximum(satisfaction, 0.0), 0.0)),
        reserve_cny_per_mwh=frozen(np.where(sells, reserve, 0.0)),
    )


def highest_reserve_cny_per_mwh(public: PublicRules) -> Array:
    """The highest reserve at which something may be sold in each period, shape (periods,).

    It is the cap; where the band is empty the feed-in price, which is everybody's reserve and keeps nobody out.
    """
    tariff, highest = public.tariff, public.market.price_max_cny_per_mwh
    return np.maximum(np.minimum(highest, tariff.retail_cny_per_mwh), tariff.feed_in_cny_per_mwh)


def reserve_cny_per_mwh(vpp: Vpp, plan: DispatchPlan, public: PublicRules) -> Array:
    """r of (M5): the feed-in price or, if that is more, what the last MWh of a surplus costs, shape (periods,).

    A surplus is made up of its cheapest parts: energy that the plan exports costs the feed-in price, energy that
    it curtails the plant's O&M less the carbon that the quota for renewables saves, anything else λ. With
    `credits_follow_energy` σ_dir t of quota leave with each MWh, at the VPP's own marginal carbon price.
    """
    carbon, feed_in = public.carbon, public.tariff.feed_in_cny_per_mwh
    saved = carbon.renewable_quota_t_per_mwh * _last_carbon_price_cny_per_t(plan, public)
    parts = [(plan.sell_mw, feed_in)]
    for plant, used_mw in ((vpp.wt, plan.wt_mw), (vpp.pv, plan.pv_mw)):
        if plant is not None:
            parts.append((plant.forecast_mw - used_mw, np.full_like(feed_in, plant.om_cost_cny_per_mwh - saved)))
    parts.append((np.full_like(feed_in, np.inf), np.maximum(plan.marginal_value_cny_per_mwh, feed_in)))
    power_mw, cost = (np.array(column) for column in zip(*parts, strict=True))
    power_mw[:-1], cost[:-1] = _cheapest_first(power_mw[:-1], cost[:-1])
    surplus_mw = day_roles(vpp, plan, public.market.role_tolerance).surplus_mw
    last = (np.cumsum(power_mw, axis=0) >= surplus_mw - _SMALL_MW).argmax(axis=0)
    dearest = np.take_along_axis(cost, last[None, :], axis=0)[0]
    return frozen(np.maximum(feed_in, dearest) + _credit_worth_cny_per_mwh(carbon, plan))


def _cheapest_first(power_mw: Array, cost: Array) -> tuple[Array, Array]:
    """Columns of both in the order of the costs; arrays (parts, periods)."""
    order = np.argsort(cost, axis=0, kind="stable")
    return np.take_along_axis(power_mw, order, axis=0), np.take_along_axis(cost, order, axis=0)


def _last_carbon_price_cny_per_t(plan: DispatchPlan, public: PublicRules) -> float:
    """What a tonne saves at least while everything curtailed is put to use."""
    curtailed_mwh = float(plan.curtailed_mw.sum()) * public.horizon.period_h
    least_t = plan.emission_t - plan.quota_t - public.carbon.renewable_quota_t_per_mwh * curtailed_mwh
    return marginal_price_cny_per_t(public.carbon, least_t)


def _volume(trades: BoolArray, power_mw: Array, limit_mw: float) -> Array:
    return frozen(np.where(trades, np.round(np.minimum(power_mw, limit_mw), VOLUME_DECIMALS), 0.0))


def _role(surplus_mw: float, deficit_mw: float) -> Role:
    if surplus_mw > 0.0:
        return Role.SELLER
    return Role.BUYER if deficit_mw > 0.0 else Role.IDLE


def _credit_worth_cny_per_mwh(carbon: CarbonRules, plan: DispatchPlan) -> float:
    """What the quota that comes with a MWh is worth to a buyer; 0 where none comes."""
    if not carbon.credits_follow_energy:
        return 0.0
    excess_t = CarbonAccount(plan.emission_t, plan.quota_t).excess_t
    return carbon.direct_quota_t_per_mwh * marginal_price_cny_per_t(carbon, excess_t)
