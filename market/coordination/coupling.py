"""Plans that see the market (`coupling: iterate`): what a period's end leaves open to each, and averages.

After a game each VPP plans again with what it has traded, and what others are left with, as an option at the mean
price; it moves a little of the way towards that plan and declares anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum
from typing import Any, Final

import numpy as np

from market.game.result import PeriodResult
from market.model.arrays import Array, frozen
from market.model.plan import DispatchPlan, SolveMethod
from market.settlement.settlement import settled_mw

NO_LOSS_TOLERANCE: Final = 1e-9
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
class CoupledRound:
    """A round, and what it came to for each VPP: bill_cny with its trade, infinite where it has no such day.

    regret_cny : by how much the best plan with the market as an option would have been cheaper, >= 0
    """

    number: int
    bill_cny: Mapping[str, float]
    regret_cny: Mapping[str, float]

    @property
    def regrets_cny(self) -> float:
        """The sum of all regrets."""
        return fsum(self.regret_cny.values())

    def without_loss(self, alone_cny: Mapping[str, float]) -> bool:
        """Whether nobody pays more than without trade."""
        return all(
            bill <= alone_cny[vpp] + NO_LOSS_TOLERANCE * max(1.0, abs(alone_cny[vpp]))
            for vpp, bill in self.bill_cny.items()
        )


def round_to_settle(rounds: Iterable[CoupledRound], alone_cny: Mapping[str, float]) -> int:
    """The round with the least sum of regrets among those in which nobody pays more than without trade.

    Its number; 0 where there is none.
    """
    fair = [each for each in rounds if each.without_loss(alone_cny)]
    return min(fair, key=lambda each: each.regrets_cny).number if fair else 0


def open_trade(vpp: str, results: Sequence[PeriodResult]) -> OpenTrade:
    """What these ends leave open to `vpp`; all of it is public. Nothing is open where nothing can be traded."""
    rows = [_open_in_period(vpp, result) for result in results]
    most_in, most_out, price = (frozen(np.array(column)) for column in zip(*rows, strict=True))
    return OpenTrade(most_in, most_out, price)


def _open_in_period(vpp: str, result: PeriodResult) -> tuple[float, float, float]:
    game, delivered = result.game, settled_mw(result)
    if game.floor_cny_per_mwh > game.cap_cny_per_mwh:
        return 0.0, 0.0, game.cap_cny_per_mwh
    given, taken = delivered.sum(axis=0), delivered.sum(axis=1)
    unsold = np.maximum(game.surplus_mw - given, 0.0)
    unserved = np.maximum(game.deficit_mw - taken, 0.0)
    most_in = sum(_side(vpp, game.buyers, taken)) + sum(unsold[[seller != vpp for seller in game.sellers]])
    most_out = sum(_side(vpp, game.sellers, given)) + sum(unserved[[buyer != vpp for buyer in game.buyers]])
    return float(most_in), float(most_out), _mean_price(result, given)


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
    if better.method is SolveMethod.MILP and ((plan.mt_mw > 0.0) != (better.mt_mw > 0.0)).any():
        return better
    averages: dict[str, Any] = {
        name: _between(getattr(plan, name), getattr(better, name), share) for name in _AVERAGED
    }
    return replace(
        plan,
        **averages,
        marginal_value_cny_per_mwh=better.marginal_value_cny_per_mwh,
        method=better.method,
    )


def _between(one: Array | float, other: Array | float, share: float) -> Array | float:
    value = one + (other - one) * share
    return frozen(value) if isinstance(value, np.ndarray) else value
