"""Where sellers' rules of price point, (26): many turns at once, which costs little more than one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from market.game.clearing.residual_demand import rationed_demand
from market.game.pricing.best_response import best_prices
from market.game.pricing.local_rules import excess_demand, profit_gradient
from market.game.pricing.price_move import PriceMove, is_smooth
from market.game.pricing.residual_demand import ResidualDemand, game_batch, residual_demand
from market.game.pricing.tick import best_tick, better_tick
from market.model.arrays import Array
from market.model.rules import MarketRules, PriceRule

_PAIRS_AT_ONCE = 1 << 18  # of a buyer and a seller, in games that are worked on side by side: bounds memory
_FACED_AT_ONCE = 1 << 22  # buyers of all turns that are worked on side by side, of one huge game: likewise


def targets(rules: MarketRules, turns: Sequence[PriceMove]) -> list[float]:
    """Where each turn's rule points: the best price, or a local rule's step, CNY/MWh; not rounded."""
    smooth = [turn for turn in turns if is_smooth(turn)]
    smooth_ones = iter(_smooth_targets(rules, smooth).tolist() if smooth else ())
    return [next(smooth_ones) if is_smooth(turn) else _tick_target(rules, turn) for turn in turns]


def faced(turns: Sequence[PriceMove]) -> ResidualDemand:
    """What the sellers of all turns face; turns with the same game and prices, as objects, share the work."""
    seen = [(id(turn.game), id(turn.prices)) for turn in turns]
    views = dict(zip(seen, turns, strict=True))
    place = {key: row for row, key in enumerate(views)}
    games = game_batch([turn.game for turn in views.values()])
    prices = np.zeros(games.surplus.shape)
    for row, turn in enumerate(views.values()):
        prices[row, : len(turn.prices)] = turn.prices
    at = [(place[key], turn.seller) for key, turn in zip(seen, turns, strict=True)]
    return residual_demand(games, prices, np.array(at, dtype=np.intp))


def _smooth_targets(rules: MarketRules, turns: Sequence[PriceMove]) -> Array:
    return np.concatenate([_targets_side_by_side(rules, part) for part in _parts(turns)])


def _parts(turns: Sequence[PriceMove]) -> Iterator[list[PriceMove]]:
    """The turns in their order, cut between games, and in huge ones: what is worked on at once stays small."""
    part, pairs, faced_by_all = list[PriceMove](), 0, 0
    for turn in turns:
        buyers = len(turn.game.buyers)
        more = 0 if part and part[-1].game is turn.game else buyers * len(turn.game.sellers)
        too_many = (more and pairs + more > _PAIRS_AT_ONCE) or faced_by_all + buyers > _FACED_AT_ONCE
        if part and too_many:
            yield part
            part, pairs, faced_by_all = [], 0, 0
        pairs, faced_by_all = pairs + more, faced_by_all + buyers
        part.append(turn)
    if part:
        yield part


def _targets_side_by_side(rules: MarketRules, turns: Sequence[PriceMove]) -> Array:
    sellers = faced(turns)
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
