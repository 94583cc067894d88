"""A seller's next price, (26), by the market's rule.

`reprice_all` answers many turns at once, which costs little more than one.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from market.game.clearing.residual_demand import rationed_demand
from market.game.period import PeriodGame
from market.game.price_grid import on_price_grid, price_step
from market.game.pricing.best_response import best_prices, utility
from market.game.pricing.local_rules import Swing, excess_demand, profit_gradient, step
from market.game.pricing.pace import Pace
from market.game.pricing.residual_demand import ResidualDemand, game_batch, power, residual_demand
from market.game.pricing.tick import best_tick, better_tick, tick_utility
from market.model.arrays import Array
from market.model.rules import MarketRules, PriceRule

_BALANCED = 1e-6  # of the demand
_PAIRS_AT_ONCE = 1 << 18  # of a buyer and a seller, in games that are worked on side by side: bounds memory


def fresh_memory(rules: MarketRules) -> Swing | Pace:
    """What a seller remembers by the market's rule before its first turn."""
    return Pace() if rules.price_rule is PriceRule.BEST_RESPONSE else Swing.fresh()


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


def best_response(game: PeriodGame, seller: int, prices: Array) -> float:
    """The price that maximises (22) against `prices` (n,) of the others, (26); of equals the lowest.

    For τ > 0 not rounded, good to about 1e-12 relative; for τ = 0 on the tick grid. CNY/MWh.
    """
    if game.temperature_cny_per_mwh == 0:
        return best_tick(game, seller, prices)
    return float(best_prices(_residual_demand([PriceMove(game, seller, prices, Pace())]))[0])


def seller_profit(game: PeriodGame, seller: int, prices: Array, own: Array) -> Array:
    """(p − r) min(S, Q) of (22) at the prices `own`, the others at `prices` (n,); of the shape of `own`, CNY/h."""
    flat = np.asarray(own, dtype=np.float64).ravel()
    if game.temperature_cny_per_mwh == 0:
        worth = tick_utility(game, seller, prices, flat)
    else:
        faced = _residual_demand([PriceMove(game, seller, prices, Pace())])
        worth = utility(faced, flat[None, :], power(faced, flat[None, :]))[0]
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
    leaps = {place: leap for place in due if (leap := _leap(turns[place], memories[place]))}
    asked = [*(turns[place] for place in due), *leaps.values()]  # side by side, since each batch has its price
    targets = _all_targets(rules, asked)
    for place, target in zip(due, targets[: len(due)], strict=True):
        answers[place] = _answer(turns[place], memories[place], target, known[id(turns[place].prices)])
    for (place, there), best in zip(leaps.items(), targets[len(due) :], strict=True):
        answers[place] = _longer(turns[place], answers[place], there, best)
    return tuple(answers)


def _all_targets(rules: MarketRules, turns: Sequence[PriceMove]) -> list[float]:
    smooth = [turn for turn in turns if _is_smooth(turn)]
    targets = iter(_targets(rules, smooth).tolist() if smooth else ())
    return [next(targets) if _is_smooth(turn) else _tick_target(rules, turn) for turn in turns]


def _remembered(turn: PriceMove, known: tuple[float, ...]) -> Hashable:
    """What a seller remembers with this turn. known : all prices"""
    return turn.memory.after(known) if isinstance(turn.memory, Pace) else turn.memory


def _leap(turn: PriceMove, pace: Hashable) -> PriceMove | None:
    """Where a seller whose prices creep would leap to, with everybody else."""
    if not isinstance(pace, Pace) or not pace.creeps(turn.seller):
        return None
    if not _is_smooth(turn) or _is_balanced(turn.game):
        return None
    leap = pace.leap(turn.seller, turn.game.temperature_cny_per_mwh)
    return None if leap is None else PriceMove(turn.game, turn.seller, *leap)


def _longer(turn: PriceMove, reply: Repricing, there: PriceMove, best: float) -> Repricing:
    """The leap, where it is longer than the reply and prices would go on from its end: it answers again then.

    best : its best reply at the end of the leap
    """
    now = float(turn.prices[turn.seller])
    price = on_price_grid(float(there.prices[there.seller]), there.game, _least(there))
    goes_on = (price - now) * (best - price) > 0.0 and abs(price - now) > abs(reply.price - now)
    return Repricing(price, there.memory, True) if goes_on else reply


def _is_balanced(game: PeriodGame) -> bool:
    """Whether surplus and demand are so near each other that there may be many equilibria."""
    demand = float(game.deficit_mw.sum())
    return abs(float(game.surplus_mw.sum()) - demand) <= _BALANCED * demand


def _is_smooth(turn: PriceMove) -> bool:
    return turn.game.temperature_cny_per_mwh > 0


def _stands(turn: PriceMove, known: tuple[float, ...]) -> bool:
    """Whether its price is a best reply already, since nobody else has moved."""
    return isinstance(turn.memory, Pace) and turn.memory.stands(known, turn.seller)


def _answer(turn: PriceMove, memory: Hashable, target_price: float, known: tuple[float, ...]) -> Repricing:
    """`target_price` is a price under best response and a step in price (CNY/MWh) under a local rule.

    memory : with this turn · known : all prices
    """
    if isinstance(memory, Pace):
        return Repricing(on_price_grid(target_price, turn.game, _least(turn)), memory, False)
    assert isinstance(turn.memory, Swing)
    own = float(turn.prices[turn.seller])
    swing = step(turn.memory, target_price, known, turn.seller)
    # Rounding up a shorter step would keep swings alive.
    moves = target_price and abs(swing.last) >= price_step(turn.game)
    price = on_price_grid(own + swing.last, turn.game, _least(turn)) if moves else own
    return Repricing(price, swing, price != own)


def _least(turn: PriceMove) -> float:
    """The least price that the seller may ask."""
    return max(turn.game.floor_cny_per_mwh, float(turn.game.reserve_cny_per_mwh[turn.seller]))


def _targets(rules: MarketRules, turns: Sequence[PriceMove]) -> Array:
    return np.concatenate([_targets_side_by_side(rules, part) for part in _parts(turns)])


def _parts(turns: Sequence[PriceMove]) -> Iterator[list[PriceMove]]:
    """The turns in their order, cut between games, so that what is worked on at once stays small."""
    part, size = list[PriceMove](), 0
    for turn in turns:
        if not part or part[-1].game is not turn.game:
            pairs = len(turn.game.buyers) * len(turn.game.sellers)
            if part and size + pairs > _PAIRS_AT_ONCE:
                yield part
                part, size = [], 0
            size += pairs
        part.append(turn)
    if part:
        yield part


def _targets_side_by_side(rules: MarketRules, turns: Sequence[PriceMove]) -> Array:
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
    seen = [(id(turn.game), turn.prices.tobytes()) for turn in turns]
    views = dict(zip(seen, turns, strict=True))
    place = {key: row for row, key in enumerate(views)}
    games = game_batch([turn.game for turn in views.values()])
    prices = np.zeros(games.surplus.shape)
    for row, turn in enumerate(views.values()):
        prices[row, : len(turn.prices)] = turn.prices
    at = [(place[key], turn.seller) for key, turn in zip(seen, turns, strict=True)]
    return residual_demand(games, prices, np.array(at, dtype=np.intp))
