"""A buyer's answer to the offers of several periods: its evolved selection and its requests.

The answer is a function of the offers and of public data alone (its own; where τ = 0 all buyers'): every evolution
starts from y = 1/n, whatever was answered before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from market.errors import ModelError
from market.game.clearing.rationing import requested_power
from market.game.clearing.residual_demand import pure_choice
from market.game.demand_curve import DemandCurve
from market.game.period import PeriodGame
from market.game.price_grid import on_probability_grid
from market.game.replicator import RestPoint, iterate_replicator, log_weights
from market.model.arrays import Array
from market.model.rules import MarketRules


@dataclass(frozen=True, slots=True)
class BuyersReply:
    """One buyer's answer in one period: probabilities on their grid and requests (21) in MW, shape (n,).

    period : index from 0 · steps : replicator steps (25) that it took
    """

    period: int
    probability: Array
    requested_mw: Array
    steps: int


Chooser: TypeAlias = Callable[[str, Sequence[PeriodGame], Sequence[Array], MarketRules], Sequence[BuyersReply]]
"""What answers offers for a buyer: `answer_day`, or whatever else its owner has chosen."""


def answer_day(
    buyer: str, games: Sequence[PeriodGame], prices: Sequence[Array], rules: MarketRules
) -> tuple[BuyersReply, ...]:
    """The buyer's selections (17)–(21), (25) in several periods at once, one `BuyersReply` a game, in their order.

    No answer depends on which other games are asked about, not even in its last digit.

    prices : one array of shape (n,) a game, CNY/MWh. τ = 0 in all of the games or in none.
    Raises: ModelError if the buyer does not buy in one of the games.
    """
    if not games:
        return ()
    place = [_place(buyer, game) for game in games]
    width = max(len(game.sellers) + (game.grid_option_mw > 0.0) for game in games)
    offers, surplus = np.zeros((len(games), width)), np.zeros((len(games), width))
    for row, (game, offered) in enumerate(zip(games, prices, strict=True)):
        offers[row, : len(offered)] = offered
        surplus[row, : len(offered)] = game.surplus_mw
        if game.grid_option_mw > 0.0:  # one more that offers, behind the sellers
            offers[row, len(offered)], surplus[row, len(offered)] = game.retail_cny_per_mwh, game.grid_option_mw
    offered_at_all = surplus > 0
    demand_curve = _demand_curve(games, place)
    rest = _rest(games, demand_curve, offers, surplus, rules)
    probability = on_probability_grid(np.where(offered_at_all, rest.probability, 0.0))
    requested = requested_power(probability, demand_curve.demand(offers))
    return tuple(
        BuyersReply(game.period, probability[row, :n], requested[row, :n], int(rest.steps[row]))
        for row, (game, n) in enumerate(zip(games, [len(game.sellers) for game in games], strict=True))
    )


def _place(buyer: str, game: PeriodGame) -> int:
    if buyer not in game.buyers:
        raise ModelError(
            f"period {game.period + 1}: only buyers answer; got {buyer!r}, buyers are {list(game.buyers)}; "
            "leave out the periods in which it does not buy"
        )
    return game.buyers.index(buyer)


def _demand_curve(games: Sequence[PeriodGame], place: Sequence[int]) -> DemandCurve:
    """This buyer in each game, arrays of shape (games, 1)."""
    own = zip(games, place, strict=True)
    data = np.array([(g.satisfaction_cny_per_h[i], g.base_mw[i], g.deficit_mw[i]) for g, i in own])
    return DemandCurve.of(data[:, 0:1], data[:, 1:2], data[:, 2:3])


def _rest(
    games: Sequence[PeriodGame], demand_curve: DemandCurve, offers: Array, surplus: Array, rules: MarketRules
) -> RestPoint:
    """The rest of each row; sellers that a game does not have carry probability 0."""
    there = surplus > 0
    temperature = np.array([[game.temperature_cny_per_mwh] for game in games])
    if not temperature.all():
        chosen = np.zeros(offers.shape)
        for row, game in enumerate(games):
            chosen[row, there[row]] = pure_choice(game, offers[row, there[row]])
        return RestPoint(chosen, np.ones(len(games)), None)
    logarithm = np.full(surplus.shape, -np.inf)
    np.log(surplus, out=logarithm, where=there)
    start = np.where(there, -np.log(there.sum(axis=1, keepdims=True)), -np.inf)
    return iterate_replicator(
        start, log_weights(logarithm, demand_curve.utility_loss(offers), temperature), rules.revision_step
    )
