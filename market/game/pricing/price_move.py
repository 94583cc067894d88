"""A seller's turn to price, and its answer."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from market.game.period import PeriodGame
from market.game.price_grid import on_price_grid
from market.model.arrays import Array


@dataclass(frozen=True, slots=True)
class PriceMove:
    """A seller's turn to price: its place in the game, the prices it knows, shape (n,), and its memory."""

    game: PeriodGame
    seller: int
    prices: Array
    memory: Hashable


@dataclass(frozen=True, slots=True)
class Repricing:
    """The answer to a turn. `again`: the rule wants another step even if nobody else moves."""

    price: float
    memory: Hashable
    again: bool


def is_smooth(turn: PriceMove) -> bool:
    """Whether buyers choose with τ > 0, so that its profit is no step function."""
    return turn.game.temperature_cny_per_mwh > 0


def askable(game: PeriodGame, seller: int, price: float) -> float:
    """What comes nearest of what the seller may ask."""
    least = max(game.floor_cny_per_mwh, float(game.reserve_cny_per_mwh[seller]))
    return on_price_grid(price, game, least)
