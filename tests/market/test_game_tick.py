"""Claims about τ = 0, the literal paper: prices on a tick, pure choice, and what then is an equilibrium."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.arrays import Array
from market.game.certificate import certify
from market.game.clearing import clearing_price
from market.game.equilibrium import Order, negotiate, solve_period
from market.game.exchange import delivered_power
from market.game.lattice import on_lattice, tick_grid
from market.game.period import PeriodGame
from market.game.pricing import Memory, best_response, reprice
from market.game.satisfaction import wanted_power
from market.game.selection import rest_point
from market.outcome import Verdict
from market.rules import PriceRule
from tests.market.instances import make_game, make_rules, random_game, same_price

LAW = settings(derandomize=True, deadline=None, max_examples=40)
RULES = make_rules(temperature=0.0)


def coarse_game(seed: int, sellers: int) -> PeriodGame:
    """A random game with τ = 0 on a grid of at most a dozen prices."""
    rng = np.random.default_rng(seed)
    buyers = int(rng.integers(1, 4))
    deficit = rng.uniform(0.5, 4.0, buyers)
    surplus = rng.uniform(0.2, 4.0, sellers)
    return make_game(
        surplus.tolist(),
        deficit.tolist(),
        satisfaction=(rng.uniform(200.0, 700.0, buyers) * (deficit + 1.0)).tolist(),
        base_power=1.0,
        floor=300.0,
        feed_in=float(rng.choice([300.0, 280.0, 100.0])),
        cap=float(rng.uniform(420.0, 620.0)),
        tick=float(rng.choice([30.0, 50.0])),
        temperature=0.0,
    )


def utilities(game: PeriodGame, prices: Array) -> Array:
    """(p − f) Σ_i q of every seller, from (M2)'s limit, (20) and (21) as they stand."""
    asked = rest_point(game, prices) * wanted_power(game, prices)
    worth: Array = (prices - game.feed_in_cny_per_mwh) * delivered_power(game, asked).sum(axis=0)
    return worth


def is_equilibrium(game: PeriodGame, prices: Array) -> bool:
    """Nobody gains by any other price of the grid, tried one by one."""
    held = utilities(game, prices)
    for seller, price in product(range(len(prices)), tick_grid(game)):
        moved = prices.copy()
        moved[seller] = price
        if utilities(game, moved)[seller] > held[seller] * (1 + 1e-12) + 1e-9:
            return False
    return True


def test_the_grid_starts_at_the_floor_and_ends_at_the_cap() -> None:
    game = make_game([1.0], [1.0], satisfaction=[900.0], temperature=0.0, floor=300.0, cap=302.5)
    assert tick_grid(game).tolist() == [300.0, 301.0, 302.0, 302.5]
    assert [on_lattice(p, game) for p in (0.0, 300.6, 302.2, 302.4, 999.0)] == [300.0, 301.0, 302.0, 302.5, 302.5]


@LAW
@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_the_best_reply_is_the_best_of_the_grid_and_never_above_the_cheapest_rival(
    seed: int, sellers: int
) -> None:
    game = coarse_game(seed, sellers)
    grid = tick_grid(game)
    prices = np.random.default_rng(seed).choice(grid, sellers)
    for seller in range(sellers):
        best = best_response(game, seller, prices)
        values = []
        for price in grid:
            moved = prices.copy()
            moved[seller] = price
            values.append(utilities(game, moved)[seller])
        assert values[int(np.flatnonzero(grid == best)[0])] >= max(values) - 1e-9
        if sellers > 1:
            assert best <= np.delete(prices, seller).min()


@LAW
@given(st.integers(0, 2**32 - 1), st.integers(2, 4))
def test_everybody_at_the_floor_is_an_equilibrium_even_in_glut(seed: int, sellers: int) -> None:
    # Upwards nothing is sold, for what a rationed buyer does not get comes from the grid and does not pass on to
    # the next seller; downwards there is nothing. So a pure equilibrium exists, Bertrand-Edgeworth or not.
    game = coarse_game(seed, sellers)
    assert is_equilibrium(game, same_price(game, game.floor_cny_per_mwh))


@LAW
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.sampled_from(list(Order)))
def test_from_the_clearing_price_the_rest_is_an_equilibrium(seed: int, sellers: int, order: Order) -> None:
    game = coarse_game(seed, sellers)
    end = negotiate([game], RULES, order=order)[0]
    assert end.ended is Verdict.EQUILIBRIUM
    assert is_equilibrium(game, end.prices)
    result = solve_period(game, RULES)
    assert result.verdict is Verdict.EQUILIBRIUM
    assert result.certificate is not None
    assert result.certificate.seller_regret_bound_cny.max() <= 1e-9


@LAW
@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_replies_one_after_the_other_come_to_rest_from_anywhere(seed: int, sellers: int) -> None:
    game = coarse_game(seed, sellers)
    start = np.random.default_rng(seed).choice(tick_grid(game), sellers)
    end = negotiate([game], RULES, [start], Order.SEQUENTIAL)[0]
    assert end.ended is Verdict.EQUILIBRIUM
    assert is_equilibrium(game, end.prices)


@LAW
@given(st.integers(0, 2**32 - 1), st.integers(2, 3))
def test_the_certificate_agrees_with_trying_everything(seed: int, sellers: int) -> None:
    game = coarse_game(seed, sellers)
    prices = np.random.default_rng(seed).choice(tick_grid(game), sellers)
    answer = rest_point(game, prices)
    certificate = certify(game, prices, answer, answer * wanted_power(game, prices))
    assert (certificate.seller_regret_cny.max() <= 1e-9) == is_equilibrium(game, prices)
    assert certificate.clearing_price_cny_per_mwh == clearing_price(game)
    np.testing.assert_array_equal(certificate.seller_regret_cny, certificate.seller_regret_bound_cny)
    np.testing.assert_allclose(certificate.buyer_distance, 0.0, atol=1e-15)


def test_monopoly_on_the_grid() -> None:
    # The interior monopoly of the known answers has its peak at 800; on a grid of 70 from 400 the neighbours are
    # 750 and 820: 350(1600/750 − 1) = 396.67, 420(1600/820 − 1) = 399.51.
    game = make_game([9.0], [3.0], satisfaction=[1600.0], base_power=1.0, floor=400.0, temperature=0.0, tick=70.0)
    assert best_response(game, 0, same_price(game, 400.0)) == 820.0


def scarce() -> PeriodGame:
    """Two sellers of 1 MW, one buyer that wants 4 MW at any price of the band: all sell out wherever they meet."""
    return make_game([1.0, 1.0], [4.0], satisfaction=[2000.0 * 4.001], temperature=0.0)


def test_replies_at_the_same_time_can_swap_for_ever_and_that_is_called_cycling() -> None:
    # In scarcity each joins the other's price: both sell out there, above it nothing is sold, below it for less.
    game = scarce()
    start = np.array([500.0, 700.0])
    end = negotiate([game], RULES, [start])[0]
    assert end.ended is Verdict.CYCLING
    assert [prices.tolist() for prices in end.cycle] == [[500.0, 700.0], [700.0, 500.0]]
    assert end.evidence == "prices of S1, S2 repeat after 2 rounds: (500, 700) → (700, 500)"
    in_turn = negotiate([game], RULES, [start], Order.SEQUENTIAL)[0]
    assert in_turn.ended is Verdict.EQUILIBRIUM
    assert solve_period(game, RULES).verdict is Verdict.EQUILIBRIUM  # from p_clr they never part


def test_scarcity_clears_at_the_cap_and_glut_at_the_floor() -> None:
    assert solve_period(scarce(), RULES).price_cny_per_mwh.tolist() == [1200.0, 1200.0]
    glut = make_game([9.0, 5.0], [4.0], satisfaction=[2000.0 * 4.001], temperature=0.0)
    result = solve_period(glut, RULES)
    assert result.price_cny_per_mwh.tolist() == [300.0, 300.0]
    np.testing.assert_allclose(result.probability, [[9 / 14, 5 / 14]])


@pytest.mark.parametrize("rule", [PriceRule.GRADIENT, PriceRule.TATONNEMENT])
def test_local_rules_come_to_rest_on_the_tick_too(rule: PriceRule) -> None:
    rules = make_rules(rule, temperature=0.0)
    for seed in range(30):
        game = random_game(seed, temperature=0.0)
        result = solve_period(game, rules)
        assert result.verdict in (Verdict.EQUILIBRIUM, Verdict.UNCERTIFIED)
        assert all(price == on_lattice(price, game) for price in result.price_cny_per_mwh.tolist())


def test_a_local_step_on_the_tick_goes_to_the_better_neighbour() -> None:
    game = make_game([9.0], [3.0], satisfaction=[1600.0], base_power=1.0, floor=400.0, temperature=0.0)
    rules = make_rules(PriceRule.GRADIENT, temperature=0.0)
    for own, wanted in ((700.0, 701.0), (900.0, 899.0), (800.0, 800.0)):
        step = reprice(rules, game, 0, np.array([own]), Memory.fresh())
        assert (step.price, step.again) == (wanted, wanted != own)
