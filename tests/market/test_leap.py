"""Claims about where leaps lead: along a linear model of best replies, never beyond its rest."""

from __future__ import annotations

import numpy as np
import pytest

from market.game.price_grid import PRICE_STEP_CNY_PER_MWH
from market.game.pricing import best_response
from market.game.pricing.leap import Landing, landing
from market.game.pricing.price_move import PriceMove
from market.game.pricing.reply_slopes import reply_slopes
from market.game.pricing.targets import faced
from market.model.arrays import Array, frozen
from tests.market.instances import random_game, random_prices

HEAT = 50.0
SLOPES = np.array([[0.0, 0.99], [0.98, 0.0]])
"""Replies that creep: of the way that is left, a round goes a seventieth."""
REST = np.array([500.0000000033, 500.0000000071])  # off the grid, where rounding would be a tie


def leap_from(off: Array, share_left: float = 0.05) -> Landing | None:
    """From prices so far from the rest, by the model itself."""
    replies = REST + SLOPES @ off
    return landing(frozen(REST + off), (0, 1), replies, SLOPES, HEAT, share_left)


@pytest.mark.parametrize("off", [(-1.0, -1.0), (-3.0, -0.2), (-0.2, -3.0), (1.0, 1.0), (0.2, 3.0)])
def test_a_leap_stays_on_its_side_of_the_rest_and_replies_go_on(off: tuple[float, float]) -> None:
    """Also out of a swing, where one seller's next reply alone would turn back."""
    leap = leap_from(np.array(off))
    assert leap is not None
    left = leap.prices - REST
    assert (np.sign(left) == np.sign(off)).all()
    assert np.abs(left).max() <= 0.06 * np.abs(off).max()
    assert leap.holds((0, 1), (REST + SLOPES @ left).tolist())


def test_what_a_leap_leaves_is_asked_for() -> None:
    for share in (0.5, 0.05, 0.001):
        leap = leap_from(np.array([-1.0, -1.0]), share)
        assert leap is not None
        assert np.abs(leap.prices - REST).max() == pytest.approx(share, rel=1e-4)


def test_near_its_rest_a_leap_ends_where_rounded_replies_would() -> None:
    """They stop short of it by half a step over what a round leaves."""
    prices = np.round(REST - 3e-6, 8)
    leap = leap_from(prices - REST)
    while True:
        following = np.rint((REST + SLOPES @ (prices - REST)) / PRICE_STEP_CNY_PER_MWH) * PRICE_STEP_CNY_PER_MWH
        if np.abs(following - prices).max() < PRICE_STEP_CNY_PER_MWH / 2:
            break
        prices = following
    assert leap is not None
    assert leap.at_rest
    assert (prices < REST).all()
    np.testing.assert_allclose(leap.prices, prices, rtol=0, atol=PRICE_STEP_CNY_PER_MWH / 2)


@pytest.mark.parametrize("off", [(-1.0, 1.0), (0.0, 0.0)])
def test_where_prices_do_not_go_the_same_way_nobody_leaps(off: tuple[float, float]) -> None:
    assert leap_from(np.array(off)) is None


def test_where_replies_grow_nobody_leaps() -> None:
    prices, slopes = frozen([500.0, 500.0]), 1.2 * (1.0 - np.eye(2))
    assert landing(prices, (0, 1), np.array([501.0, 501.0]), slopes, HEAT, 0.05) is None
    singular = 1.0 - np.eye(2)
    assert landing(prices, (0, 1), np.array([501.0, 501.0]), singular, HEAT, 0.05) is None


def test_a_leap_is_taken_only_if_all_go_further() -> None:
    leap = leap_from(np.array([-1.0, -1.0]))
    assert leap is not None
    there = leap.prices.tolist()
    assert not leap.holds((0, 1), [there[0] + 1.0, there[1]])
    assert not leap.holds((0, 1), [there[0] + 1.0, there[1] - 1.0])


def test_slopes_of_replies_are_those_of_best_responses() -> None:
    """Measured by moving the rival's price both ways and maximising anew."""
    step, checked = 1e-4, 0
    for seed in range(40):
        game = random_game(seed, sellers=2 + seed % 3)
        prices = random_prices(game, seed)
        here = best_response(game, 0, prices)
        if not game.floor_cny_per_mwh < here < game.cap_cny_per_mwh:
            continue
        sides = [np.array(prices) for _ in range(2)]
        sides[0][1] += step
        sides[1][1] -= step
        above, below = (best_response(game, 0, side) for side in sides)
        if abs(above + below - 2.0 * here) > 1e-3 * step:
            continue  # a kink, or another peak
        small = np.array(prices)
        small[1] += 1e-6
        rows = [faced([PriceMove(game, 0, at, None)]) for at in (prices, small)]
        slope = reply_slopes(rows[0], rows[1], np.array([here]), np.array([1e-6]))
        assert slope[0] == pytest.approx((above - below) / (2.0 * step), abs=1e-4)
        checked += slope[0] != 0.0
    assert checked > 5
