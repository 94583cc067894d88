"""A seller's next price, (26), by the market's rule.

`reprice_all` answers many turns at once, which costs little more than one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from market.game.clearing.rationing import rationed_demand
from market.game.period import PeriodGame
from market.game.price_grid import on_price_grid, price_step
from market.game.pricing.best_response import best_prices
from market.game.pricing.local_rules import Memory, excess_demand, profit_gradient, step
from market.game.pricing.residual_demand import ResidualDemand, game_batch, residual_demand
from market.game.pricing.tick import best_tick, better_tick
from market.model.arrays import Array
from market.model.rules import MarketRules, PriceRule


@dataclass(frozen=True, slots=True)
class PriceMove:
    """A seller's turn to price: its place in the game, the prices it knows, shape (n,), and its memory."""

    game: PeriodGame
    seller: int
    prices: Array
    memory: Memory


@dataclass(frozen=True, slots=True)
class Repricing:
    """The answer to a turn. `again`: the rule wants another step even if nobody else moves."""

    price: float
    memory: Memory
    again: bool


def best_response(game: PeriodGame, seller: int, prices: Array) -> float:
    """The price that maximises (22) against `prices` (n,) of the others, (26); of equals the lowest.

    For τ > 0 not rounded, good to about 1e-12 relative; for τ = 0 on the tick grid. CNY/MWh.
    """
    if game.temperature_cny_per_mwh == 0:
        return best_tick(game, seller, prices)
    return float(best_prices(_residual_demand([PriceMove(game, seller, prices, Memory.fresh())]))[0])


def reprice(rules: MarketRules, game: PeriodGame, seller: int, prices: Array, memory: Memory) -> Repricing:
    """A seller's next price on the grid, (26). prices : of all sellers, its own included, shape (n,)."""
    return reprice_all(rules, [PriceMove(game, seller, prices, memory)])[0]


def reprice_all(rules: MarketRules, turns: Sequence[PriceMove]) -> tuple[Repricing, ...]:
    """The next price of each turn, in order; it does not depend on the others, not even in its last digit."""
    smooth = [turn for turn in turns if turn.game.temperature_cny_per_mwh > 0]
    targets = iter(_targets(rules, smooth).tolist() if smooth else ())
    return tuple(
        _answer(rules, turn, next(targets) if turn.game.temperature_cny_per_mwh > 0 else _tick_target(rules, turn))
        for turn in turns
    )


def _answer(rules: MarketRules, turn: PriceMove, target_price: float) -> Repricing:
    """`target_price` is a price under best response and a step in price (CNY/MWh) under a local rule."""
    least = max(turn.game.floor_cny_per_mwh, float(turn.game.reserve_cny_per_mwh[turn.seller]))
    if rules.price_rule is PriceRule.BEST_RESPONSE:
        return Repricing(on_price_grid(target_price, turn.game, least), turn.memory, False)
    own = float(turn.prices[turn.seller])
    memory = step(turn.memory, target_price, tuple(turn.prices.tolist()), turn.seller)
    # Rounding up a shorter step would keep swings alive.
    moves = target_price and abs(memory.last) >= price_step(turn.game)
    price = on_price_grid(own + memory.last, turn.game, least) if moves else own
    return Repricing(price, memory, price != own)


def _targets(rules: MarketRules, turns: Sequence[PriceMove]) -> Array:
    sellers = _residual_demand(turns)
    if rules.price_rule is PriceRule.BEST_RESPONSE:
        return best_prices(sellers)
    own = np.array([turn.prices[turn.seller] for turn in turns])
    if rules.price_rule is PriceRule.GRADIENT:
        return rules.gradient_step_cny_per_mwh_per_mw * profit_gradient(sellers, own)
    return rules.tatonnement_step_cny_per_mwh * excess_demand(sellers, own)


def _tick_target(rules: MarketRules, turn: PriceMove) -> float:
    game, seller, prices = turn.game, turn.seller, turn.prices
    if rules.price_rule is PriceRule.BEST_RESPONSE:
        return best_tick(game, seller, prices)
    if rules.price_rule is PriceRule.GRADIENT:
        return better_tick(game, seller, prices)
    surplus = float(game.surplus_mw[seller])
    total = float(rationed_demand(game, seller, prices, prices[seller : seller + 1])[0])
    return rules.tatonnement_step_cny_per_mwh * (total - surplus) / surplus


def _residual_demand(turns: Sequence[PriceMove]) -> ResidualDemand:
    """What the sellers of all turns face; turns with the same game and prices share the work."""
    views = {(id(turn.game), id(turn.prices)): turn for turn in turns}
    place = {key: row for row, key in enumerate(views)}
    games = game_batch([turn.game for turn in views.values()])
    prices = np.zeros(games.surplus.shape)
    for row, turn in enumerate(views.values()):
        prices[row, : len(turn.prices)] = turn.prices
    at = [(place[id(turn.game), id(turn.prices)], turn.seller) for turn in turns]
    return residual_demand(games, prices, np.array(at, dtype=np.intp))
