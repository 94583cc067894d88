"""Settlement of a day as it became real: who deviates from its schedule, what that costs, who loses by trade."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum

import numpy as np

from market.costs.costs import tariff_of
from market.costs.imbalance import ImbalancePrices, deviation_price, imbalance_cny, imbalance_prices
from market.model.arrays import Array, frozen
from market.model.disclosure import ShownPlan
from market.model.imbalance import ImbalancePricing
from market.model.plan import DispatchPlan
from market.model.public import PublicRules
from market.model.reality import MeteredDay, Reality
from market.model.vpp import Vpp
from market.settlement.laws import BrokenLaw
from market.settlement.outcome import MarketOutcome, VppDay
from market.settlement.settlement import (
    MONEY_TOLERANCE,
    POWER_TOLERANCE_MW,
    Account,
    account_of,
    net_payment_cny,
    system_account,
)

KEPT_SCHEDULE = "what is scheduled with the grid is what the plan takes from it and gives to it"
_BALANCED_MW = 1e-9


@dataclass(frozen=True, slots=True)
class ImbalanceBill:
    """What one VPP's deviations cost, of shape (periods,) each; NaN where its prices are not known.

    price_cny_per_mwh : at which they are settled · cost_cny : β u Δt, below 0 where it earns
    missed_cny : for load that nothing could serve, and power that could go nowhere
    """

    vpp: str
    metered: MeteredDay
    price_cny_per_mwh: Array
    cost_cny: Array
    missed_cny: Array
    period_h: float

    @property
    def missed_mwh(self) -> float:
        """What nothing could serve or take up over the day."""
        return fsum(np.abs(self.metered.missed_mw).tolist()) * self.period_h

    @property
    def total_cny(self) -> float:
        """All of it over the day."""
        return fsum((*self.cost_cny.tolist(), *self.missed_cny.tolist()))

    @property
    def short_mwh(self) -> float:
        """What it took from the grid beyond its schedule, in the periods in which it did."""
        return fsum(np.maximum(self.metered.deviation_mw, 0.0).tolist()) * self.period_h

    @property
    def long_mwh(self) -> float:
        """The same of what it took less, or gave more."""
        return fsum(np.maximum(-self.metered.deviation_mw, 0.0).tolist()) * self.period_h


@dataclass(frozen=True, slots=True)
class RealSettlement:
    """A day in reality: bills and accounts of all VPPs in their order, with the grid only and with trade."""

    grid_only_bills: tuple[ImbalanceBill, ...]
    game_bills: tuple[ImbalanceBill, ...]
    grid_only: tuple[Account, ...]
    game: tuple[Account, ...]

    @property
    def grid_only_system(self) -> Account:
        """The sum over all VPPs, had they planned with the grid only."""
        return system_account(self.grid_only)

    @property
    def game_system(self) -> Account:
        """The sum over all VPPs with trade."""
        return system_account(self.game)

    @property
    def losers(self) -> tuple[str, ...]:
        """Who pays more with trade than it would have paid without.

        By the forecast nobody does where that is proved (`no_loss`); in reality anybody may.
        """
        return tuple(
            after.vpp
            for before, after in zip(self.grid_only, self.game, strict=True)
            if pays_more(before.total_cny, after.total_cny)
        )

    @property
    def missed_mwh(self) -> float:
        """What nothing could serve or take up with trade, of all VPPs."""
        return fsum(bill.missed_mwh for bill in self.game_bills)

    @property
    def compared(self) -> tuple[str, ...]:
        """The VPPs of which both accounts are known."""
        pairs = zip(self.grid_only, self.game, strict=True)
        return tuple(b.vpp for b, a in pairs if b.total_cny == b.total_cny and a.total_cny == a.total_cny)


def pays_more(before_cny: float, after_cny: float) -> bool:
    """Whether somebody pays more with trade than without, beyond the last digits of a computation."""
    return after_cny > before_cny + MONEY_TOLERANCE * max(1.0, abs(before_cny))


def settle_reality(
    outcome: MarketOutcome, public: PublicRules, plants: Sequence[Vpp] = ()
) -> RealSettlement | None:
    """The settlement of a day in reality; None unless all tell of that, and there are rules for it.

    plants : those that are known: of others with a tariff of their own the prices are not
    """
    told = {day.declaration.vpp: day.reality for day in outcome.days if day.reality is not None}
    if public.imbalance is None or len(told) < len(outcome.days):
        return None
    known = {plant.id: plant for plant in plants}
    prices = {day.declaration.vpp: _prices(day, public, known.get(day.declaration.vpp)) for day in outcome.days}
    before = bills_of({vpp: reality.before for vpp, reality in told.items()}, prices, public)
    after = bills_of({vpp: reality.after for vpp, reality in told.items()}, prices, public)
    return RealSettlement(
        before,
        after,
        tuple(_account(bill, told[bill.vpp].before_plan, 0.0) for bill in before),
        tuple(
            _account(bill, told[bill.vpp].after_plan, net_payment_cny(bill.vpp, outcome.periods)) for bill in after
        ),
    )


def settled_alone(
    vpp: str, reality: Reality, prices: ImbalancePrices | None, trade_cny: float, period_h: float
) -> RealSettlement:
    """The part of one VPP, as far as it knows it by itself.

    prices : None where one price holds for all, which only all together make · trade_cny : what it pays for trade
    """
    before, after = (bill_of(vpp, metered, prices, period_h) for metered in (reality.before, reality.after))
    return RealSettlement(
        (before,),
        (after,),
        (_account(before, reality.before_plan, 0.0),),
        (_account(after, reality.after_plan, trade_cny),),
    )


def schedule_laws(outcome: MarketOutcome) -> Iterator[BrokenLaw]:
    """Each plan that is shown has the exchange with the grid that imbalance is reckoned from."""
    for day in outcome.days:
        for plan, metered in _pairs(day):
            if isinstance(plan, DispatchPlan):
                off_mw = np.abs(plan.buy_mw - plan.sell_mw - metered.scheduled_mw)
                for t in np.flatnonzero(off_mw > POWER_TOLERANCE_MW):
                    place = f"{day.declaration.vpp}, period {t + 1}"
                    yield BrokenLaw(KEPT_SCHEDULE, f"{off_mw[t]!r} MW off", place)


def _pairs(day: VppDay) -> Iterator[tuple[ShownPlan, MeteredDay]]:
    reality: Reality | None = day.reality
    if reality is not None:
        yield day.before, reality.before
        yield day.after, reality.after


def _prices(day: VppDay, public: PublicRules, plant: Vpp | None) -> ImbalancePrices | None:
    """What a VPP's deviations are settled at; None where that goes by a tariff which is not known here."""
    assert public.imbalance is not None
    if plant is not None:
        return imbalance_prices(public.imbalance, tariff_of(plant, public))
    return None if day.declaration.own_tariff else imbalance_prices(public.imbalance, public.tariff)


def bills_of(
    metered: Mapping[str, MeteredDay], prices: Mapping[str, ImbalancePrices | None], public: PublicRules
) -> tuple[ImbalanceBill, ...]:
    """What the deviations of all VPPs cost each of them, (M17), in order; None for prices that are not known."""
    assert public.imbalance is not None
    together = None
    if public.imbalance.pricing is ImbalancePricing.SINGLE:
        together = np.sum([each.deviation_mw for each in metered.values()], axis=0)
    return tuple(bill_of(vpp, day, prices[vpp], public.horizon.period_h, together) for vpp, day in metered.items())


def bill_of(
    vpp: str,
    metered: MeteredDay,
    prices: ImbalancePrices | None,
    period_h: float,
    together_mw: Array | None = None,
) -> ImbalanceBill:
    """What one VPP's deviations cost, (M17). together_mw : those of all, where one price holds for all of them"""
    deviation = metered.deviation_mw
    if prices is None:
        unknown = frozen(np.full(len(deviation), np.nan))
        return ImbalanceBill(vpp, metered, unknown, unknown, unknown, period_h)
    price = deviation_price(prices, deviation) if together_mw is None else _single_price(prices, together_mw)
    return ImbalanceBill(
        vpp,
        metered,
        frozen(price),
        frozen(imbalance_cny(price, deviation, period_h)),
        frozen(prices.missed_cny_per_mwh * np.abs(metered.missed_mw) * period_h),
        period_h,
    )


def _single_price(prices: ImbalancePrices, together_mw: Array) -> Array:
    """The price of the side on which all stand together; the mean of both where they balance each other."""
    mean = (prices.short_cny_per_mwh + prices.long_cny_per_mwh) / 2.0
    return np.where(np.abs(together_mw) <= _BALANCED_MW, mean, deviation_price(prices, together_mw))


def _account(bill: ImbalanceBill, plan: ShownPlan, trade_cny: float) -> Account:
    account = account_of(bill.vpp, plan, trade_cny, bill.period_h)
    return replace(account, imbalance_cny=bill.total_cny)
