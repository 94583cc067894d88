"""Settlement: who pays whom for the trade of a day, and each VPP's account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, nan
from typing import Final

import numpy as np

from market.game.result import PeriodResult
from market.model.arrays import Array, frozen
from market.model.disclosure import ShownPlan, plan_totals
from market.model.plan import DirectExchange, DispatchPlan, PlanTotals
from market.model.public import PublicRules
from market.settlement.outcome import MarketOutcome

POWER_TOLERANCE_MW = 1e-6
MONEY_TOLERANCE = 1e-6  # of the amount concerned
CREDIT_TOLERANCE_T = 1e-9
_ROUNDING: Final = 1e-12  # of all that is paid


@dataclass(frozen=True, slots=True)
class Account:
    """What one VPP's day, or the whole system's, comes to.

    trade_cny : net payments to other VPPs, + where it pays · quota_t : E^q of (1), traded credits included
    imbalance_cny : what deviations from the schedule cost in reality, (M17)
    peak_cny : the part of `operation_cny` that is the charge on the largest import, (M20)
    NaN stands for what a VPP has not shown, and for every sum that it is a part of.
    """

    vpp: str
    operation_cny: float
    trade_cny: float
    carbon_cny: float
    emission_t: float
    quota_t: float
    curtailed_mwh: float
    imbalance_cny: float = 0.0
    peak_cny: float = 0.0

    @property
    def total_cny(self) -> float:
        """F of (4), trade included, and imbalance in reality."""
        return self.operation_cny + self.trade_cny + self.carbon_cny + self.imbalance_cny


@dataclass(frozen=True, slots=True)
class Settlement:
    """The accounts of all VPPs, in the scenario's order, with the grid only and with the game."""

    grid_only: tuple[Account, ...]
    game: tuple[Account, ...]

    @property
    def grid_only_system(self) -> Account:
        """The sum over all VPPs with the grid only (the paper's Scenario 1)."""
        return system_account(self.grid_only)

    @property
    def game_system(self) -> Account:
        """The sum over all VPPs with the game (the paper's Scenario 2)."""
        return system_account(self.game)

    @property
    def gains_cny(self) -> dict[str, float]:
        """What trade saves each VPP: its account with the grid only less that with the game."""
        pairs = zip(self.grid_only, self.game, strict=True)
        return {before.vpp: before.total_cny - after.total_cny for before, after in pairs}


def settled_mw(result: PeriodResult) -> Array:
    """Power that counts as delivered, q_ij, shape (m, n): zero where the negotiation came to no rest."""
    if result.verdict.rests:
        return result.delivered_mw
    return frozen(np.zeros((len(result.game.buyers), len(result.game.sellers))))


def payment_cny(result: PeriodResult) -> Array:
    """Payments q_ij p_j Δt from each buyer to each seller, shape (m, n)."""
    delivered_mw = settled_mw(result)
    if not delivered_mw.any():
        return delivered_mw
    return delivered_mw * result.price_cny_per_mwh * result.game.period_h


def direct_exchange(vpp_id: str, results: Sequence[PeriodResult], public: PublicRules) -> DirectExchange:
    """What trade with other VPPs fixes in the dispatch of one of them, and the quota that came along.

    With `credits_follow_energy` each MWh delivered carries σ_dir t of quota from its seller to its buyer.
    """
    taken_mw = frozen([fsum(_taken_mw(vpp_id, result).tolist()) for result in results])
    given_mw = frozen([fsum(_given_mw(vpp_id, result).tolist()) for result in results])
    return DirectExchange(taken_mw, given_mw, quota_in_t=quota_in_t(taken_mw, given_mw, public))


def net_payment_cny(vpp_id: str, results: Sequence[PeriodResult]) -> float:
    """What a VPP pays over the day for its trade, less what it is paid; transfers of its mechanism included."""
    paid = fsum(x for result in results for x in _paid_cny(vpp_id, result).tolist())
    earned = fsum(x for result in results for x in _earned_cny(vpp_id, result).tolist())
    return paid - earned + transfer_cny(vpp_id, results) if _transfers(results) else paid - earned


def transfer_cny(vpp_id: str, results: Sequence[PeriodResult]) -> float:
    """What a VPP pays over the day beside the price of energy, below 0 what it gets."""
    return fsum(result.transfer_cny.get(vpp_id, 0.0) for result in results)


def budget_cny(results: Sequence[PeriodResult]) -> float:
    """What a mechanism takes in over the day, less what it pays out: below 0 somebody else has to pay."""
    return fsum(each for result in results for each in result.transfer_cny.values())


def kept_cny(accounts: Sequence[Account]) -> float:
    """The same from all accounts: what all pay, net; 0 where payments add up to nothing but rounding."""
    paid = [account.trade_cny for account in accounts]
    total = fsum(paid)
    return 0.0 if abs(total) <= _ROUNDING * fsum(map(abs, paid)) else total


def saved_cny(alone_cny: float, game_cny: float, kept_cny: float) -> float:
    """What trade saves all together; what a mechanism keeps of it is not lost to them."""
    return alone_cny - (game_cny - kept_cny)


def _transfers(results: Sequence[PeriodResult]) -> bool:
    return any(result.transfer_cny for result in results)


def settle(outcome: MarketOutcome, public: PublicRules) -> Settlement:
    """Every VPP's account with the grid only (stage 1) and with the game (stage 3 and payments)."""
    period_h = public.horizon.period_h
    names = [day.declaration.vpp for day in outcome.days]
    return Settlement(
        grid_only=tuple(
            account_of(name, day.before, 0.0, period_h) for name, day in zip(names, outcome.days, strict=True)
        ),
        game=tuple(
            account_of(name, day.after, net_payment_cny(name, outcome.periods), period_h)
            for name, day in zip(names, outcome.days, strict=True)
        ),
    )


def _taken_mw(vpp_id: str, result: PeriodResult) -> Array:
    """What a VPP takes from each seller and counts as delivered, shape (n,); nothing where it does not buy."""
    buyers = result.game.buyers
    if not result.verdict.rests or vpp_id not in buyers:
        return _NOTHING
    mine: Array = result.delivered_mw[buyers.index(vpp_id), :]
    return mine


def _given_mw(vpp_id: str, result: PeriodResult) -> Array:
    """The same of what it gives to each buyer, shape (m,)."""
    sellers = result.game.sellers
    if not result.verdict.rests or vpp_id not in sellers:
        return _NOTHING
    mine: Array = result.delivered_mw[:, sellers.index(vpp_id)]
    return mine


def _paid_cny(vpp_id: str, result: PeriodResult) -> Array:
    """The entries of `payment_cny` in which a VPP is the buyer."""
    taken_mw = _taken_mw(vpp_id, result)
    return taken_mw * result.price_cny_per_mwh * result.game.period_h if taken_mw.any() else _NOTHING


def _earned_cny(vpp_id: str, result: PeriodResult) -> Array:
    given_mw = _given_mw(vpp_id, result)
    if not given_mw.any():
        return _NOTHING
    price = result.price_cny_per_mwh[result.game.sellers.index(vpp_id)]
    earned: Array = given_mw * price * result.game.period_h
    return earned


_NOTHING = frozen([])


def quota_in_t(taken_mw: Array, given_mw: Array, public: PublicRules) -> float:
    """The net quota that comes along with what a VPP has taken and given, MW, shape (periods,) each."""
    if not public.carbon.credits_follow_energy:
        return 0.0
    net_mw = fsum(taken_mw.tolist()) - fsum(given_mw.tolist())
    return public.carbon.direct_quota_t_per_mwh * net_mw * public.horizon.period_h


def account_of(vpp_id: str, plan: ShownPlan, trade_cny: float, period_h: float) -> Account:
    """One VPP's account, as far as its plan is shown: NaN where it is not."""
    totals = plan_totals(plan) if isinstance(plan, DispatchPlan) else plan or _NOT_SHOWN
    curtailed_mwh = fsum(plan.curtailed_mw.tolist()) * period_h if isinstance(plan, DispatchPlan) else nan
    return Account(
        vpp=vpp_id,
        operation_cny=totals.operation_cny,
        trade_cny=trade_cny,
        carbon_cny=totals.carbon_cny,
        emission_t=totals.emission_t,
        quota_t=totals.quota_t,
        curtailed_mwh=curtailed_mwh,
        peak_cny=totals.peak_cny,
    )


_NOT_SHOWN = PlanTotals(nan, nan, nan, nan, nan, nan)


def system_account(accounts: Sequence[Account]) -> Account:
    """The sum over all VPPs."""
    return Account(
        vpp="system",
        operation_cny=fsum(a.operation_cny for a in accounts),
        trade_cny=fsum(a.trade_cny for a in accounts),
        carbon_cny=fsum(a.carbon_cny for a in accounts),
        emission_t=fsum(a.emission_t for a in accounts),
        quota_t=fsum(a.quota_t for a in accounts),
        curtailed_mwh=fsum(a.curtailed_mwh for a in accounts),
        imbalance_cny=fsum(a.imbalance_cny for a in accounts),
        peak_cny=fsum(a.peak_cny for a in accounts),
    )
