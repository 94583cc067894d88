"""Checks whether a trade that a broker announces for a VPP can have been: its word alone is not enough.

A node holds it against its own declaration, the offers and selections that it has made, and the declarations and
offers that it has heard. So no made-up trade reaches the plant, and nobody finds its limits by trying.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from broker.wire.messages import Trade
from market.coordination.coupling import OpenTrade
from market.errors import TradeError
from market.game.demand_curve import demand_curve
from market.game.period import PeriodGame, period_games
from market.model.arrays import frozen
from market.model.declaration import Declaration, Role
from market.model.plan import DirectExchange
from market.model.public import PublicRules
from market.settlement.settlement import CREDIT_TOLERANCE_T, POWER_TOLERANCE_MW, quota_in_t
from vpp_nodes.plain_trades import (
    PRICE_TOLERANCE,
    SHARE_TOLERANCE,
    Heard,
    demanded_plainly,
    most_bought_mw,
    plainly_so,
)


def check_trades(
    own: Declaration,
    public: PublicRules,
    direct: DirectExchange,
    trades: Sequence[Trade],
    heard: Heard | None,
) -> None:
    """TradeError unless these trades can have been concluded, and `direct` is what they come to.

    heard : None for a node that was started again when all was concluded but its own part. Its own declaration
    and the rules are all that it can go by: roles and volumes, the band, its reserve, that it asks one price of
    all, and what it demands at a price. With whom, and at which price within these, is then the broker's word
    """
    if len({(trade.period, trade.counterpart) for trade in trades}) < len(trades):
        raise _error(own, "it is told of two trades with the same VPP in one period")
    alone = period_games((own,), public)
    plain = heard is not None and plainly_so(own, alone, trades, heard)
    for trade in () if plain else trades:
        _check_alone(own, alone, trade)
        if heard is not None:
            _check_heard(own, heard, trade)
    _check_one_price(own, trades)
    if not demanded_plainly(alone, trades):
        _check_demand(own, alone, trades)
    _check_sums(own, public, direct, trades)


def check_cleared_trades(
    own: Declaration, public: PublicRules, direct: DirectExchange, trades: Sequence[Trade]
) -> None:
    """TradeError unless a rule can have cleared these trades, and `direct` is what they come to.

    Its prices need not be within the band; what it makes of all declarations, who holds them all works out itself.
    """
    if len({(trade.period, trade.counterpart) for trade in trades}) < len(trades):
        raise _error(own, "it is told of two trades with the same VPP in one period")
    for trade in trades:
        _check_role(own, trade)
    _check_one_price(own, trades)
    _check_sums(own, public, direct, trades)


def check_open_trade(own: Declaration, public: PublicRules, left_open: OpenTrade, heard: Heard) -> None:
    """TradeError unless a market can have left this open: at most what others declare, at a price in the band.

    What came of their trade among themselves is not known here, nor what they declared where nobody could trade.
    """
    periods = public.horizon.periods
    vectors = (left_open.most_in_mw, left_open.most_out_mw, left_open.price_cny_per_mwh)
    if any(vector.shape != (periods,) for vector in vectors):
        raise _error(own, f"it is told of a market that is not for {periods} periods")
    for band, price in zip(period_games((own,), public), left_open.price_cny_per_mwh.tolist(), strict=True):
        low, high = sorted((band.floor_cny_per_mwh, band.cap_cny_per_mwh))
        if not low - PRICE_TOLERANCE <= price <= high + PRICE_TOLERANCE:
            raise _error(own, f"period {band.period + 1}: a mean price of {price:.9g} CNY/MWh leaves the band")
    if any((vector < 0.0).any() for vector in vectors[:2]):
        raise _error(own, "it is told that less than nothing is open")
    for game in heard.declared:
        t = game.period
        supply = float(game.surplus_mw[[vpp != own.vpp for vpp in game.sellers]].sum())
        demand = float(game.deficit_mw[[vpp != own.vpp for vpp in game.buyers]].sum())
        for power, declared in ((vectors[0][t], supply), (vectors[1][t], demand)):
            if power > declared + POWER_TOLERANCE_MW:
                raise _error(own, f"period {t + 1}: {power:.9g} MW are open of {declared:.9g} declared")


def _error(own: Declaration, story: str, trade: Trade | None = None) -> TradeError:
    place = f", period {trade.period + 1}, trade with {trade.counterpart!r:.40}" if trade is not None else ""
    remedy = "this cannot have been negotiated; ask whoever runs the broker"
    return TradeError(f"{own.vpp}{place}: {story}; {remedy}")


def _check_alone(own: Declaration, alone: Sequence[PeriodGame], trade: Trade) -> None:
    """What a VPP can tell of one trade by its own declaration and the rules. alone : the games with nobody else"""
    _check_role(own, trade)
    game, buys = alone[trade.period], trade.delivered_mw > 0
    least = game.floor_cny_per_mwh if buys else float(own.reserve_cny_per_mwh[trade.period])
    if not max(least, game.floor_cny_per_mwh) <= trade.price_cny_per_mwh <= game.cap_cny_per_mwh:
        raise _error(own, f"the price {trade.price_cny_per_mwh:g} CNY/MWh leaves the band, or its reserve", trade)


def _check_role(own: Declaration, trade: Trade) -> None:
    if not 0 <= trade.period < len(own.roles) or trade.counterpart == own.vpp:
        raise _error(own, "there is no such period, or it is a trade with oneself", trade)
    buys = trade.delivered_mw > 0
    if own.roles[trade.period] is not (Role.BUYER if buys else Role.SELLER):
        raise _error(own, f"it has not declared that it {'buys' if buys else 'sells'} there", trade)


def _check_heard(own: Declaration, heard: Heard, trade: Trade) -> None:
    """What it can tell by what it has said and heard."""
    game, buys = heard.games.get(trade.period), trade.delivered_mw > 0
    others = () if game is None else game.sellers if buys else game.buyers
    if game is None or trade.counterpart not in others:
        raise _error(own, f"that VPP has not declared that it {'sells' if buys else 'buys'} there", trade)
    seller, buyer = (trade.counterpart, own.vpp) if buys else (own.vpp, trade.counterpart)
    if seller not in game.sellers or buyer not in game.buyers:
        raise _error(own, "it has no part in that period", trade)
    index = game.sellers.index(seller)
    offered = float(heard.price_cny_per_mwh[trade.period][index])
    if abs(offered - trade.price_cny_per_mwh) > PRICE_TOLERANCE:
        price = f"{trade.price_cny_per_mwh:.9g} CNY/MWh"
        raise _error(own, f"the price {price} is not the seller's newest offer, {offered:.9g}", trade)
    if abs(trade.delivered_mw) > _most_mw(heard, game, index, buyer, own) + POWER_TOLERANCE_MW:
        raise _error(own, f"{abs(trade.delivered_mw):.9g} MW are more than the buyer asks for", trade)


def _most_mw(heard: Heard, game: PeriodGame, index: int, buyer: str, own: Declaration) -> float:
    """The most that can be delivered: what the buyer lacks and, where that is us, has asked this seller for."""
    if buyer != own.vpp:
        return float(game.deficit_mw[game.buyers.index(buyer)])
    return float(most_bought_mw(heard, game, game.buyers.index(buyer))[index])


def _check_one_price(own: Declaration, trades: Sequence[Trade]) -> None:
    """That it sells at one price in each period, whoever buys."""
    asked: dict[int, float] = {}
    for trade in trades:
        if trade.delivered_mw < 0 and asked.setdefault(trade.period, trade.price_cny_per_mwh) != (
            trade.price_cny_per_mwh
        ):
            prices = f"{asked[trade.period]:.9g} and {trade.price_cny_per_mwh:.9g} CNY/MWh"
            raise _error(own, f"it would have asked two prices in one period, {prices}", trade)


def _check_demand(own: Declaration, alone: Sequence[PeriodGame], trades: Sequence[Trade]) -> None:
    """That it buys no more than it asks for at these prices: a share of (20) of each seller, in all at most 1."""
    shares = dict.fromkeys(range(len(alone)), 0.0)
    for trade in trades:
        taken_mw = trade.delivered_mw - POWER_TOLERANCE_MW
        if taken_mw <= 0:
            continue
        demanded_mw = float(demand_curve(alone[trade.period]).demand(np.array(trade.price_cny_per_mwh)).item())
        shares[trade.period] += taken_mw / demanded_mw if demanded_mw > 0 else math.inf
        if shares[trade.period] > 1.0 + SHARE_TOLERANCE:
            raise _error(own, f"at such prices it asks for less, {demanded_mw:.9g} MW at this one alone", trade)


def _check_sums(own: Declaration, public: PublicRules, direct: DirectExchange, trades: Sequence[Trade]) -> None:
    """That all trades together are within what was declared, and are what is to be planned with."""
    periods = public.horizon.periods
    bought, sold = np.zeros(periods), np.zeros(periods)
    for trade in trades:
        bought[trade.period] += max(trade.delivered_mw, 0.0)
        sold[trade.period] += max(-trade.delivered_mw, 0.0)
    over = (bought > own.deficit_mw + POWER_TOLERANCE_MW) | (sold > own.surplus_mw + POWER_TOLERANCE_MW)
    if over.any():
        raise _error(own, f"period {over.argmax() + 1}: the trades come to more than it has declared")
    off = np.maximum(np.abs(direct.in_mw - bought), np.abs(direct.out_mw - sold)) > POWER_TOLERANCE_MW
    if off.any():
        raise _error(own, f"period {off.argmax() + 1}: the exchange to plan with is not what the trades come to")
    due_t = quota_in_t(frozen(direct.in_mw), frozen(direct.out_mw), public)
    if abs(direct.quota_in_t - due_t) > CREDIT_TOLERANCE_T * max(1.0, abs(due_t)):
        raise _error(own, f"{direct.quota_in_t:.9g} t of quota do not follow from the trades")
