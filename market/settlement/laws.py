"""The laws that a settled day obeys: which it breaks, which are not claimed of it, which nobody could check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import fsum

import numpy as np

from market.game.result import PeriodResult, Verdict
from market.model.plan import DispatchPlan
from market.model.public import PublicRules
from market.model.vpp import Vpp
from market.settlement.no_loss import unmet_condition
from market.settlement.outcome import MarketOutcome, VppDay
from market.settlement.settlement import (
    CREDIT_TOLERANCE_T,
    MONEY_TOLERANCE,
    POWER_TOLERANCE_MW,
    Settlement,
    budget_cny,
    direct_exchange,
    settled_mw,
)

RATIONING_TOLERANCE = 1e-5  # of the power concerned: prices rest to 1e-5 CNY/MWh, and demand follows them

DELIVERED_POWER = "the plan with trade carries exactly the delivered power"
BALANCED_EXCHANGE = "direct exchanges of all VPPs sum to zero"
NOTHING_WASTED = "rationing at an equilibrium wastes nothing: all surplus or all that is asked for is delivered"
NO_LOSS = "no VPP pays more than without trade"
NO_BUDGET = "payments between VPPs sum to zero"


@dataclass(frozen=True, slots=True)
class BrokenLaw:
    """One law of settlement that a day does not obey: which, what was found, where.

    unless : what else than a fault of the program may have broken it
    """

    law: str
    value: str
    place: str
    unless: str = ""

    def __str__(self) -> str:
        unless = f", unless {self.unless}" if self.unless else ""
        found = f"{self.place}: {self.law}; got {self.value}"
        return f"{found}; this is a fault of the program, please report it{unless}"


@dataclass(frozen=True, slots=True)
class UncheckedLaw:
    """One law of settlement that says something of these VPPs, who do not show what it would be checked by."""

    law: str
    vpps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnclaimedLaw:
    """A law of settlement that is not claimed: which, the condition of its proof that fails, and for whom."""

    law: str
    condition: str
    place: str

    def __str__(self) -> str:
        return f"{self.place}: not claimed: {self.law}; {self.condition}"


def check_laws(
    outcome: MarketOutcome, settlement: Settlement, public: PublicRules, plants: Sequence[Vpp] = ()
) -> tuple[BrokenLaw, ...]:
    """Every law of settlement that this day breaks as far as it is shown; empty for a sound run.

    plants : those that are known
    """
    return (
        *_exchange_laws(outcome, public),
        *(broken for result in outcome.periods for broken in _delivery_laws(result)),
        *(broken for result in outcome.periods for broken in _rationing_law(result)),
        *_zero_sum_laws(outcome, settlement, public),
        *_no_loss_law(outcome, settlement, public, plants),
    )


def unchecked_laws(outcome: MarketOutcome, public: PublicRules) -> tuple[UncheckedLaw, ...]:
    """Every law that `check_laws` has not checked for everybody; empty where everybody shows both plans."""
    without_plan, days = _without_plan(outcome), {day.declaration.vpp: day for day in outcome.days}
    without_costs = tuple(vpp for vpp in _without_costs(outcome) if not _unmet(days[vpp], outcome, public, None))
    laws = ((DELIVERED_POWER, without_plan), (BALANCED_EXCHANGE, without_plan), (NO_LOSS, without_costs))
    return tuple(UncheckedLaw(law, vpps) for law, vpps in laws if vpps)


def unclaimed_laws(
    outcome: MarketOutcome, public: PublicRules, plants: Sequence[Vpp] = ()
) -> tuple[UnclaimedLaw, ...]:
    """The laws that are not claimed of this day, since a condition of their proof fails, and for whom."""
    budget = budget_cny(outcome.periods)
    open_budget = abs(budget) > _allowed_cny([abs(x) for r in outcome.periods for x in r.transfer_cny.values()])
    who: dict[str, list[str]] = {}
    known = {plant.id: plant for plant in plants}
    for day in outcome.days:
        vpp = day.declaration.vpp
        if condition := _unmet(day, outcome, public, known.get(vpp)):
            who.setdefault(condition, []).append(vpp)
    unclaimed = [UnclaimedLaw(NO_LOSS, condition, ", ".join(vpps)) for condition, vpps in who.items()]
    if open_budget:
        way = "pays out" if budget < 0.0 else "takes in"
        other = "takes in" if budget < 0.0 else "pays out"
        condition = f"mechanism {public.market.mechanism.value} {way} {abs(budget):,.2f} CNY more than it {other}"
        unclaimed.append(UnclaimedLaw(NO_BUDGET, condition, "the whole day"))
    return tuple(unclaimed)


def _without_plan(outcome: MarketOutcome) -> tuple[str, ...]:
    """Who does not show its plan with trade."""
    return tuple(day.declaration.vpp for day in outcome.days if not isinstance(day.after, DispatchPlan))


def _without_costs(outcome: MarketOutcome) -> tuple[str, ...]:
    """Who does not show what its day costs, without trade or with it."""
    return tuple(day.declaration.vpp for day in outcome.days if day.before is None or day.after is None)


def _exchange_laws(outcome: MarketOutcome, public: PublicRules) -> Iterator[BrokenLaw]:
    """Each plan carries exactly the power that was delivered, and Σ_k dir_kt = 0.

    For a plan that is not shown, what was delivered to its owner and by it stands in the sum.
    """
    net_mw = np.zeros(public.horizon.periods)
    for day in outcome.days:
        fixed = direct_exchange(day.declaration.vpp, outcome.periods, public)
        if not isinstance(day.after, DispatchPlan):
            net_mw += fixed.in_mw - fixed.out_mw
            continue
        net_mw += day.after.direct_in_mw - day.after.direct_out_mw
        off_mw = np.maximum(
            np.abs(day.after.direct_in_mw - fixed.in_mw), np.abs(day.after.direct_out_mw - fixed.out_mw)
        )
        for t in np.flatnonzero(off_mw > POWER_TOLERANCE_MW):
            place = f"{day.declaration.vpp}, period {t + 1}"
            yield BrokenLaw(DELIVERED_POWER, f"{off_mw[t]!r} MW too much or too little", place)
    for t in np.flatnonzero(np.abs(net_mw) > POWER_TOLERANCE_MW):
        yield BrokenLaw(BALANCED_EXCHANGE, f"{float(net_mw[t])!r} MW", f"period {t + 1}")


def _delivery_laws(result: PeriodResult) -> Iterator[BrokenLaw]:
    """No seller delivers more than its surplus, no buyer takes more than its deficit."""
    delivered_mw, game = settled_mw(result), result.game
    place = f"period {game.period + 1}"
    for j, seller in enumerate(game.sellers):
        given_mw = fsum(delivered_mw[:, j].tolist())
        if given_mw > game.surplus_mw[j] + POWER_TOLERANCE_MW:
            yield BrokenLaw(
                f"a seller delivers at most its surplus, {game.surplus_mw[j]} MW",
                f"{given_mw!r} MW",
                f"{seller}, {place}",
            )
    for i, buyer in enumerate(game.buyers):
        taken_mw = fsum(delivered_mw[i, :].tolist())
        if taken_mw > game.deficit_mw[i] + POWER_TOLERANCE_MW:
            yield BrokenLaw(
                f"a buyer takes at most its deficit, {game.deficit_mw[i]} MW",
                f"{taken_mw!r} MW",
                f"{buyer}, {place}",
            )


def _rationing_law(result: PeriodResult) -> Iterator[BrokenLaw]:
    """Σ q = min(Σ S, Σ Q) where a game has come to a certified equilibrium (docs/model.md, section 3).

    Whoever is asked for more than it has is at the cap, else it would ask more; and with one τ whoever is cheaper
    is asked for more of what it has, so it is sold out too.
    """
    if result.verdict is not Verdict.EQUILIBRIUM or result.certificate is None:
        return
    supply_mw, asked_mw = fsum(result.game.surplus_mw.tolist()), fsum(result.requested_mw.ravel().tolist())
    wanted_mw, delivered_mw = min(supply_mw, asked_mw), fsum(result.delivered_mw.ravel().tolist())
    if delivered_mw < wanted_mw - POWER_TOLERANCE_MW - RATIONING_TOLERANCE * wanted_mw:
        value = f"{delivered_mw!r} MW of {wanted_mw!r} MW"
        yield BrokenLaw(NOTHING_WASTED, value, f"period {result.game.period + 1}")


def _zero_sum_laws(outcome: MarketOutcome, settlement: Settlement, public: PublicRules) -> Iterator[BrokenLaw]:
    """Payments, but for what a mechanism itself keeps or adds, and traded credits sum to zero over all VPPs."""
    payments = [account.trade_cny for account in settlement.game]
    left_cny = fsum(payments) - budget_cny(outcome.periods)
    if abs(left_cny) > _allowed_cny(payments):
        yield BrokenLaw(NO_BUDGET, f"{left_cny!r} CNY", "the whole day")
    credits_t = [direct_exchange(day.declaration.vpp, outcome.periods, public).quota_in_t for day in outcome.days]
    if abs(fsum(credits_t)) > CREDIT_TOLERANCE_T * max(1.0, fsum(map(abs, credits_t))):
        yield BrokenLaw("traded credits sum to zero", f"{fsum(credits_t)!r} t", "the whole day")


def _allowed_cny(amounts_cny: Sequence[float]) -> float:
    """How far a sum of these may be from 0 by rounding."""
    return MONEY_TOLERANCE * max(1.0, fsum(map(abs, amounts_cny)))


def _no_loss_law(
    outcome: MarketOutcome, settlement: Settlement, public: PublicRules, plants: Sequence[Vpp]
) -> Iterator[BrokenLaw]:
    """No VPP that shows its costs pays more with trade than without, where that is proved (`no_loss`).

    Whether it is proved is asked of those that pay more: few do, and the answer takes a look at every period.
    """
    known = {plant.id: plant for plant in plants}
    for day, before, after in zip(outcome.days, settlement.grid_only, settlement.game, strict=True):
        if day.before is None or day.after is None:
            continue
        allowed_cny = MONEY_TOLERANCE * max(1.0, abs(before.total_cny)) + day.after.gap_cny
        allowed_cny += _allowed_loss_cny(outcome).get(before.vpp, 0.0)
        lost = after.total_cny > before.total_cny + allowed_cny
        if lost and not _unmet(day, outcome, public, known.get(before.vpp)):
            unless = "" if before.vpp in known else _UNKNOWN_PLANT
            yield BrokenLaw(f"{NO_LOSS}, {before.total_cny!r} CNY", f"{after.total_cny!r} CNY", before.vpp, unless)


_UNKNOWN_PLANT = "its declaration was not that of its plant, which is not known here"


def _unmet(day: VppDay, outcome: MarketOutcome, public: PublicRules, plant: Vpp | None) -> str:
    """The condition of that law which fails for a VPP; empty where all hold. plant : where it is known

    None is needed where the round was chosen, or the exchange agreed to, by what everybody pays.
    """
    return "" if _allowed_loss_cny(outcome) else unmet_condition(day, outcome.periods, public, plant)


def _allowed_loss_cny(outcome: MarketOutcome) -> Mapping[str, float]:
    """How much more than without trade each VPP may pay, where a day of several rounds says so."""
    return (outcome.rounds.allowed_loss_cny if outcome.rounds else None) or {}
