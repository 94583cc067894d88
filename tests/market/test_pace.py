"""Claims about leaps: where prices creep they save rounds, and where prices rest they change nothing."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import pytest

from market.game.dithering import LARGEST_AMPLITUDE_CNY_PER_MWH
from market.game.period import PeriodGame
from market.game.pricing import fresh_memory, reprice
from market.game.pricing.pace import Pace
from market.game.result import Verdict
from market.game.solver import Negotiation, Order, negotiate
from tests.market.instances import make_rules, random_game

RULES = make_rules()
SLOW = random_game(56, sellers=2, ratio=1.01)
"""Its best replies approach their rest by 4 % in a round."""


def near_balance(ratio: float) -> list[PeriodGame]:
    return [random_game(seed, sellers=2 + seed % 5, ratio=ratio, period=seed) for seed in range(60)]


def plain(games: list[PeriodGame], order: Order = Order.SIMULTANEOUS) -> tuple[Negotiation, ...]:
    """By best replies alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("market.game.pricing.pricer.fresh_memory", lambda rules: Pace(leaps=0))
        return negotiate(games, RULES, order=order)


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("ratio", [0.9999, 1.0005, 1.01])
def test_prices_rest_where_they_would_without_leaps(ratio: float, order: Order) -> None:
    games = near_balance(ratio)
    for leapt, crept in zip(negotiate(games, RULES, order=order), plain(games, order), strict=True):
        assert leapt.ended is crept.ended is Verdict.EQUILIBRIUM
        np.testing.assert_allclose(leapt.prices, crept.prices, rtol=0, atol=2e-8)


def test_prices_that_creep_rest_after_far_fewer_rounds() -> None:
    (leapt,), (crept,) = negotiate([SLOW], RULES), plain([SLOW])
    assert len(leapt.path) < len(crept.path) / 10
    assert len(crept.path) > 400


@pytest.mark.parametrize("order", Order)
def test_where_surplus_and_demand_are_equal_leaps_end_at_the_same_one_of_many_equilibria(order: Order) -> None:
    """Within the stretch in which no profit rises by a last digit."""
    games = near_balance(1.0)
    leapt, crept = negotiate(games, RULES, order=order), plain(games, order)
    for ours, alone in zip(leapt, crept, strict=True):
        assert ours.ended is alone.ended is Verdict.EQUILIBRIUM
        np.testing.assert_allclose(ours.prices, alone.prices, rtol=0, atol=LARGEST_AMPLITUDE_CNY_PER_MWH)
    assert 2 * sum(len(end.path) for end in leapt) < sum(len(end.path) for end in crept)


def test_who_has_leapt_answers_again_though_nobody_else_moves() -> None:
    """Its next price is a best reply again, so that no price rests where a leap has put it."""
    memory: Hashable = fresh_memory(RULES)
    prices = np.full(2, SLOW.floor_cny_per_mwh)
    for _ in range(200):
        replies = [reprice(RULES, SLOW, j, prices, memory) for j in range(2)]
        memory = replies[0].memory
        prices = np.array([reply.price for reply in replies])
        if replies[0].again:
            break
    assert replies[0].again
    assert isinstance(replies[0].memory, Pace)
    assert replies[0].memory.leaps == 39
    assert not replies[0].memory.stands((*prices.tolist(),), 0)
    assert reprice(RULES, SLOW, 0, prices, replies[0].memory).price > prices[0]
