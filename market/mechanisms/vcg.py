"""Vickrey, Clarke and Groves: each gains what its presence adds (Vickrey 1961; Clarke 1971; Groves 1973).

With W the most that is worth by all declarations, and W_−k without k,

    k's gain by what it declared = W − W_−k

so that, of what is declared, the truth is best. Together these gains are more than W: somebody has to pay the
difference, which is told, and which no rule of this kind can avoid (Myerson & Satterthwaite 1983).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from market.game.period import PeriodGame
from market.mechanisms.cleared import ClearedPeriod, at_one_price
from market.mechanisms.merit_order import EfficientTrade, asks_cny_per_mwh, efficient_trade, worth_cny_per_h

_ROUNDING_CNY: Final = 1e-6


def vcg(game: PeriodGame) -> ClearedPeriod:
    """One period: the efficient trade at its lowest price, and with it what each gets beyond that."""
    trade = efficient_trade(game)
    whole, hours = welfare_cny_per_h(game, trade), game.period_h
    gained = {
        **dict(
            zip(game.buyers, (worth_cny_per_h(game, trade.bought_mw) - trade.price * trade.bought_mw), strict=True)
        ),
        **dict(zip(game.sellers, ((trade.price - asks_cny_per_mwh(game)) * trade.sold_mw), strict=True)),
    }
    transfers = {vpp: (float(gain) - (whole - _without(game, vpp))) * hours for vpp, gain in gained.items()}
    deficit_cny = -sum(transfers.values())
    cleared = at_one_price(game, trade.price, trade.bought_mw, trade.sold_mw)
    told = f"pays out {deficit_cny:.6g} CNY more than it takes in" if deficit_cny > _ROUNDING_CNY else ""
    return replace(cleared, transfer_cny=transfers, evidence=told)


def welfare_cny_per_h(game: PeriodGame, trade: EfficientTrade) -> float:
    """What a trade is worth by the declarations: to buyers, less what sellers ask."""
    return float(worth_cny_per_h(game, trade.bought_mw).sum()) - float(asks_cny_per_mwh(game) @ trade.sold_mw)


def _without(game: PeriodGame, vpp: str) -> float:
    """W_−k."""
    smaller = without(game, vpp)
    return welfare_cny_per_h(smaller, efficient_trade(smaller)) if smaller.tradable else 0.0


def without(game: PeriodGame, vpp: str) -> PeriodGame:
    """The same game in which one VPP has no part."""
    sells = np.array([name != vpp for name in game.sellers], dtype=bool)
    buys = np.array([name != vpp for name in game.buyers], dtype=bool)
    return replace(
        game,
        sellers=tuple(name for name in game.sellers if name != vpp),
        surplus_mw=game.surplus_mw[sells],
        reserve_cny_per_mwh=game.reserve_cny_per_mwh[sells],
        buyers=tuple(name for name in game.buyers if name != vpp),
        deficit_mw=game.deficit_mw[buys],
        own_supply_mw=game.own_supply_mw[buys],
        satisfaction_cny_per_h=game.satisfaction_cny_per_h[buys],
    )
