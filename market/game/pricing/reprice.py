"""A seller's next price, (26), by the market's rule.

`reprice_all` answers many turns at once, which costs little more than one.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np

from market.game.period import PeriodGame
from market.game.price_grid import price_step
from market.game.pricing.best_response import best_prices, utility
from market.game.pricing.local_rules import Swing, step
from market.game.pricing.look import key_of, looks_of, put_leaps
from market.game.pricing.pace import Pace
from market.game.pricing.price_move import PriceMove, Repricing, askable
from market.game.pricing.residual_demand import power
from market.game.pricing.targets import faced, targets
from market.game.pricing.tick import best_tick, tick_utility
from market.model.arrays import Array
from market.model.rules import MarketRules, PriceRule


def fresh_memory(rules: MarketRules) -> Swing | Pace:
    """What a seller remembers by the market's rule before its first turn."""
    return Pace() if rules.price_rule is PriceRule.BEST_RESPONSE else Swing.fresh()


def best_response(game: PeriodGame, seller: int, prices: Array) -> float:
    """The price that maximises (22) against `prices` (n,) of the others, (26); of equals the lowest.

    For τ > 0 not rounded, good to about 1e-12 relative; for τ = 0 on the tick grid. CNY/MWh.
    """
    if game.temperature_cny_per_mwh == 0:
        return best_tick(game, seller, prices)
    return float(best_prices(faced([PriceMove(game, seller, prices, Pace())]))[0])


def seller_profit(game: PeriodGame, seller: int, prices: Array, own: Array) -> Array:
    """(p − r) min(S, Q) of (22) at the prices `own`, the others at `prices` (n,); of the shape of `own`, CNY/h."""
    flat = np.asarray(own, dtype=np.float64).ravel()
    if game.temperature_cny_per_mwh == 0:
        worth = tick_utility(game, seller, prices, flat)
    else:
        demand = faced([PriceMove(game, seller, prices, Pace())])
        worth = utility(demand, flat[None, :], power(demand, flat[None, :]))[0]
    return worth.reshape(np.shape(own))


def reprice(rules: MarketRules, game: PeriodGame, seller: int, prices: Array, memory: Hashable) -> Repricing:
    """A seller's next price on the grid, (26). prices : of all sellers, its own included, shape (n,)."""
    return reprice_all(rules, [PriceMove(game, seller, prices, memory)])[0]


def reprice_all(rules: MarketRules, turns: Sequence[PriceMove]) -> tuple[Repricing, ...]:
    """The next price of each turn, in order; it does not depend on the others, not even in its last digit."""
    known = {id(turn.prices): tuple(turn.prices.tolist()) for turn in turns}  # those alike remember one tuple
    due = [place for place, turn in enumerate(turns) if not _stands(turn, known[id(turn.prices)])]
    answers = [Repricing(float(turn.prices[turn.seller]), turn.memory, False) for turn in turns]
    memories = {place: _remembered(turns[place], known[id(turns[place].prices)]) for place in due}
    looks = looks_of(turns, memories)
    foreseen = {place: reply for place in due if (reply := _foreseen(turns[place], known)) is not None}
    asked = [turns[place] for place in due if place not in foreseen]
    asked += [move for look in looks for move in look.standing()]
    found = targets(rules, asked)  # side by side, since each batch has its price
    best = {_key(move): target for move, target in zip(asked, found, strict=True)}
    best |= {_key(turns[place]): reply for place, reply in foreseen.items()}
    for place in due:
        turn = turns[place]
        answers[place] = _answer(turn, memories[place], best[_key(turn)], known[id(turn.prices)])
    put_leaps(rules, looks, best, answers)
    return tuple(answers)


def _key(turn: PriceMove) -> tuple[int, int, int]:
    return key_of(turn.game, turn.prices, turn.seller)


def _foreseen(turn: PriceMove, known: Mapping[int, tuple[float, ...]]) -> float | None:
    """What it has worked out before it leapt, if everybody is where it was to leap. known : all prices, by id"""
    if not isinstance(turn.memory, Pace) or turn.memory.ahead[0] != known[id(turn.prices)]:
        return None
    return turn.memory.ahead[1]


def _remembered(turn: PriceMove, known: tuple[float, ...]) -> Hashable:
    """What a seller remembers with this turn. known : all prices"""
    return turn.memory.after(known) if isinstance(turn.memory, Pace) else turn.memory


def _stands(turn: PriceMove, known: tuple[float, ...]) -> bool:
    """Whether its price is a best reply already, since nobody else has moved."""
    return isinstance(turn.memory, Pace) and turn.memory.stands(known, turn.seller)


def _answer(turn: PriceMove, memory: Hashable, target_price: float, known: tuple[float, ...]) -> Repricing:
    """`target_price` is a price under best response and a step in price (CNY/MWh) under a local rule.

    memory : with this turn · known : all prices
    """
    if isinstance(memory, Pace):
        return Repricing(askable(turn.game, turn.seller, target_price), memory, False)
    assert isinstance(turn.memory, Swing)
    own = float(turn.prices[turn.seller])
    swing = step(turn.memory, target_price, known, turn.seller)
    # Rounding up a shorter step would keep swings alive.
    moves = target_price and abs(swing.last) >= price_step(turn.game)
    price = askable(turn.game, turn.seller, own + swing.last) if moves else own
    return Repricing(price, swing, price != own)
