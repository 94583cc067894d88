"""Claims about whole games: what MODEL section 3 says is known of the equilibrium, on random instances.

The instances have 1–6 sellers and buyers, S/D from 0.05 to 8 but not balanced, and one τ from 1 to 200.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.game.clearing.clearing_price import clearing_price
from market.game.demand_curve import demanded_power
from market.game.period import PeriodGame
from market.game.price_grid import PRICE_STEP_CNY_PER_MWH
from market.game.pricing import PriceMove, best_response, fresh_memory, reprice_all
from market.game.replicator import rest_point
from market.game.result import Verdict
from market.game.solver import Order, negotiate, prices_from_cap, solve_day, solve_period
from market.game.verdict import CERTIFICATE_TOLERANCE, Ending, conclude
from tests.market.instances import (
    TOO_BALANCED,
    balance,
    games,
    make_game,
    make_rules,
    permuted,
    random_game,
    random_prices,
    same_price,
)
from tests.sampling import law, sampled

SEEDS = st.integers(0, 2**32 - 1)
LAW = law(60)
LATTICE = 2 * PRICE_STEP_CNY_PER_MWH
SAME = 1e-6


@LAW
@given(games())
def test_from_the_clearing_price_a_certified_equilibrium_is_reached(game: PeriodGame) -> None:
    result = solve_period(game, make_rules())
    assert result.verdict is Verdict.EQUILIBRIUM, result.evidence
    assert result.certificate is not None
    assert result.certificate.epsilon_relative <= CERTIFICATE_TOLERANCE
    assert result.clearing_price_cny_per_mwh == clearing_price(game)
    np.testing.assert_allclose(result.probability.sum(axis=1), 1.0, rtol=0, atol=1e-15)
    prices = result.price_cny_per_mwh
    asked = rest_point(game, prices) * demanded_power(game, prices)
    np.testing.assert_allclose(result.requested_mw, asked, rtol=0, atol=1e-9)
    assert (result.delivered_mw.sum(axis=0) <= game.surplus_mw * (1 + 1e-12)).all()
    assert (result.delivered_mw.sum(axis=1) <= game.deficit_mw * (1 + 1e-12)).all()


@pytest.fixture(scope="module")
def market_of_many() -> list[PeriodGame]:
    found = [random_game(seed, period=seed) for seed in sampled(range(150), 40)]
    return [game for game in found if abs(balance(game) - 1.0) > TOO_BALANCED]


def test_nobody_ever_asks_less_than_the_clearing_price(market_of_many: list[PeriodGame]) -> None:
    # Proof: below p_clr and with rivals no lower, a seller has at least its surplus share of more than ΣS, so it
    # sells all and gains by raising. Hence no best reply to, and no equilibrium, below p_clr.
    for game, end in zip(market_of_many, negotiate(market_of_many, make_rules()), strict=True):
        assert (end.path[0] == clearing_price(game)).all()
        assert (np.array(end.path) >= clearing_price(game) - LATTICE).all()


def test_the_same_equilibrium_in_any_order_and_from_the_floor_and_nothing_lower_from_anywhere(
    market_of_many: list[PeriodGame],
) -> None:
    found = market_of_many
    least = negotiate(found, make_rules())
    in_turn = negotiate(found, make_rules(), order=Order.SEQUENTIAL)
    patience = make_rules(offer_budget=200)
    from_floor = negotiate(found, patience, [same_price(game, game.floor_cny_per_mwh) for game in found])
    from_cap = negotiate(found, patience, [same_price(game, game.cap_cny_per_mwh) for game in found])
    starts = [random_prices(game, game.period) for game in found]
    from_anywhere = negotiate(found, patience, starts, Order.SEQUENTIAL)
    settled = 0
    for low, turn, floor, *others in zip(least, in_turn, from_floor, from_cap, from_anywhere, strict=True):
        assert low.ended is turn.ended is Verdict.EQUILIBRIUM
        np.testing.assert_allclose(turn.prices, low.prices, rtol=0, atol=SAME)
        if floor.ended is Verdict.EQUILIBRIUM:
            settled += 1
            np.testing.assert_allclose(floor.prices, low.prices, rtol=0, atol=SAME)
        for other in others:
            assert other.ended is not Verdict.EQUILIBRIUM or (other.prices >= low.prices - SAME).all()
    assert settled > len(found) / 2


@LAW
@given(games())
def test_clearing_is_the_equilibrium_wherever_no_seller_gains_by_raising(game: PeriodGame) -> None:
    start = clearing_price(game)
    replies = [best_response(game, j, same_price(game, start)) for j in range(len(game.sellers))]
    assert min(replies) >= start - LATTICE
    if max(replies) <= start + LATTICE / 4:
        result = solve_period(game, make_rules())
        assert (result.price_cny_per_mwh == start).all()
        share = game.surplus_mw / game.surplus_mw.sum()
        np.testing.assert_allclose(result.probability, np.tile(share, (len(game.buyers), 1)), rtol=0, atol=1e-9)


@LAW
@given(SEEDS, st.integers(2, 6), st.floats(1.05, 8.0))
def test_in_glut_the_larger_seller_asks_no_less_and_is_chosen_no_less(
    seed: int, sellers: int, ratio: float
) -> None:
    game = random_game(seed, sellers=sellers, ratio=ratio)
    result = solve_period(game, make_rules())
    order = np.argsort(game.surplus_mw)
    assert (np.diff(result.price_cny_per_mwh[order]) >= -SAME).all()
    assert (np.diff(result.probability[:, order], axis=1) >= -1e-9).all()


@LAW
@given(games(), SEEDS)
def test_who_is_listed_first_does_not_matter(game: PeriodGame, seed: int) -> None:
    rng = np.random.default_rng(seed)
    sellers, buyers = rng.permutation(len(game.sellers)).tolist(), rng.permutation(len(game.buyers)).tolist()
    plain, shuffled = solve_period(game, make_rules()), solve_period(permuted(game, sellers, buyers), make_rules())
    np.testing.assert_allclose(shuffled.price_cny_per_mwh, plain.price_cny_per_mwh[sellers], rtol=0, atol=1e-7)
    np.testing.assert_allclose(shuffled.delivered_mw, plain.delivered_mw[np.ix_(buyers, sellers)], atol=1e-7)


def test_a_day_is_solved_like_its_periods() -> None:
    found = [random_game(seed, period=seed) for seed in range(20)]
    for game, together in zip(found, solve_day(found, make_rules()), strict=True):
        alone = solve_period(game, make_rules())
        np.testing.assert_allclose(together.price_cny_per_mwh, alone.price_cny_per_mwh, rtol=0, atol=1e-8)
        assert together.game is game


def test_solving_twice_gives_the_same_bits() -> None:
    game = random_game(9, sellers=4, buyers=4)
    one, two = solve_period(game, make_rules()), solve_period(game, make_rules())
    np.testing.assert_array_equal(one.price_cny_per_mwh, two.price_cny_per_mwh)
    np.testing.assert_array_equal(one.requested_mw, two.requested_mw)


@pytest.mark.parametrize(
    ("game", "why"),
    [
        (make_game([], [1.0], satisfaction=[500.0]), "nobody sells"),
        (make_game([1.0], [], satisfaction=[]), "nobody buys"),
        (make_game([1.0], [1.0], satisfaction=[500.0], floor=500.0, cap=400.0), "floor 500 above cap 400"),
    ],
)
def test_nothing_to_trade_is_no_trade(game: PeriodGame, why: str) -> None:
    result = solve_period(game, make_rules())
    assert result.verdict is Verdict.NO_TRADE
    assert why in result.evidence
    assert result.certificate is None
    assert result.delivered_mw.shape == (len(game.buyers), len(game.sellers))
    assert result.delivered_mw.sum() == 0.0


def test_a_band_of_one_price_is_played_at_that_price() -> None:
    game = make_game([1.0, 2.0], [2.0], satisfaction=[2000.0], floor=400.0, cap=400.0)
    result = solve_period(game, make_rules())
    assert result.verdict is Verdict.EQUILIBRIUM
    assert result.price_cny_per_mwh.tolist() == [400.0, 400.0]


def test_a_spent_budget_is_said_with_the_regret_and_trades_nothing() -> None:
    game = make_game([10.0, 20.0], [3.0], satisfaction=[6000.0])
    result = solve_period(game, make_rules(offer_budget=3))
    assert result.verdict is Verdict.BUDGET_SPENT
    assert "offer_budget" in result.evidence
    assert result.rounds == 3
    assert result.certificate is not None
    assert result.certificate.epsilon_cny > 0
    assert result.delivered_mw.sum() == 0.0


def contested_and_captive() -> PeriodGame:
    """A game without a pure equilibrium though τ > 0.

    B1 takes all of its 1 MW from whoever is cheaper. B2 has little satisfaction for its 100 MW: it wants k/p of
    any seller and hardly minds which, for a price difference weighs x/D = k/(p D) in its choice. Serving B2 alone
    is worth most at the cap: s·200·(1 − 300/1200) = 150 s CNY/h, s the share of surplus. Contesting B1 is worth
    more while the rival is dear, so the rival is undercut; near a markup of 2 τ = 40 it is worth less, and one
    goes back to the cap. This is the Edgeworth cycle.
    """
    return make_game([50.0, 60.0], [1.0, 100.0], satisfaction=[2002.0, 200.0], temperature=20.0)


@pytest.mark.parametrize("order", list(Order))
def test_best_replies_that_cycle_are_found_out(order: Order) -> None:
    end = negotiate([contested_and_captive()], make_rules(), order=order)[0]
    assert end.ended is Verdict.CYCLING
    assert len(end.cycle) > 2
    assert (end.path[-1] == end.cycle[-1]).all()
    assert (end.path[-1 - len(end.cycle)] == end.cycle[-1]).all()
    assert f"prices of S1, S2 repeat after {len(end.cycle)} rounds" in end.ending.evidence


def test_a_cycling_period_trades_nothing_and_shows_what_could_be_gained() -> None:
    result = solve_period(contested_and_captive(), make_rules())
    assert result.verdict is Verdict.CYCLING
    assert result.delivered_mw.sum() == 0.0
    assert result.certificate is not None
    assert result.certificate.epsilon_relative > 0.01


def test_the_verdict_cycling_is_true_there_is_no_pure_equilibrium() -> None:
    # An equilibrium is a fixed point of the two replies in succession; none comes within 1 CNY/MWh of itself.
    game = contested_and_captive()

    def replies(seller: int, rivals: list[float]) -> list[float]:
        turns = [PriceMove(game, seller, np.array([price, price]), fresh_memory(make_rules())) for price in rivals]
        return [reply.price for reply in reprice_all(make_rules(), turns)]

    own = np.linspace(300.0, 1200.0, 901)
    again = replies(0, replies(1, own.tolist()))
    assert np.abs(np.array(again) - own).min() > 1.0


def test_the_prices_from_the_cap_show_a_second_equilibrium() -> None:
    # Balanced to the last digit: two equilibria, at 440 and at 1,000 CNY/MWh. With supply to spare there is one.
    balanced = make_game([2.0, 2.0], [4.0], satisfaction=[1000.0 * 4.001], floor=400.0, temperature=20.0, period=0)
    glut = make_game([8.0, 8.0], [4.0], satisfaction=[1000.0 * 4.001], floor=400.0, temperature=20.0, period=1)
    results = solve_day([balanced, glut], make_rules())
    higher, again = prices_from_cap(results, make_rules())
    assert again == pytest.approx(results[1].price_cny_per_mwh, abs=SAME)
    assert results[0].price_cny_per_mwh == pytest.approx([440.0, 440.0], abs=1e-3)
    assert higher == pytest.approx([1000.0, 1000.0], abs=1e-3)


def test_an_unfinished_period_is_concluded_without_a_certificate() -> None:
    game = random_game(3, sellers=2, buyers=2)
    nothing = np.zeros((2, 2))
    missing = np.array([game.floor_cny_per_mwh, np.nan])
    ending = Ending(Verdict.STALLED, "waiting for S2 since 3 s")
    result = conclude(game, missing, nothing, nothing, 1, ending)
    assert result.verdict is Verdict.STALLED
    assert result.certificate is None
    assert result.evidence == "waiting for S2 since 3 s"


def test_a_rest_that_is_no_equilibrium_is_not_called_one() -> None:
    game = random_game(3, sellers=2, buyers=2)
    found = solve_period(game, make_rules())
    moved = np.minimum(found.price_cny_per_mwh + 5.0, game.cap_cny_per_mwh)
    answer = rest_point(game, moved)
    asked = answer * demanded_power(game, moved)
    assert conclude(game, moved, answer, asked, 1).verdict is Verdict.UNCERTIFIED
    wrong = np.roll(found.probability, 1, axis=1)
    asked = wrong * demanded_power(game, found.price_cny_per_mwh)
    result = conclude(game, found.price_cny_per_mwh, wrong, asked, 1)
    assert result.verdict is Verdict.UNCERTIFIED
    assert "by choosing otherwise" in result.evidence


def test_period_length_scales_money_and_nothing_else() -> None:
    hour = random_game(12, sellers=3, buyers=3)
    quarter = replace(hour, period_h=0.25)
    one, other = solve_period(hour, make_rules()), solve_period(quarter, make_rules())
    np.testing.assert_array_equal(one.price_cny_per_mwh, other.price_cny_per_mwh)
    assert one.certificate is not None
    assert other.certificate is not None
    assert other.certificate.traded_value_cny == pytest.approx(one.certificate.traded_value_cny / 4)
