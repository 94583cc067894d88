"""Carbon billed day by day, or week by week: which periods go together, and the excess of each, (M16)."""

from __future__ import annotations

import numpy as np

from market.costs.carbon import CarbonAccount, carbon_account, carbon_bill_cny, marginal_price_cny_per_t
from market.model.arrays import Array
from market.model.calendar import day_numbers
from market.model.operation import Operation
from market.model.plan import DirectExchange, DispatchPlan
from market.model.public import PublicRules
from market.model.rules import BillingPeriod, CarbonRules, Horizon
from market.model.stretch import stretch
from market.model.timing import runs
from market.model.vpp import Vpp

_DAYS = {BillingPeriod.DAY: 1, BillingPeriod.WEEK: 7}


def bills(rules: CarbonRules, horizon: Horizon) -> tuple[range, ...]:
    """The periods, from 0, of each bill.

    >>> bills(CarbonRules(billing_period=BillingPeriod.DAY), Horizon(30, 1.0, before_h=18.0))
    (range(0, 6), range(6, 30))
    """
    if rules.billing_period is BillingPeriod.HORIZON:
        return (range(horizon.periods),)
    return runs(np.array(day_numbers(horizon)) // _DAYS[rules.billing_period])


def quota_by_bill_t(public: PublicRules, direct: DirectExchange) -> tuple[float, ...]:
    """The quota that came with traded energy, as it falls to each bill."""
    parts = bills(public.carbon, public.horizon)
    if len(parts) == 1 or not public.carbon.credits_follow_energy:
        return (direct.quota_in_t, *(0.0 for _ in parts[1:]))
    share = public.carbon.direct_quota_t_per_mwh * public.horizon.period_h
    net_mw = direct.in_mw - direct.out_mw
    later = tuple(share * float(net_mw[part.start : part.stop].sum()) for part in parts[1:])
    return (direct.quota_in_t - sum(later), *later)


def excess_by_bill_t(
    vpp: Vpp, public: PublicRules, operation: Operation, account: CarbonAccount, direct: DirectExchange
) -> tuple[float, ...]:
    """E of (3) for each bill; together they are that of `account`, which is the day's."""
    carbon, horizon = public.carbon, public.horizon
    parts = bills(carbon, horizon)
    if len(parts) == 1:
        return (account.excess_t,)
    quotas = quota_by_bill_t(public, direct)
    return tuple(
        carbon_account(
            stretch(vpp, part),
            stretch(carbon, part),
            Horizon(len(part), horizon.period_h),
            stretch(operation, part),
            quota,
        ).excess_t
        for part, quota in zip(parts, quotas, strict=True)
    )


def carbon_bills_cny(vpp: Vpp, rules: CarbonRules, excess_t: tuple[float, ...]) -> float:
    """What a VPP pays for the excess of each bill; of the first less what was due before it, (M16)."""
    before_t, (first, *others) = vpp.excess_before_t, excess_t
    if before_t:
        due = carbon_bill_cny(rules, before_t + first) - carbon_bill_cny(rules, before_t)
    else:
        due = carbon_bill_cny(rules, first)
    return due + sum(carbon_bill_cny(rules, excess) for excess in others) if others else due


def marginal_prices_cny_per_t(vpp: Vpp, public: PublicRules, excess_t: tuple[float, ...]) -> Array | float:
    """The price of the last tonne of each bill, one number or of shape (periods,)."""
    first, *others = excess_t
    price = marginal_price_cny_per_t(public.carbon, vpp.excess_before_t + first)
    if not others:
        return price
    parts = bills(public.carbon, public.horizon)
    prices = [price, *(marginal_price_cny_per_t(public.carbon, excess) for excess in others)]
    return np.concatenate([np.full(len(part), price) for part, price in zip(parts, prices, strict=True)])


def plan_excess_t(vpp: Vpp, public: PublicRules, plan: DispatchPlan) -> tuple[float, ...]:
    """E of each bill of a plan."""
    account = CarbonAccount(plan.emission_t, plan.quota_t)
    direct = DirectExchange(plan.direct_in_mw, plan.direct_out_mw, _quota_in_t(public, plan))
    return excess_by_bill_t(vpp, public, plan, account, direct)


def _quota_in_t(public: PublicRules, plan: DispatchPlan) -> float:
    if not public.carbon.credits_follow_energy:
        return 0.0
    net_mwh = float((plan.direct_in_mw - plan.direct_out_mw).sum()) * public.horizon.period_h
    return public.carbon.direct_quota_t_per_mwh * net_mwh
