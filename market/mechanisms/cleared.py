"""What a mechanism makes of the declarations of one period: prices, deliveries, and what passes beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from market.game.period import PeriodGame
from market.model.arrays import Array, frozen


@dataclass(frozen=True, slots=True)
class ClearedPeriod:
    """One period cleared, n sellers and m buyers in the order of their game.

    price_cny_per_mwh : what each seller is paid by whom it serves, shape (n,) · delivered_mw : q_ij, shape (m, n)
    transfer_cny : by VPP, what it pays beside that, below 0 what it gets; nobody else pays or gets any
    evidence : what there is to say of the period, such as a deficit
    """

    price_cny_per_mwh: Array
    delivered_mw: Array
    transfer_cny: Mapping[str, float] = field(default_factory=dict)
    evidence: str = ""


def at_one_price(game: PeriodGame, price: float, bought_mw: Array, sold_mw: Array) -> ClearedPeriod:
    """Everybody at one price: what is bought (m,) is served by all who sell (n,), each in proportion."""
    return ClearedPeriod(frozen(np.full(len(game.sellers), price)), served(bought_mw, sold_mw))


def served(bought_mw: Array, sold_mw: Array) -> Array:
    """Who serves whom, shape (m, n): every buyer gets from each seller its part of all that is sold."""
    total = float(sold_mw.sum())
    if total <= 0.0:
        return frozen(np.zeros((bought_mw.size, sold_mw.size)))
    return frozen(bought_mw[:, None] * (sold_mw / total))


def shorter_side(game: PeriodGame) -> tuple[Array, Array]:
    """What is bought (m,) and sold (n,), MW, where the longer of the two sides gives way, in proportion."""
    wanted, offered = float(game.deficit_mw.sum()), float(game.surplus_mw.sum())
    traded = min(wanted, offered)
    return frozen(game.deficit_mw * (traded / wanted)), frozen(game.surplus_mw * (traded / offered))
