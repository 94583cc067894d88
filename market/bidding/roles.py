"""Roles of a VPP, seller or buyer in each period, by its supply-demand ratio (14), (15)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from market.model.arrays import Array, BoolArray, frozen
from market.model.declaration import Role
from market.model.plan import DispatchPlan
from market.model.vpp import Vpp

VOLUME_DECIMALS = 9  # S and D are rounded to 1e-9 MW, once, here


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
    """P^s of (14): WT + PV + MT + discharge, other units' output, and a load below zero, shape (periods,)."""
    supply = plan.wt_mw + plan.pv_mw + plan.mt_mw + plan.discharge_mw
    if plan.units:
        supply = supply + plan.biomass_mw + plan.hydro_mw + plan.must_run_mw + np.maximum(-plan.load_mw, 0.0)
    return frozen(supply)


def demand_mw(plan: DispatchPlan) -> Array:
    """P^d of (14): load − load shed + charge, load as it is moved, vehicles and tasks, shape (periods,)."""
    if not plan.units:
        return frozen(plan.load_mw - plan.cl_mw + plan.charge_mw)
    moved = plan.moved_here_mw - plan.moved_away_mw
    return frozen(np.maximum(plan.load_mw, 0.0) - plan.cl_mw + plan.charge_mw + moved + plan.tasks_mw)


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
    surplus = _volume(sells, available - demand, vpp.exchange.most_offered_mw)
    deficit = _volume(buys, demand - supply, vpp.exchange.most_demanded_mw)
    return DayRoles(
        roles=tuple(role_of(s, d) for s, d in zip(surplus.tolist(), deficit.tolist(), strict=True)),
        supply_mw=supply,
        demand_mw=demand,
        surplus_mw=surplus,
        deficit_mw=deficit,
    )


def role_of(surplus_mw: float, deficit_mw: float) -> Role:
    """The role of whoever offers a surplus, or is short of a deficit, in MW."""
    if surplus_mw > 0.0:
        return Role.SELLER
    return Role.BUYER if deficit_mw > 0.0 else Role.IDLE


def _volume(trades: BoolArray, power_mw: Array, limit_mw: float) -> Array:
    return frozen(np.where(trades, np.round(np.minimum(power_mw, limit_mw), VOLUME_DECIMALS), 0.0))
