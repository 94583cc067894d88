"""Days that need no solver: VPPs without assets, which buy what they lack and sell what they have.

Their best plan is known in closed form, so a settled day can be written down and checked by hand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from market.game.period import PeriodGame
from market.game.result import PeriodResult, Verdict
from market.model.arrays import Array, frozen
from market.model.declaration import Declaration, Role
from market.model.plan import CostBreakdown, DirectExchange, DispatchPlan, SolveMethod
from market.model.public import PublicRules
from market.model.rules import CarbonMode, CarbonRules, Horizon, MarketRules, Tariff
from market.settlement.outcome import MarketOutcome, VppDay
from market.settlement.settlement import direct_exchange

FEED_IN, RETAIL, CARBON_PRICE, GRID_EMISSION, GRID_QUOTA = 300.0, 800.0, 200.0, 0.9, 0.6


def public_rules(
    periods: int, period_h: float = 1.0, *, follow: bool = False, mode: CarbonMode = CarbonMode.FLAT
) -> PublicRules:
    """Flat tariffs and one carbon price; `follow` lets 0.1 t of quota travel with each traded MWh."""
    return PublicRules(
        horizon=Horizon(periods, period_h),
        tariff=Tariff(frozen(np.full(periods, RETAIL)), frozen(np.full(periods, FEED_IN))),
        market=MarketRules(
            gradient_step_cny_per_mwh_per_mw=1.0,
            tatonnement_step_cny_per_mwh=1.0,
            offer_budget=500,
        ),
        carbon=CarbonRules(
            mode=mode,
            base_price_cny_per_t=CARBON_PRICE,
            flat_price_cny_per_t=CARBON_PRICE,
            grid_emission_t_per_mwh=GRID_EMISSION,
            grid_quota_t_per_mwh=GRID_QUOTA,
            mt_quota_t_per_mwh=0.4,
            credits_follow_energy=follow,
            direct_quota_t_per_mwh=0.1,
        ),
        digest="0" * 64,
    )


@dataclass(frozen=True, slots=True)
class Trade:
    """One period: surpluses of the first VPPs, deficits of the others, prices and deliveries (m, n)."""

    surplus_mw: Array
    deficit_mw: Array
    price_cny_per_mwh: Array
    delivered_mw: Array


def period_result(t: int, trade: Trade, period_h: float, verdict: Verdict = Verdict.EQUILIBRIUM) -> PeriodResult:
    """The period as it would come from a negotiation; sellers are called S1, S2, …, buyers B1, B2, …"""
    n, m = len(trade.surplus_mw), len(trade.deficit_mw)
    game = PeriodGame(
        period=t,
        period_h=period_h,
        floor_cny_per_mwh=FEED_IN,
        cap_cny_per_mwh=RETAIL,
        feed_in_cny_per_mwh=FEED_IN,
        temperature_cny_per_mwh=50.0,
        base_power_mw=0.001,
        tick_cny_per_mwh=1.0,
        sellers=tuple(f"S{j + 1}" for j in range(n)),
        surplus_mw=frozen(trade.surplus_mw),
        reserve_cny_per_mwh=frozen(np.full(n, FEED_IN)),
        buyers=tuple(f"B{i + 1}" for i in range(m)),
        deficit_mw=frozen(trade.deficit_mw),
        own_supply_mw=frozen(np.zeros(m)),
        satisfaction_cny_per_h=frozen(np.full(m, 600.0)),
    )
    delivered_mw = frozen(trade.delivered_mw)
    return PeriodResult(
        game=game,
        verdict=verdict,
        clearing_price_cny_per_mwh=FEED_IN,
        price_cny_per_mwh=frozen(trade.price_cny_per_mwh),
        probability=frozen(np.full((m, n), 1.0 / n)),
        requested_mw=delivered_mw,
        delivered_mw=delivered_mw,
        rounds=1,
        certificate=None,
    )


def closed_form_plan(
    net_supply_mw: Array, fixed: DirectExchange, public: PublicRules, shed_mw: float = 0.0
) -> DispatchPlan:
    """The best plan of a VPP that has only a net supply: the grid takes up what trade leaves.

    `shed_mw` is power it throws away on top in each period (a plan that is worse than the best).
    """
    after_trade_mw = net_supply_mw + fixed.in_mw - fixed.out_mw - shed_mw
    buy_mw, sell_mw = np.maximum(-after_trade_mw, 0.0), np.maximum(after_trade_mw, 0.0)
    period_h = public.horizon.period_h
    bought_mwh, sold_mwh = float(buy_mw.sum()) * period_h, float(sell_mw.sum()) * period_h
    emission_t, quota_t = GRID_EMISSION * bought_mwh, GRID_QUOTA * bought_mwh + fixed.quota_in_t
    costs = CostBreakdown(
        wt_cny=0.0,
        pv_cny=0.0,
        ess_cny=0.0,
        mt_cny=0.0,
        grid_cny=RETAIL * bought_mwh - FEED_IN * sold_mwh,
        cl_cny=0.0,
        carbon_cny=CARBON_PRICE * (emission_t - quota_t),
    )
    zero = frozen(np.zeros_like(net_supply_mw))
    return DispatchPlan(
        load_mw=frozen(np.maximum(-net_supply_mw, 0.0)),
        wt_mw=frozen(np.maximum(net_supply_mw, 0.0)),
        pv_mw=zero,
        mt_mw=zero,
        charge_mw=zero,
        discharge_mw=zero,
        soc_mwh=zero,
        cl_mw=zero,
        buy_mw=frozen(buy_mw),
        sell_mw=frozen(sell_mw),
        direct_in_mw=fixed.in_mw,
        direct_out_mw=fixed.out_mw,
        curtailed_mw=frozen(zero + shed_mw),
        marginal_value_cny_per_mwh=zero,
        emission_t=emission_t,
        quota_t=quota_t,
        costs=costs,
        objective_cny=costs.total_cny,
        gap_cny=0.0,
        method=SolveMethod.LP,
    )


def settled_day(
    trades: list[Trade], public: PublicRules, verdict: Verdict = Verdict.EQUILIBRIUM, shed_mw: float = 0.0
) -> MarketOutcome:
    """A whole day of VPPs S1, S2, …, B1, B2, … that keep their side of the market all day."""
    results = tuple(period_result(t, trade, public.horizon.period_h, verdict) for t, trade in enumerate(trades))
    surplus_mw = np.array([trade.surplus_mw for trade in trades])
    deficit_mw = np.array([trade.deficit_mw for trade in trades])
    days = [
        *(
            _vpp_day(f"S{j + 1}", Role.SELLER, surplus_mw[:, j], results, public, shed_mw)
            for j in range(surplus_mw.shape[1])
        ),
        *(
            _vpp_day(f"B{i + 1}", Role.BUYER, deficit_mw[:, i], results, public, shed_mw)
            for i in range(deficit_mw.shape[1])
        ),
    ]
    return MarketOutcome(results, tuple(days))


def _vpp_day(
    vpp_id: str,
    role: Role,
    volume_mw: Array,
    results: tuple[PeriodResult, ...],
    public: PublicRules,
    shed_mw: float,
) -> VppDay:
    zero = frozen(np.zeros_like(volume_mw))
    sells = role is Role.SELLER
    declaration = Declaration(
        vpp=vpp_id,
        roles=(role,) * len(volume_mw),
        surplus_mw=frozen(volume_mw) if sells else zero,
        deficit_mw=zero if sells else frozen(volume_mw),
        own_supply_mw=zero,
        satisfaction_cny_per_h=zero,
        reserve_cny_per_mwh=frozen(np.full_like(volume_mw, FEED_IN)) if sells else zero,
    )
    net_supply_mw = volume_mw if sells else -volume_mw
    return VppDay(
        declaration=declaration,
        before=closed_form_plan(net_supply_mw, DirectExchange(zero, zero), public),
        after=closed_form_plan(net_supply_mw, direct_exchange(vpp_id, results, public), public, shed_mw),
    )
