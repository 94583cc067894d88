"""Claims about τ = 0, Bertrand-Edgeworth competition: how demand runs down the sellers, what sellers reply, where
they rest and where they cycle."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.game.buyers import answer_day
from market.game.certificate.certify import certify
from market.game.clearing.clearing_price import clearing_price
from market.game.clearing.rationing import delivered_power
from market.game.demand_curve import demanded_power
from market.game.period import PeriodGame
from market.game.price_grid import on_price_grid, tick_grid
from market.game.pricing import best_response, fresh_memory, reprice
from market.game.replicator import rest_point
from market.game.result import Verdict
from market.game.solver import Order, negotiate, solve_period
from market.model.arrays import Array
from market.model.rules import PriceRule
from tests.market.instances import make_game, make_rules, random_game, random_prices, same_price
from tests.sampling import law

LAW = law(40)
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
    asked = rest_point(game, prices) * demanded_power(game, prices)
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
    rounded = [on_price_grid(p, game) for p in (0.0, 300.6, 302.2, 302.4, 999.0)]
    assert rounded == [300.0, 301.0, 302.0, 302.5, 302.5]


# ---- how demand runs down the sellers -------------------------------------------------------------------------


def elastic(surplus: list[float]) -> PeriodGame:
    """One buyer: S0 + P^s = 1, D = 4, k = 2400: it wants 4 MW up to 480, 3 at 600, 2 at 800, none from 2400 on."""
    return make_game(surplus, [4.0], satisfaction=[2400.0], base_power=1.0, temperature=0.0)


@pytest.mark.parametrize(
    ("surplus", "prices", "chosen", "delivered"),
    [
        # The cheapest can serve all: nothing runs on.
        ([5.0, 9.0], [400.0, 600.0], [1.0, 0.0], [4.0, 0.0]),
        # 1 of 4 MW is served at 400; 3/4 of the blocks go on and want 3/4 of 3 MW at 600, split 1 : 5.
        ([1.0, 1.0, 5.0], [400.0, 600.0, 600.0], [1 / 4, 1 / 8, 5 / 8], [1.0, 0.375, 1.875]),
        # At 600 1.5 of 3 MW, half of all blocks, are served; the last quarter wants 1/4 of 2 MW at 800.
        ([1.0, 1.5, 5.0], [400.0, 600.0, 800.0], [1 / 4, 1 / 2, 1 / 4], [1.0, 1.5, 0.5]),
        # The dearest is short as well: 3/4 of 3 MW are asked of it, and what it has not comes from the grid.
        ([1.0, 1.0], [400.0, 600.0], [1 / 4, 3 / 4], [1.0, 1.0]),
        # Whoever is listed first: the same.
        ([5.0, 1.0, 1.0], [600.0, 400.0, 600.0], [5 / 8, 1 / 4, 1 / 8], [1.875, 1.0, 0.375]),
        # Nobody wants anything at 2400: all blocks stay there and ask for nothing.
        ([1.0, 1.0], [2400.0, 2500.0], [1.0, 0.0], [0.0, 0.0]),
    ],
)
def test_what_the_cheapest_cannot_deliver_is_asked_of_the_next(
    surplus: list[float], prices: list[float], chosen: list[float], delivered: list[float]
) -> None:
    game = elastic(surplus)
    at = np.array(prices)
    answer = answer_day("B1", [game], [at], RULES)[0]
    np.testing.assert_allclose(rest_point(game, at)[0], chosen, rtol=1e-14)
    np.testing.assert_allclose(answer.probability, chosen, rtol=0, atol=1e-12)
    np.testing.assert_allclose(delivered_power(game, answer.requested_mw[None, :])[0], delivered, rtol=1e-11)


def tick_game(seed: int) -> tuple[PeriodGame, Array]:
    """A random game with τ = 0 on fine ticks and prices for it, some of them equal."""
    game = random_game(seed, temperature=0.0)
    few = np.random.default_rng(seed).choice(random_prices(game, seed), len(game.sellers))
    return game, np.array([on_price_grid(price, game) for price in few.tolist()])


@LAW
@given(st.integers(0, 2**32 - 1))
def test_choices_stay_on_the_simplex_and_deliveries_within_surplus_and_deficit(seed: int) -> None:
    game, prices = tick_game(seed)
    answers = [answer_day(buyer, [game], [prices], RULES)[0] for buyer in game.buyers]
    chosen = np.array([answer.probability for answer in answers])
    assert (chosen >= 0).all()
    np.testing.assert_allclose(chosen.sum(axis=1), 1.0, rtol=0, atol=1e-15)
    np.testing.assert_allclose(chosen, rest_point(game, prices), rtol=0, atol=1e-11)
    assert (chosen == chosen[0]).all()  # proportional rationing: all buyers are served alike
    delivered = delivered_power(game, np.array([answer.requested_mw for answer in answers]))
    assert (delivered.sum(axis=0) <= game.surplus_mw * (1 + 1e-12)).all()
    assert (delivered.sum(axis=1) <= game.deficit_mw * (1 + 1e-12)).all()


@LAW
@given(st.integers(0, 2**32 - 1))
def test_nobody_is_asked_before_all_cheaper_ones_are_sold_out_and_equals_share_by_surplus(seed: int) -> None:
    game, prices = tick_game(seed)
    asked = (rest_point(game, prices) * demanded_power(game, prices)).sum(axis=0)
    for j in np.flatnonzero(asked > 1e-9):
        cheaper, equal = prices < prices[j], prices == prices[j]
        np.testing.assert_allclose(asked[cheaper], game.surplus_mw[cheaper], rtol=1e-9)
        np.testing.assert_allclose(asked[equal] / game.surplus_mw[equal], asked[j] / game.surplus_mw[j], rtol=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_blocks_that_arrive_in_random_order_come_to_the_same(seed: int) -> None:
    # The story behind the formula, played: 3000 blocks a buyer, each taking the cheapest that still has something.
    game = random_game(seed, sellers=4, buyers=3, temperature=0.0, ratio=1.2)
    prices = np.sort([*tick_game(seed)[1][:1].tolist(), 400.0, 450.0, 500.0])
    wanted, blocks = demanded_power(game, prices), 3000
    left, served = game.surplus_mw.copy(), np.zeros((3, 4))
    for buyer in np.random.default_rng(seed).permutation(np.repeat(np.arange(3), blocks)):
        j = int(np.argmax(left > 0)) if (left > 0).any() else 3
        left[j] -= wanted[buyer, j] / blocks
        served[buyer, j] += 1 / blocks
    np.testing.assert_allclose(served, rest_point(game, prices), rtol=0, atol=0.03)


# ---- replies --------------------------------------------------------------------------------------------------


@LAW
@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_the_best_reply_is_the_best_of_the_grid_and_the_lowest_of_equals(seed: int, sellers: int) -> None:
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
        place = int(np.flatnonzero(grid == best)[0])
        assert values[place] >= max(values) - 1e-9
        assert max(values[:place], default=-1.0) < values[place] + 1e-9


@LAW
@given(st.integers(0, 2**32 - 1), st.integers(2, 3))
def test_the_certificate_agrees_with_trying_everything(seed: int, sellers: int) -> None:
    game = coarse_game(seed, sellers)
    prices = np.random.default_rng(seed).choice(tick_grid(game), sellers)
    answer = rest_point(game, prices)
    certificate = certify(game, prices, answer, answer * demanded_power(game, prices))
    held = utilities(game, prices)
    for seller in range(sellers):
        moved = [np.where(np.arange(sellers) == seller, price, prices) for price in tick_grid(game)]
        best = max(float(utilities(game, at)[seller]) for at in moved)
        regret = certificate.seller_regret_cny[seller]
        assert regret == pytest.approx(max(0.0, best - held[seller]), rel=1e-9, abs=1e-8)
    assert (certificate.seller_regret_cny.max() <= 1e-9) == is_equilibrium(game, prices)
    assert certificate.clearing_price_cny_per_mwh == clearing_price(game)
    np.testing.assert_array_equal(certificate.seller_regret_cny, certificate.seller_regret_bound_cny)
    np.testing.assert_allclose(certificate.buyer_distance, 0.0, atol=1e-12)
    np.testing.assert_allclose(certificate.buyer_gain_cny, 0.0, atol=1e-9)


def test_the_certificate_sees_what_a_buyer_forgoes() -> None:
    # 1/4 of the blocks is served at 400, 3/4 go on to 600, where there is enough for all. U(400) at 4 MW is
    # 2400 ln 5 − 1600 = 2262.65, U(600) at 3 MW is 2400 ln 4 − 1800 = 1527.11.
    game, prices = elastic([1.0, 5.0]), np.array([400.0, 600.0])
    wanted = demanded_power(game, prices)
    cheap, dear = 2400 * np.log(5) - 1600, 2400 * np.log(4) - 1800
    for share, forgone in (
        (0.25, 0.0),
        (0.0, (cheap - dear) / 4),  # none at the cheaper one, which still had something
        (0.85, 0.6 * dear),  # 0.6 more than it has left: these get nothing, and could have got dear
    ):
        answer = np.array([[share, 1 - share]])
        found = certify(game, prices, answer, answer * wanted)
        assert found.buyer_gain_cny[0] == pytest.approx(forgone, abs=1e-9)
        assert found.buyer_distance[0] == pytest.approx(abs(share - 0.25), abs=1e-12)
        assert found.buyer_plain_gap_cny[0] == pytest.approx((1 - share) * (cheap - dear))


# ---- where sellers rest ---------------------------------------------------------------------------------------


@LAW
@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.booleans())
def test_the_floor_is_an_equilibrium_where_the_others_can_always_serve_all(
    seed: int, sellers: int, alone: bool
) -> None:
    # Classical Bertrand: above the floor nothing is left, at the floor nothing is earned. It does not need sellers
    # of whom each can serve all; it is enough that nobody is needed.
    game = coarse_game(seed, sellers)
    wanted = float(demanded_power(game, np.array([game.floor_cny_per_mwh])).sum())
    scale = wanted / (game.surplus_mw.min() if alone else game.surplus_mw.sum() - game.surplus_mw.max())
    ample = replace(game, feed_in_cny_per_mwh=game.floor_cny_per_mwh, surplus_mw=1.0001 * scale * game.surplus_mw)
    assert is_equilibrium(ample, same_price(ample, ample.floor_cny_per_mwh))
    result = solve_period(ample, RULES)
    assert result.verdict is Verdict.EQUILIBRIUM
    assert (result.price_cny_per_mwh == ample.floor_cny_per_mwh).all()


@LAW
@given(st.integers(0, 2**32 - 1), st.integers(2, 4))
def test_the_floor_is_none_where_somebody_is_needed(seed: int, sellers: int) -> None:
    # Whoever is needed sells something at a price above the floor, where a MWh earns more than nothing.
    game = coarse_game(seed, sellers)
    wanted = float(demanded_power(game, np.array([game.floor_cny_per_mwh])).sum())
    scale = 0.97 * wanted / (game.surplus_mw.sum() - game.surplus_mw.max())
    short = replace(game, feed_in_cny_per_mwh=game.floor_cny_per_mwh, surplus_mw=scale * game.surplus_mw)
    if demanded_power(short, tick_grid(short)[1:2]).sum() > 0:
        assert not is_equilibrium(short, same_price(short, short.floor_cny_per_mwh))


@LAW
@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_the_cap_is_an_equilibrium_where_all_surplus_sells_out_there(seed: int, sellers: int) -> None:
    game = coarse_game(seed, sellers)
    wanted = float(demanded_power(game, np.array([game.cap_cny_per_mwh])).sum())
    if wanted > 0:
        scarce = replace(game, surplus_mw=0.999 * wanted / game.surplus_mw.sum() * game.surplus_mw)
        assert is_equilibrium(scarce, same_price(scarce, scarce.cap_cny_per_mwh))
        result = solve_period(scarce, RULES)
        assert result.verdict is Verdict.EQUILIBRIUM
        assert (result.price_cny_per_mwh == scarce.cap_cny_per_mwh).all()


@LAW
@given(st.integers(0, 2**32 - 1), st.integers(2, 4))
def test_at_a_price_that_just_clears_raising_pays_for_all_sellers_or_for_none(seed: int, sellers: int) -> None:
    # The others leave 1 − Σ_{l≠j} S_l / X = S_j / X, so j earns S_j/X · (p − f) X(p) at any p above: the same in p
    # for all. Cutting the price sells no more.
    game = coarse_game(seed, sellers)
    grid = tick_grid(game)
    total = demanded_power(game, grid).sum(axis=0)
    place = int(np.random.default_rng(seed).integers(len(grid)))
    if total[place] > 0:
        cleared = replace(game, surplus_mw=total[place] / game.surplus_mw.sum() * game.surplus_mw)
        revenue = (grid - game.feed_in_cny_per_mwh) * total
        pays = revenue[place:].max() > revenue[place] * (1 + 1e-9) + 1e-6
        gains = [best_response(cleared, j, same_price(game, grid[place])) > grid[place] for j in range(sellers)]
        assert set(gains) == {pays}
        assert is_equilibrium(cleared, same_price(game, grid[place])) != pays


@LAW
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.sampled_from(list(Order)))
def test_a_rest_is_an_equilibrium(seed: int, sellers: int, order: Order) -> None:
    game = coarse_game(seed, sellers)
    end = negotiate([game], RULES, order=order)[0]
    assert end.ended in (Verdict.EQUILIBRIUM, Verdict.CYCLING)
    assert is_equilibrium(game, end.prices) or end.ended is Verdict.CYCLING
    result = solve_period(game, RULES)
    assert result.certificate is not None
    proven = result.certificate.seller_regret_bound_cny.max() <= 1e-9
    assert proven == (result.verdict is Verdict.EQUILIBRIUM)


def test_monopoly_on_the_grid() -> None:
    # The interior monopoly of the known answers has its peak at 800; on a grid of 70 from 400 the neighbours are
    # 750 and 820: 350(1600/750 − 1) = 396.67, 420(1600/820 − 1) = 399.51.
    game = make_game([9.0], [3.0], satisfaction=[1600.0], base_power=1.0, floor=400.0, temperature=0.0, tick=70.0)
    assert best_response(game, 0, same_price(game, 400.0)) == 820.0


# ---- where they cycle -----------------------------------------------------------------------------------------


def edgeworth(tick: float = 100.0) -> PeriodGame:
    """Two sellers of 2 MW, one buyer that wants 3 MW at any price of the band, 300 … 1000; feed-in 300.

    In margins m = (p − 300)/100 against a rival at m: undercut by a tick and sell 2, match and sell 1.5, or let
    the rival sell first and sell the 1 MW that it leaves, best at the cap, m = 7. So with a tick of 1:

        rival at      7     6     5     4     3  …  0
        undercut     12    10     8     6     4
        match      10.5     9   7.5     6   4.5
        cap           –     7     7     7     7
        best reply    6     5     4     7     7
    """
    return make_game([2.0, 2.0], [3.0], satisfaction=[2000.0 * 3.001], cap=1000.0, temperature=0.0, tick=tick)


def test_the_cycle_of_the_symmetric_duopoly_worked_out_by_hand() -> None:
    game = edgeworth()
    replies = [best_response(game, 0, np.array([0.0, price])) for price in tick_grid(game)]
    assert replies == [1000.0, 1000.0, 1000.0, 1000.0, 1000.0, 700.0, 800.0, 900.0]
    end = negotiate([game], RULES)[0]
    assert [prices.tolist() for prices in end.path[:2]] == [[300.0, 300.0], [1000.0, 1000.0]]
    assert end.ended is Verdict.CYCLING
    assert {tuple(prices) for prices in end.cycle} == {(p, p) for p in (1000.0, 900.0, 800.0, 700.0)}
    assert end.ending.evidence == (
        "prices of S1, S2 repeat after 4 rounds, between 700 and 1000 CNY/MWh: "
        "(900, 900) → (800, 800) → (700, 700) → (1000, 1000)"
    )
    in_turn = negotiate([game], RULES, order=Order.SEQUENTIAL)[0]
    assert in_turn.ended is Verdict.CYCLING
    assert sorted(prices.tolist() for prices in in_turn.cycle) == [[800.0, 700.0], [1000.0, 900.0]]


def test_no_prices_of_the_symmetric_duopoly_are_an_equilibrium() -> None:
    game = edgeworth()
    assert not any(is_equilibrium(game, np.array(pair)) for pair in product(tick_grid(game), repeat=2))


def test_on_fine_ticks_the_cycle_has_the_ends_of_the_textbook() -> None:
    # Undercutting sells 2 MW at m and pays as long as 2 m > 1 · 7: from the cap down to m = 3.5, p = 650.
    game = edgeworth(tick=1.0)
    result = solve_period(game, RULES)
    assert result.verdict is Verdict.CYCLING
    assert "between 650 and 1000 CNY/MWh: (1000, 1000) → (999, 999) → " in result.evidence
    assert result.evidence.endswith(" → (652, 652) → (651, 651) → (650, 650)")
    assert len(result.evidence) < 300
    assert result.delivered_mw.sum() == 0.0
    assert result.certificate is not None
    assert result.certificate.epsilon_relative > 0.01


def test_markets_cycle_where_no_equilibrium_exists_and_rest_where_one_does() -> None:
    """Every price vector tried. That without an equilibrium there is no rest is a theorem; the other way round it
    is what is seen."""
    seen = set()
    for seed in range(60):
        game = coarse_game(seed, 2)
        exists = any(is_equilibrium(game, np.array(pair)) for pair in product(tick_grid(game), repeat=2))
        ends = {negotiate([game], RULES, order=order)[0].ended for order in Order}
        assert ends == {Verdict.EQUILIBRIUM if exists else Verdict.CYCLING}, seed
        seen |= ends
    assert len(seen) == 2


def test_sellers_who_just_serve_all_rest_at_the_clearing_price_or_cycle() -> None:
    # 2 MW at D = 4 MW wanted at any price: all sell out at the cap. With D falling from 4 MW at 500, feed-in 300,
    # k = 2000 and S0 + P^s = 0.001, (p − 300)(2000/p − 0.001) rises throughout: raising pays and nobody rests.
    full = make_game([1.0, 1.0], [4.0], satisfaction=[2000.0 * 4.001], temperature=0.0)
    assert solve_period(full, RULES).price_cny_per_mwh.tolist() == [1200.0, 1200.0]
    falling = make_game([1.5, 1.5], [4.0], satisfaction=[2000.4], temperature=0.0)
    assert clearing_price(falling) == 667.0
    assert solve_period(falling, RULES).verdict is Verdict.CYCLING


@pytest.mark.parametrize("rule", [PriceRule.GRADIENT, PriceRule.TATONNEMENT])
def test_local_rules_come_to_rest_on_the_tick_too(rule: PriceRule) -> None:
    rules = make_rules(rule, temperature=0.0)
    for seed in range(30):
        game = random_game(seed, temperature=0.0)
        result = solve_period(game, rules)
        assert result.verdict in (Verdict.EQUILIBRIUM, Verdict.UNCERTIFIED)
        assert all(price == on_price_grid(price, game) for price in result.price_cny_per_mwh.tolist())


def test_a_local_step_on_the_tick_goes_to_the_better_neighbour() -> None:
    game = make_game([9.0], [3.0], satisfaction=[1600.0], base_power=1.0, floor=400.0, temperature=0.0)
    rules = make_rules(PriceRule.GRADIENT, temperature=0.0)
    for own, wanted in ((700.0, 701.0), (900.0, 899.0), (800.0, 800.0)):
        step = reprice(rules, game, 0, np.array([own]), fresh_memory(rules))
        assert (step.price, step.again) == (wanted, wanted != own)
