"""Settlement: who pays whom for the trade of a day, each VPP's account, and the laws a settled day obeys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import fsum, nan

import numpy as np

from market.game.result import PeriodResult, Verdict
from market.model.arrays import Array, frozen
from market.model.disclosure import ShownPlan, plan_totals
from market.model.plan import DirectExchange, DispatchPlan, PlanTotals
from market.model.public import PublicRules
from market.model.vpp import Vpp
from market.settlement.no_loss import unmet_condition
from market.settlement.outcome import MarketOutcome, VppDay

POWER_TOLERANCE_MW = 1e-6
MONEY_TOLERANCE = 1e-6  # of the amount concerned
RATIONING_TOLERANCE = 1e-5  # of the power concerned: prices rest to 1e-5 CNY/MWh, and demand follows them
CREDIT_TOLERANCE_T = 1e-9

DELIVERED_POWER = "the plan with trade carries exactly the delivered power"
BALANCED_EXCHANGE = "direct exchanges of all VPPs sum to zero"
NOTHING_WASTED = "rationing at an equilibrium wastes nothing: all surplus or all that is asked for is delivered"
NO_LOSS = "no VPP pays more than without trade"
NO_BUDGET = "payments between VPPs sum to zero"


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


def _without_plan(outcome: MarketOutcome) -> tuple[str, ...]:
    """Who does not show its plan with trade."""
    return tuple(day.declaration.vpp for day in outcome.days if not isinstance(day.after, DispatchPlan))


def _without_costs(outcome: MarketOutcome) -> tuple[str, ...]:
    """Who does not show what its day costs, without trade or with it."""
    return tuple(day.declaration.vpp for day in outcome.days if day.before is None or day.after is None)


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
