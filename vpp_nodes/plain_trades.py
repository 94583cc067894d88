"""Whether a VPP's trades are plainly as they must be, looked at all together: in large markets they are very many.

Where they are not, `trade_check` looks at one after the other, and says what is wrong with the first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

import numpy as np

from broker.wire.messages import Trade
from market.game.demand_curve import demand_curve
from market.game.dithering import LARGEST_AMPLITUDE_CNY_PER_MWH
from market.game.period import PeriodGame
from market.model.arrays import Array
from market.model.declaration import Declaration, Role
from market.settlement.settlement import POWER_TOLERANCE_MW

PRICE_TOLERANCE = 2 * LARGEST_AMPLITUDE_CNY_PER_MWH
"""A cycle of prices that is no more than dithering is settled so near to what was heard last."""

SHARE_TOLERANCE = 1e-9
"""What rounding adds to the shares of a buyer's demand, which are published to 1e-12."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a VPP knows of the market's end, from what it has itself said and heard.

    declared : every period, by what all have declared · games : of those that trade
    price_cny_per_mwh : by period, the newest of each seller, shape (n,)
    requested_mw : by period, what it has itself asked of each seller last, shape (n,)
    """

    declared: tuple[PeriodGame, ...]
    games: dict[int, PeriodGame]
    price_cny_per_mwh: dict[int, Array]
    requested_mw: dict[int, Array]


@dataclass(frozen=True, slots=True)
class _TradesOfSide:
    """Trades of one period with one sign: with whom, how much, MW above 0, and at which prices."""

    period: int
    buys: bool
    others: tuple[str, ...]
    power_mw: Array
    price: Array


def _sides(trades: Sequence[Trade]) -> Iterator[_TradesOfSide]:
    def side(trade: Trade) -> tuple[int, bool]:
        return trade.period, trade.delivered_mw > 0

    for (period, buys), some in groupby(trades, side):
        _, others, power_mw, price = zip(*some, strict=True)
        yield _TradesOfSide(period, buys, others, np.abs(np.array(power_mw)), np.array(price))


def plainly_so(own: Declaration, alone: Sequence[PeriodGame], trades: Sequence[Trade], heard: Heard) -> bool:
    """Whether the VPP can have made each trade, by its declaration and by what it has said and heard."""
    return all(
        0 <= side.period < len(own.roles)
        and own.vpp not in side.others
        and own.roles[side.period] is (Role.BUYER if side.buys else Role.SELLER)
        and _in_band(own, alone[side.period], side)
        and _as_heard(own.vpp, heard, side)
        for side in _sides(trades)
    )


def _in_band(own: Declaration, game: PeriodGame, side: _TradesOfSide) -> bool:
    least = game.floor_cny_per_mwh
    if not side.buys:
        least = max(least, float(own.reserve_cny_per_mwh[side.period]))
    return bool(((least <= side.price) & (side.price <= game.cap_cny_per_mwh)).all())


def _as_heard(vpp: str, heard: Heard, side: _TradesOfSide) -> bool:
    """Whether the others are in the game, ask such prices, and lack or have been asked for as much."""
    game = heard.games.get(side.period)
    mine, theirs = (
        (game.buyers, game.sellers) if game and side.buys else (game.sellers, game.buyers) if game else ((), ())
    )
    if game is None or vpp not in mine or not {*side.others} <= {*theirs}:
        return False
    place = {other: at for at, other in enumerate(theirs)}
    at = np.array([place[other] for other in side.others], dtype=np.intp)
    offered = heard.price_cny_per_mwh[side.period]
    asked = offered[at] if side.buys else offered[game.sellers.index(vpp)]
    most_mw = most_bought_mw(heard, game, game.buyers.index(vpp))[at] if side.buys else game.deficit_mw[at]
    priced = np.abs(asked - side.price) <= PRICE_TOLERANCE
    return bool((priced & (side.power_mw <= most_mw + POWER_TOLERANCE_MW)).all())


def most_bought_mw(heard: Heard, game: PeriodGame, buyer: int) -> Array:
    """The most that we may buy of each seller, shape (n,): what we lack and have asked it for.

    A dithering that is settled moves requests a little, by (M1); where τ = 0 it may exchange sellers that ask the
    same, so that there the deficit alone is a bound.
    """
    deficit_mw = np.full(len(game.sellers), float(game.deficit_mw[buyer]))
    if game.temperature_cny_per_mwh < PRICE_TOLERANCE:
        return deficit_mw
    asked = heard.requested_mw.get(game.period)
    moved = math.exp(2 * PRICE_TOLERANCE / game.temperature_cny_per_mwh + 1e-6)
    return np.zeros_like(deficit_mw) if asked is None else np.minimum(deficit_mw, asked * moved)


def demanded_plainly(alone: Sequence[PeriodGame], trades: Sequence[Trade]) -> bool:
    """Whether in each period what is bought comes to at most 1 in shares of what is asked for at such prices."""
    bought = sorted(
        (trade for trade in trades if trade.delivered_mw > POWER_TOLERANCE_MW), key=attrgetter("period")
    )
    return all(_shares(alone[side.period], side) <= 1.0 + SHARE_TOLERANCE for side in _sides(bought))


def _shares(game: PeriodGame, side: _TradesOfSide) -> float:
    demanded_mw = demand_curve(game).demand(side.price)
    if (demanded_mw <= 0.0).any():
        return math.inf
    return float(((side.power_mw - POWER_TOLERANCE_MW) / demanded_mw).sum())
