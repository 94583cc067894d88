"""Plans that see the market (`coupling: iterate`): what a period's end leaves open to each, and averages.

After a game each VPP plans again with what it has traded, and what others are left with, as an option at the mean
price; it moves a little of the way towards that plan and declares anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum, inf, isfinite, nan
from typing import Any, Final

import numpy as np

from market.game.period import PeriodGame
from market.game.result import PeriodResult
from market.model.arrays import Array, frozen
from market.model.plan import DispatchPlan, SolveMethod, UnitPlan
from market.model.rules import MarketRules
from market.model.unit_limits import TURBINES
from market.settlement.rounds import DayRound, DayRounds
from market.settlement.settlement import settled_mw

_NO_LOSS_TOLERANCE: Final = 1e-9
"""Of what a VPP pays without trade: a bill that is higher by less is no higher."""

_AVERAGED: Final = (
    *("wt_mw", "pv_mw", "mt_mw", "charge_mw", "discharge_mw", "soc_mwh", "cl_mw", "buy_mw", "sell_mw"),
    *("direct_in_mw", "direct_out_mw", "curtailed_mw", "emission_t", "quota_t"),
)


@dataclass(frozen=True, slots=True)
class OpenTrade:
    """What the end of a game leaves open to one VPP; MW, CNY/MWh, shape (periods,).

    Up to what it has got and what nobody has bought it may take, up to what it has sold and what nobody has served
    it may give, at the mean price of what was traded.
    """

    most_in_mw: Array
    most_out_mw: Array
    price_cny_per_mwh: Array


@dataclass(frozen=True, slots=True)
class Review:
    """What one VPP makes of a round.

    regret_cny : by how much the best plan with the market as an option would have been cheaper, >= 0; infinite
    where it has no day with what it traded
    no_loss : whether it pays no more than without trade
    """

    regret_cny: float
    no_loss: bool


@dataclass(frozen=True, slots=True)
class CoupledRound:
    """A round: what each VPP makes of it, and what it came to."""

    reviews: Mapping[str, Review]
    sums: DayRound

    @property
    def number(self) -> int:
        """0 for the first."""
        return self.sums.number

    @property
    def regrets_cny(self) -> float:
        """The sum of all regrets."""
        return fsum(review.regret_cny for review in self.reviews.values())

    @property
    def without_loss(self) -> bool:
        """Whether nobody pays more than without trade."""
        return all(review.no_loss for review in self.reviews.values())


def coupled_round(
    number: int, reviews: Mapping[str, Review], results: Sequence[PeriodResult], cost_cny: float = nan
) -> CoupledRound:
    """A round by its end. cost_cny : of all VPPs, NaN where that is not known"""
    hours = results[0].game.period_h
    traded = [settled_mw(result) for result in results]
    regrets_cny = fsum(review.regret_cny for review in reviews.values())
    sums = DayRound(
        number,
        cost_cny if isfinite(cost_cny) else nan,
        regrets_cny if isfinite(regrets_cny) else nan,
        fsum(float(power.sum()) for power in traded) * hours,
        max(_imbalance_mw(result, power) for result, power in zip(results, traded, strict=True)),
    )
    return CoupledRound(reviews, sums)


def _imbalance_mw(result: PeriodResult, delivered: Array) -> float:
    """What was declared on the shorter side of a period and still not traded, MW."""
    declared = min(float(result.game.surplus_mw.sum()), float(result.game.deficit_mw.sum()))
    return abs(declared - float(delivered.sum()))


def reviewed(before: DispatchPlan, after: DispatchPlan | None, paid_cny: float, option_cny: float) -> Review:
    """What a VPP makes of a round.

    before, after : its day without trade and with what it traded, None where there is no such day
    paid_cny : what it pays the others, net · option_cny : the least that it could have paid for all
    """
    if after is None:
        return Review(inf, no_loss=False)
    bill_cny = after.costs.total_cny + paid_cny
    regret_cny = max(after.objective_cny + paid_cny - option_cny, 0.0)
    return Review(regret_cny, pays_no_more(before.costs.total_cny, bill_cny))


def pays_no_more(alone_cny: float, bill_cny: float) -> bool:
    """Whether a bill is no higher than that without trade, but for rounding."""
    return bill_cny <= alone_cny + _NO_LOSS_TOLERANCE * max(1.0, abs(alone_cny))


def is_last(number: int, rules: MarketRules) -> bool:
    """Whether no round follows this one: they end when there have been so many, never because little moves."""
    return number >= rules.coupling_rounds


def share_after(number: int) -> float:
    """How far of the way to its better plan everybody moves after this round."""
    return 1.0 / (number + 2)


def round_to_settle(rounds: Iterable[CoupledRound]) -> int:
    """The round with the least sum of regrets among those in which nobody pays more than without trade.

    Its number; 0 where there is none.
    """
    fair = [each for each in rounds if each.without_loss]
    return min(fair, key=lambda each: each.regrets_cny).number if fair else 0


def coupled_rounds(rounds: Sequence[CoupledRound], settled: CoupledRound) -> DayRounds:
    """The rounds of a day, and the one that counts."""
    regret_cny = {vpp: review.regret_cny for vpp, review in settled.reviews.items()}
    allowed_cny = dict.fromkeys(regret_cny, 0.0) if settled.without_loss else None
    return DayRounds(tuple(each.sums for each in rounds), settled.number, regret_cny, allowed_cny, agreed=False)


@dataclass(frozen=True, slots=True)
class _PeriodLeft:
    """What the end of a period leaves: powers of its sellers and buyers, MW; the mean price, CNY/MWh."""

    game: PeriodGame
    given: Array
    taken: Array
    unsold: Array
    unserved: Array
    price: float


def open_trade(vpp: str, results: Sequence[PeriodResult]) -> OpenTrade:
    """What these ends leave open to `vpp`; all of it is public. Nothing is open where nothing can be traded."""
    return open_trades([vpp], results)[0]


def open_trades(vpps: Sequence[str], results: Sequence[PeriodResult]) -> list[OpenTrade]:
    """The same for each of several."""
    left = [_left_in_period(result) for result in results]
    return [_open_to(vpp, left) for vpp in vpps]


def _open_to(vpp: str, left: Sequence[_PeriodLeft]) -> OpenTrade:
    rows = [_open_in_period(vpp, period) for period in left]
    most_in, most_out, price = (frozen(np.array(column)) for column in zip(*rows, strict=True))
    return OpenTrade(most_in, most_out, price)


def _left_in_period(result: PeriodResult) -> _PeriodLeft:
    game, delivered = result.game, settled_mw(result)
    given, taken = delivered.sum(axis=0), delivered.sum(axis=1)
    unsold = np.maximum(game.surplus_mw - given, 0.0)
    unserved = np.maximum(game.deficit_mw - taken, 0.0)
    return _PeriodLeft(game, given, taken, unsold, unserved, _mean_price(result, given))


def _open_in_period(vpp: str, left: _PeriodLeft) -> tuple[float, float, float]:
    game = left.game
    if game.floor_cny_per_mwh > game.cap_cny_per_mwh:
        return 0.0, 0.0, game.cap_cny_per_mwh
    unsold = left.unsold[[seller != vpp for seller in game.sellers]]
    unserved = left.unserved[[buyer != vpp for buyer in game.buyers]]
    most_in = sum(_side(vpp, game.buyers, left.taken)) + sum(unsold)
    most_out = sum(_side(vpp, game.sellers, left.given)) + sum(unserved)
    return float(most_in), float(most_out), left.price


def _side(vpp: str, names: Sequence[str], power_mw: Array) -> list[float]:
    return [float(power_mw[names.index(vpp)])] if vpp in names else []


def _mean_price(result: PeriodResult, given_mw: Array) -> float:
    """The mean of what was traded; else the floor where there are only sellers, the cap where only buyers."""
    game, traded = result.game, float(given_mw.sum())
    if traded > 0.0:
        return float(given_mw @ result.price_cny_per_mwh) / traded
    if game.sellers and game.buyers:
        return float(result.clearing_price_cny_per_mwh)
    return game.floor_cny_per_mwh if game.sellers else game.cap_cny_per_mwh


def moved_towards(plan: DispatchPlan, better: DispatchPlan, share: float) -> DispatchPlan:
    """A plan that share of the way towards a better one; the better one where their commitments differ.

    An average of days that are linear programs is a day as well; one of two commitments is none. It is declared,
    not settled: where it would charge and discharge at once, only the difference matters to others. Its λ is the
    better plan's.
    """
    if better.method is SolveMethod.MILP and _other_commitment(plan, better):
        return better
    averages: dict[str, Any] = {
        name: _between(getattr(plan, name), getattr(better, name), share) for name in _AVERAGED
    }
    return replace(
        plan,
        **averages,
        marginal_value_cny_per_mwh=better.marginal_value_cny_per_mwh,
        method=better.method,
        units=tuple(_unit_between(*pair, share) for pair in zip(plan.units, better.units, strict=True)),
    )


def _other_commitment(plan: DispatchPlan, better: DispatchPlan) -> bool:
    """Whether a turbine is on in one plan where it is off in the other."""
    outputs = [(plan.mt_mw, better.mt_mw)]
    for one, other in zip(plan.units, better.units, strict=True):
        if one.kind in TURBINES:
            outputs.append((one.supply_mw, other.supply_mw))
    return any(((one > 0.0) != (other > 0.0)).any() for one, other in outputs)


def _unit_between(one: UnitPlan, other: UnitPlan, share: float) -> UnitPlan:
    powers: dict[str, Any] = {
        name: _between(getattr(one, name), getattr(other, name), share)
        for name in ("supply_mw", "use_mw", "stored_mwh", "curtailed_mw")
    }
    return replace(one, **powers)


def _between(one: Array | float, other: Array | float, share: float) -> Array | float:
    value = one + (other - one) * share
    return frozen(value) if isinstance(value, np.ndarray) else value
