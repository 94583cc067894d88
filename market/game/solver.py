"""Solves whole games in one process: sellers re-price in rounds until nobody moves (MODEL section 4).

It is the oracle with which a distributed run has to agree. Whether a rest is an equilibrium is for the certificate
to say.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import numpy as np

from market.game.buyers import Chooser, answer_day
from market.game.clearing.clearing_price import clearing_price, opening_prices
from market.game.dithering import ending_of_cycle
from market.game.period import PeriodGame
from market.game.pricing import PriceMove, Pricer, Repricing, RulePricer
from market.game.result import PeriodResult, Verdict
from market.game.verdict import (
    AT_REST,
    CERTIFICATE_TOLERANCE,
    Ending,
    budget_spent,
    certified,
    conclude,
    ended,
)
from market.model.arrays import Array, frozen
from market.model.rules import MarketRules

__all__ = [
    "CERTIFICATE_TOLERANCE",
    "Negotiation",
    "Order",
    "answered",
    "answers",
    "certified",
    "conclude",
    "concluded",
    "end_cycle",
    "negotiate",
    "prices_from_cap",
    "solve_day",
    "solve_period",
]

NO_SELLER: Final[Mapping[str, Pricer]] = MappingProxyType({})
NO_BUYER: Final[Mapping[str, Chooser]] = MappingProxyType({})


class Order(StrEnum):
    """Who re-prices when: all at once at the same prices, or one after the other at the newest."""

    SIMULTANEOUS = "simultaneous"
    SEQUENTIAL = "sequential"


@dataclass(frozen=True, slots=True)
class Negotiation:
    """How the sellers of one period came to their last prices.

    path : the price vectors (n,) after each round, the start first · rounds : most offers of any one seller
    cycle : the price vectors that come back for ever, empty unless CYCLING
    """

    ending: Ending
    path: tuple[Array, ...]
    rounds: int
    cycle: tuple[Array, ...] = ()

    @property
    def ended(self) -> Verdict:
        """EQUILIBRIUM where nobody moves any more (certified later), CYCLING, BUDGET_SPENT, NO_TRADE."""
        return self.ending.verdict

    @property
    def prices(self) -> Array:
        """The last prices, shape (n,), CNY/MWh."""
        return self.path[-1]


@dataclass(slots=True)
class _OpenPeriod:
    """One period while it is negotiated. `seen` says after which round a state was met, to find it again."""

    game: PeriodGame
    path: list[Array]
    pricers: tuple[Pricer, ...]
    memories: list[Hashable]
    offers: list[int]
    again: list[bool]
    seen: dict[tuple[tuple[float, ...], tuple[Hashable, ...]], int] = field(default_factory=dict)
    done: Negotiation | None = None


def solve_day(games: Sequence[PeriodGame], rules: MarketRules) -> tuple[PeriodResult, ...]:
    """Every period from p_clr to its certified end, in the order of `games`."""
    return concluded(games, negotiate(games, rules), rules)


def solve_period(game: PeriodGame, rules: MarketRules) -> PeriodResult:
    """One period from p_clr to its certified end; prices in CNY/MWh, shape (n,), powers in MW, shape (m, n)."""
    return solve_day([game], rules)[0]


def prices_from_cap(
    results: Sequence[PeriodResult], rules: MarketRules, pricers: Mapping[str, Pricer] = NO_SELLER
) -> tuple[Array | None, ...]:
    """The prices that each period comes to from the cap, shape (n,), CNY/MWh (M4).

    Those of `results` again speak for one equilibrium only; None where one of the two does not rest.
    pricers : as in `negotiate`
    """
    games = [result.game for result in results]
    starts = [np.full(len(game.sellers), game.cap_cny_per_mwh) for game in games]
    from_cap = negotiate(games, rules, starts, pricers=pricers)
    return tuple(
        high.prices if result.verdict.rests and high.ended is Verdict.EQUILIBRIUM else None
        for result, high in zip(results, from_cap, strict=True)
    )


def negotiate(
    games: Sequence[PeriodGame],
    rules: MarketRules,
    starts: Sequence[Array] | None = None,
    order: Order = Order.SIMULTANEOUS,
    pricers: Mapping[str, Pricer] = NO_SELLER,
) -> tuple[Negotiation, ...]:
    """Rounds of re-pricing (26) in every period until nobody moves, a state comes back, or the budget is spent.

    starts : the first prices of each period, shape (n,) on the grid; p_clr in every one where not given
    pricers : what prices a seller, by its name; the market's rule where nothing else is said
    """
    first = starts or [_opening(game) for game in games]
    rule = RulePricer(rules)
    periods = [_opened(game, start, pricers, rule) for game, start in zip(games, first, strict=True)]
    while open_periods := [period for period in periods if period.done is None]:
        _round(open_periods, order)
        for period in open_periods:
            period.done = _ending(period, rules, order)
    return tuple(period.done for period in periods if period.done is not None)


def _opening(game: PeriodGame) -> Array:
    if not game.tradable:
        return np.full(len(game.sellers), game.floor_cny_per_mwh)
    return opening_prices(game, clearing_price(game))


def _opened(game: PeriodGame, start: Array, pricers: Mapping[str, Pricer], rule: Pricer) -> _OpenPeriod:
    own = tuple(pricers.get(seller, rule) for seller in game.sellers)
    period = _OpenPeriod(game, [frozen(start)], own, [pricer.fresh() for pricer in own], *_none_yet(own))
    if not game.tradable:
        period.done = Negotiation(Ending(Verdict.NO_TRADE), tuple(period.path), 0)
    return period


def _none_yet(pricers: Sequence[Pricer]) -> tuple[list[int], list[bool]]:
    """Everybody has made its first offer, and nobody has asked for another turn."""
    return [1] * len(pricers), [False] * len(pricers)


def _round(periods: Sequence[_OpenPeriod], order: Order) -> None:
    """Every seller of every period prices once."""
    for period in periods:
        period.path.append(period.path[-1])
    if order is Order.SIMULTANEOUS:
        _take_turns([(period, j) for period in periods for j in range(len(period.offers))])
        return
    for j in range(max(len(period.offers) for period in periods)):
        _take_turns([(period, j) for period in periods if j < len(period.offers)])


def _take_turns(turns: Iterable[tuple[_OpenPeriod, int]]) -> None:
    """These sellers price at the newest prices, without seeing each other's."""
    asked = dict[Pricer, list[tuple[_OpenPeriod, int, PriceMove]]]()
    for period, j in turns:
        move = PriceMove(period.game, j, period.path[-1], period.memories[j])
        asked.setdefault(period.pricers[j], []).append((period, j, move))
    for pricer, due in asked.items():
        for (period, j, turn), reply in zip(due, pricer.price_all([turn for _, _, turn in due]), strict=True):
            _take(period, j, turn, reply)


def _take(period: _OpenPeriod, j: int, turn: PriceMove, reply: Repricing) -> None:
    """What a seller answers to its turn."""
    period.memories[j] = reply.memory
    period.again[j] = reply.again
    if reply.price != turn.prices[j]:
        period.offers[j] += 1
        newest = np.array(period.path[-1])
        newest[j] = reply.price
        period.path[-1] = frozen(newest)


def _ending(period: _OpenPeriod, rules: MarketRules, order: Order) -> Negotiation | None:
    """How the period's negotiation ends with this round, or None if it goes on."""
    newest, rounds = period.path[-1], max(period.offers)
    if (newest == period.path[-2]).all() and not any(period.again):
        return Negotiation(AT_REST, tuple(period.path[:-1]), rounds)
    state = (tuple(newest.tolist()), tuple(period.memories))
    before = period.seen.setdefault(state, len(period.path))
    if before < len(period.path) and not rules.learning_turns:
        cycle = tuple(period.path[before:])
        ending = end_cycle(period.game, cycle, rules, "rounds", order)
        if ending.settled is not None:
            return Negotiation(ending, (*period.path, ending.settled), rounds)
        return Negotiation(ending, tuple(period.path), rounds, cycle)
    if rounds >= rules.offer_budget:
        return Negotiation(budget_spent(rounds), tuple(period.path), rounds)
    return None


def end_cycle(
    game: PeriodGame,
    cycle: Sequence[Array],
    rules: MarketRules,
    unit: str,
    order: Order = Order.SIMULTANEOUS,
) -> Ending:
    """What a cycle of price vectors amounts to, whoever moved first. unit : what passes from one to the next."""
    return ending_of_cycle(game, cycle, rules, unit, lambda: _settled_in_turn(game, rules, order))


def _settled_in_turn(game: PeriodGame, rules: MarketRules, order: Order) -> Array | None:
    """Where the game rests, played from p_clr one seller after the other; None if that is just being done."""
    if order is Order.SEQUENTIAL:
        return None
    (end,) = negotiate([game], rules, order=Order.SEQUENTIAL)
    return end.prices if end.ended is Verdict.EQUILIBRIUM else None


def concluded(
    games: Sequence[PeriodGame],
    negotiations: Sequence[Negotiation],
    rules: MarketRules,
    choosers: Mapping[str, Chooser] = NO_BUYER,
) -> tuple[PeriodResult, ...]:
    """Buyers answer the last prices, and every period is certified.

    choosers : what answers for a buyer, by its name; the evolutionary game where nothing else is said
    """
    return tuple(certified(result) for result in answered(games, negotiations, rules, choosers))


def answered(
    games: Sequence[PeriodGame],
    negotiations: Sequence[Negotiation],
    rules: MarketRules,
    choosers: Mapping[str, Chooser] = NO_BUYER,
) -> tuple[PeriodResult, ...]:
    """The same before any is certified: the trade is that, whatever the verdict will be."""
    chosen = answers(games, [end.prices for end in negotiations], rules, choosers)
    return tuple(
        ended(game, end.prices, probability, requested, end.rounds, end.ending)
        for game, end, (probability, requested) in zip(games, negotiations, chosen, strict=True)
    )


def answers(
    games: Sequence[PeriodGame],
    prices: Sequence[Array],
    rules: MarketRules,
    choosers: Mapping[str, Chooser] = NO_BUYER,
) -> list[tuple[Array, Array]]:
    """What all buyers of each game choose, and request, at its prices (n,): arrays (m, n), zero without trade."""
    found = [
        (np.zeros((len(game.buyers), len(game.sellers))), np.zeros((len(game.buyers), len(game.sellers))))
        for game in games
    ]
    for buyer in dict.fromkeys(name for game in games if game.tradable for name in game.buyers):
        mine = [t for t, game in enumerate(games) if game.tradable and buyer in game.buyers]
        choose = choosers.get(buyer, answer_day)
        chosen = choose(buyer, [games[t] for t in mine], [prices[t] for t in mine], rules)
        for t, answer in zip(mine, chosen, strict=True):
            i = games[t].buyers.index(buyer)
            found[t][0][i], found[t][1][i] = answer.probability, answer.requested_mw
    return found
