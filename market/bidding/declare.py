"""A VPP's declaration: roles, volumes, and what its demand curve or its reserve follows from."""

from __future__ import annotations

import numpy as np

from market.bidding.reserve import (
    credit_worth_cny_per_mwh,
    declared_reserve_cny_per_mwh,
    highest_reserve_cny_per_mwh,
    reserve_cny_per_mwh,
)
from market.bidding.roles import day_roles, role_of
from market.costs.costs import has_own_tariff
from market.model.arrays import Array, frozen
from market.model.declaration import Declaration
from market.model.plan import DispatchPlan
from market.model.public import PublicRules
from market.model.vpp import Vpp


def declare(
    vpp: Vpp, plan: DispatchPlan, public: PublicRules, value_cny_per_mwh: Array | None = None
) -> Declaration:
    """What `vpp` makes public of its plan: roles, volumes, its demand curve or its reserve.

    value_cny_per_mwh : λ that its demand curve follows from; that of the plan where it is not given

        k = κ λ (S0 + P^d), not below 0, CNY/h (MODEL section 3)

    Only buyers publish P^s and k. With `credits_follow_energy` a MWh from a peer also saves σ_dir t of quota,
    so λ rises by σ_dir times the VPP's own marginal carbon price (section 5); a fee on what peers deliver is taken
    off it (M14). A seller whose reserve is above the cap is idle (M5).
    """
    day = day_roles(vpp, plan, public.market.role_tolerance)
    buys = day.deficit_mw > 0.0
    reserve = declared_reserve_cny_per_mwh(vpp, reserve_cny_per_mwh(vpp, plan, public), public)
    sells = (day.surplus_mw > 0.0) & (reserve <= highest_reserve_cny_per_mwh(public))
    surplus_mw = np.where(sells, day.surplus_mw, 0.0)
    value = plan.marginal_value_cny_per_mwh if value_cny_per_mwh is None else value_cny_per_mwh
    worth = value + credit_worth_cny_per_mwh(vpp, plan, public) - vpp.exchange.peer_fee_cny_per_mwh
    satisfaction = vpp.satisfaction * worth * (public.market.base_power_mw + day.demand_mw)
    return Declaration(
        vpp=vpp.id,
        roles=tuple(role_of(s, d) for s, d in zip(surplus_mw.tolist(), day.deficit_mw.tolist(), strict=True)),
        surplus_mw=frozen(surplus_mw),
        deficit_mw=day.deficit_mw,
        own_supply_mw=frozen(np.where(buys, day.supply_mw, 0.0)),
        satisfaction_cny_per_h=frozen(np.where(buys, np.maximum(satisfaction, 0.0), 0.0)),
        reserve_cny_per_mwh=frozen(np.where(sells, reserve, 0.0)),
        own_tariff=has_own_tariff(vpp),
    )
