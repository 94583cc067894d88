"""What the kept part of a plan comes to: costs, emission and energy of its first periods alone."""

from __future__ import annotations

from dataclasses import replace
from math import fsum

from market.costs.billing import excess_by_bill_t
from market.costs.carbon import carbon_account
from market.costs.costs import cost_breakdown, exchange_cny, tariff_of
from market.costs.unit_operations import unit_operations
from market.model.assets import Hydro
from market.model.plan import DirectExchange, DispatchPlan
from market.model.public import PublicRules
from market.model.stretch import stretch
from market.model.vpp import Storage, Vpp
from market.settlement.reality import ImbalanceBill
from market.settlement.settlement import Account, account_of, quota_in_t


def kept_account(vpp: Vpp, public: PublicRules, plan: DispatchPlan, kept: int, trade_cny: float) -> Account:
    """The account of the first `kept` periods of a plan. trade_cny : what was paid for trade in them

    Carbon is what these periods add to its bills; what a store holds more or less by then counts where it is
    valued.
    """
    hours = public.horizon.period_h
    if kept == public.horizon.periods:
        return account_of(vpp.id, plan, trade_cny, hours)
    here = range(kept)
    own, rules, does = stretch(vpp, here), kept_public(public, kept), stretch(plan, here)
    quota_t = quota_in_t(does.direct_in_mw, does.direct_out_mw, rules)
    direct = DirectExchange(does.direct_in_mw, does.direct_out_mw, quota_t)
    account = carbon_account(own, rules.carbon, rules.horizon, does, quota_t)
    excess_t = excess_by_bill_t(own, rules, does, account, direct)
    costs = cost_breakdown(own, rules, does, excess_t, does.direct_in_mw)
    return Account(
        vpp=vpp.id,
        operation_cny=costs.operation_cny,
        trade_cny=trade_cny,
        carbon_cny=costs.carbon_cny,
        emission_t=account.emission_t,
        quota_t=account.quota_t,
        curtailed_mwh=fsum(does.curtailed_mw.tolist()) * hours,
        peak_cny=costs.peak_cny,
    )


def kept_real_account(
    vpp: Vpp, public: PublicRules, planned: DispatchPlan, real: DispatchPlan, bill: ImbalanceBill, trade_cny: float
) -> Account:
    """The same of a day as it became real: what was scheduled with the grid is paid, and what differs settled.

    bill : of the kept periods · planned, real : the whole plan, and what became of it
    """
    kept = len(bill.cost_cny)
    account = kept_account(vpp, public, real, kept, trade_cny)
    operation_cny = account.operation_cny
    if kept < public.horizon.periods:
        scheduled, metered = (_exchange_cny(vpp, public, plan, kept) for plan in (planned, real))
        operation_cny += scheduled - metered
    return replace(account, operation_cny=operation_cny, imbalance_cny=bill.total_cny)


def _exchange_cny(vpp: Vpp, public: PublicRules, plan: DispatchPlan, kept: int) -> float:
    tariff, does = stretch(tariff_of(vpp, public), range(kept)), stretch(plan, range(kept))
    return exchange_cny(tariff, does.buy_mw, does.sell_mw) * public.horizon.period_h


def kept_public(public: PublicRules, kept: int) -> PublicRules:
    """The public rules of the first periods alone; their digest says nothing."""
    return replace(stretch(public, range(kept)), horizon=replace(public.horizon, periods=kept))


def stored_mwh(vpp: Vpp, plan: DispatchPlan, kept: int) -> float:
    """What batteries and reservoirs hold together after the first `kept` periods."""
    return fsum(
        float(does.stored_mwh[kept - 1])
        for unit, does in unit_operations(vpp, plan)
        if isinstance(unit.asset, Storage | Hydro)
    )
