"""Claims about buyers: what they want (17), (20), how they choose (18), (19), (M1), (25), (M2), and get (21)."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.errors import ModelError
from market.game.buyers import answer_day
from market.game.clearing.rationing import delivered_power, requested_power
from market.game.demand_curve import demand_curve, demanded_power, utility
from market.game.period import PeriodGame
from market.game.replicator import (
    evolutions,
    evolve,
    fitness,
    imitation_rates,
    replicator_field,
    rest_point,
    rest_points,
)
from market.model.arrays import Array
from tests.market.instances import games, make_game, make_rules, random_game, random_prices
from tests.sampling import law

SEEDS = st.integers(0, 2**32 - 1)
LAW = law(100)


def literal_rest(game: PeriodGame, prices: Array) -> Array:
    """(M2) as it is written, from (17) and (20)."""
    worth = utility(game, prices, demanded_power(game, prices))
    exponent = worth / (game.deficit_mw[:, None] * game.temperature_cny_per_mwh)
    weight = game.surplus_mw * np.exp(exponent - exponent.max(axis=1, keepdims=True))
    rest: Array = weight / weight.sum(axis=1, keepdims=True)
    return rest


# ---- wants ----------------------------------------------------------------------------------------------------


def test_a_buyer_wants_all_then_less_then_nothing() -> None:
    # S0 + P^s = 1, D = 2, k = 900: all up to 900/3 = 300, nothing from 900/1 on, at 450 it is 900/450 − 1 = 1.
    game = make_game([1.0] * 5, [2.0], satisfaction=[900.0], own_supply=[0.5], base_power=0.5)
    wanted = demanded_power(game, np.array([-5.0, 0.0, 300.0, 450.0, 1000.0]))
    np.testing.assert_allclose(wanted, [[2.0, 2.0, 2.0, 1.0, 0.0]], rtol=1e-15)


def test_a_buyer_without_satisfaction_wants_nothing_at_a_price() -> None:
    game = make_game([1.0], [2.0], satisfaction=[0.0])
    assert demanded_power(game, np.array([300.0])) == 0.0


@LAW
@given(games(), SEEDS)
def test_wanted_power_maximises_utility(game: PeriodGame, seed: int) -> None:
    prices = random_prices(game, seed)
    best = utility(game, prices, demanded_power(game, prices))
    for share in np.linspace(0.0, 1.0, 41):
        other = utility(game, prices, share * game.deficit_mw[:, None] * np.ones_like(prices))
        assert (other <= best + 1e-9).all()


@LAW
@given(games(), SEEDS)
def test_the_burden_of_a_price_is_the_utility_it_costs(game: PeriodGame, seed: int) -> None:
    prices = random_prices(game, seed)
    per_mwh = utility(game, prices, demanded_power(game, prices)) / game.deficit_mw[:, None]
    utility_loss = demand_curve(game).utility_loss(prices)
    np.testing.assert_allclose(utility_loss - utility_loss[:, :1], per_mwh[:, :1] - per_mwh, rtol=0, atol=1e-7)


# ---- choice ---------------------------------------------------------------------------------------------------


@LAW
@given(games(), SEEDS, st.floats(0.05, 0.95))
def test_evolution_keeps_the_simplex_and_ends_at_the_closed_form(
    game: PeriodGame, seed: int, revision_step: float
) -> None:
    prices = random_prices(game, seed)
    evolution = evolve(game, prices, revision_step, keep_trace=True)
    assert evolution.trace is not None
    assert evolution.trace.shape == (evolution.steps + 1, len(game.buyers), len(game.sellers))
    np.testing.assert_allclose(evolution.trace.sum(axis=2), 1.0, rtol=0, atol=1e-12)
    assert (evolution.trace >= 0).all()
    np.testing.assert_array_equal(evolution.trace[-1], evolution.probability)
    np.testing.assert_allclose(evolution.probability, rest_point(game, prices), rtol=0, atol=1e-11)
    np.testing.assert_allclose(rest_point(game, prices), literal_rest(game, prices), rtol=0, atol=1e-10)


@LAW
@given(st.lists(games(), min_size=1, max_size=6), SEEDS)
def test_games_that_evolve_side_by_side_evolve_as_each_alone(some: list[PeriodGame], seed: int) -> None:
    some = [*some, make_game([2.0, 1.0], [1.5, 2.5], satisfaction=[900.0, 950.0], temperature=0.0)]
    played = [(game, random_prices(game, seed + place)) for place, game in enumerate(some)]
    for (game, prices), trace in zip(played, evolutions(played, 0.3), strict=True):
        np.testing.assert_array_equal(trace, evolve(game, prices, 0.3, keep_trace=True).trace)


@LAW
@given(st.lists(games(), min_size=1, max_size=6), SEEDS)
def test_games_that_rest_side_by_side_rest_as_each_alone(some: list[PeriodGame], seed: int) -> None:
    """Of several price vectors each, and with the grid among what buyers choose from, or at τ = 0."""
    some = [
        *some,
        make_game([2.0, 1.0], [1.5, 2.5], satisfaction=[900.0, 950.0], temperature=0.0),
        replace(make_game([2.0, 1.0], [1.5, 2.5], satisfaction=[900.0, 950.0]), grid_option_mw=0.7),
    ]
    played = [
        (game, np.array([random_prices(game, seed + place + vector) for vector in range(1 + place % 3)]))
        for place, game in enumerate(some)
    ]
    for (game, vectors), rests in zip(played, rest_points(played), strict=True):
        np.testing.assert_array_equal(rests, [rest_point(game, prices) for prices in vectors])


@LAW
@given(games(), SEEDS)
def test_each_step_is_the_exponential_replicator_step(game: PeriodGame, seed: int) -> None:
    prices = random_prices(game, seed)
    trace = evolve(game, prices, 0.3, keep_trace=True).trace
    assert trace is not None
    for before, after in pairwise(trace[:4]):
        if (before <= 1e-200).any():
            break
        growth = 0.3 / game.temperature_cny_per_mwh * fitness(game, prices, before)
        step = before * np.exp(growth - growth.max(axis=1, keepdims=True))
        np.testing.assert_allclose(after, step / step.sum(axis=1, keepdims=True), rtol=1e-8, atol=1e-13)


@LAW
@given(games(), SEEDS)
def test_the_replicator_field_sums_to_zero_and_is_the_mean_of_the_imitation(game: PeriodGame, seed: int) -> None:
    prices = random_prices(game, seed)
    rng = np.random.default_rng(seed)
    probability = rng.dirichlet(np.full(len(game.sellers), 2.0), len(game.buyers)) * 0.9
    probability += 0.1 / len(game.sellers)
    field, fit = replicator_field(game, prices, probability), fitness(game, prices, probability)
    np.testing.assert_allclose(field.sum(axis=1), 0.0, atol=1e-9)
    for y, f, speed in zip(probability, fit, field, strict=True):
        rates = imitation_rates(y, f)
        assert (rates >= 0).all()
        np.testing.assert_allclose(y @ rates - y * rates.sum(axis=1), speed, atol=1e-9)


def test_the_field_vanishes_at_the_rest_point_only() -> None:
    game = random_game(5, sellers=3, buyers=4, temperature=40.0)
    prices = random_prices(game, 6)
    rest = rest_point(game, prices)
    assert np.abs(replicator_field(game, prices, rest)).max() < 1e-9
    assert np.abs(replicator_field(game, prices, np.full_like(rest, 1 / 3))).max() > 1e-3


def test_fitness_refuses_what_is_not_a_choice() -> None:
    game = random_game(5, sellers=2, buyers=1, temperature=40.0)
    prices = random_prices(game, 6)
    for row in ([[0.6, 0.6]], [[1.2, -0.2]], [[1.0, 0.0]], [[np.nan, 0.5]]):
        with pytest.raises(ModelError, match="sum to 1"):
            fitness(game, prices, np.array(row))


@LAW
@given(games(sellers=4), SEEDS)
def test_merging_or_splitting_equal_priced_sellers_changes_no_total(game: PeriodGame, seed: int) -> None:
    prices = random_prices(game, seed)
    prices[1] = prices[0]
    merged = make_game(
        [float(game.surplus_mw[:2].sum()), *game.surplus_mw[2:].tolist()],
        game.deficit_mw.tolist(),
        satisfaction=game.satisfaction_cny_per_h.tolist(),
        own_supply=game.own_supply_mw.tolist(),
        temperature=game.temperature_cny_per_mwh,
    )
    apart = requested_power(rest_point(game, prices), demanded_power(game, prices))
    joined = requested_power(rest_point(merged, prices[1:]), demanded_power(merged, prices[1:]))
    np.testing.assert_allclose(apart[:, :2].sum(axis=1), joined[:, 0], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(apart[:, 2:], joined[:, 1:], rtol=1e-12, atol=1e-14)
    both, one = delivered_power(game, apart), delivered_power(merged, joined)
    np.testing.assert_allclose(both[:, :2].sum(axis=1), one[:, 0], rtol=1e-12, atol=1e-14)


@LAW
@given(games(sellers=1), SEEDS)
def test_with_one_seller_there_is_no_choice(game: PeriodGame, seed: int) -> None:
    prices = random_prices(game, seed)
    assert (rest_point(game, prices) == 1.0).all()
    assert (evolve(game, prices, 0.5).probability == 1.0).all()


def test_without_crowding_the_cheapest_sellers_share_by_surplus() -> None:
    game = make_game([1.0, 3.0, 6.0], [2.0, 1.0], satisfaction=[3000.0, 3000.0], temperature=0.0)
    prices = np.array([400.0, 400.0, 401.0])
    expected = [[0.25, 0.75, 0.0]] * 2
    np.testing.assert_array_equal(rest_point(game, prices), expected)
    evolution = evolve(game, prices, 0.5, keep_trace=True)
    np.testing.assert_array_equal(evolution.probability, expected)
    assert evolution.trace is not None
    assert evolution.trace.shape == (2, 2, 3)
    answers = [answer_day(buyer, [game], [prices], make_rules(temperature=0.0))[0] for buyer in game.buyers]
    np.testing.assert_array_equal([answer.probability for answer in answers], expected)


# ---- exchange -------------------------------------------------------------------------------------------------


def test_a_short_seller_rations_all_its_buyers_alike() -> None:
    game = make_game([1.0, 5.0], [2.0, 2.0], satisfaction=[1.0, 1.0])
    requested = np.array([[1.5, 0.5], [0.5, 0.0]])  # 2 MW asked of 1 MW, 0.5 of 5
    np.testing.assert_allclose(delivered_power(game, requested), [[0.75, 0.5], [0.25, 0.0]])


def test_a_seller_nobody_asks_delivers_nothing() -> None:
    game = make_game([1.0], [2.0], satisfaction=[1.0])
    assert delivered_power(game, np.zeros((1, 1))) == 0.0


@LAW
@given(games(), SEEDS)
def test_nobody_delivers_or_gets_more_than_there_is(game: PeriodGame, seed: int) -> None:
    prices = random_prices(game, seed)
    delivered = delivered_power(game, requested_power(rest_point(game, prices), demanded_power(game, prices)))
    assert (delivered.sum(axis=0) <= game.surplus_mw * (1 + 1e-12)).all()
    assert (delivered.sum(axis=1) <= game.deficit_mw * (1 + 1e-12)).all()


# ---- the answer of a day --------------------------------------------------------------------------------------


def day(seed: int) -> tuple[list[PeriodGame], list[Array]]:
    found = [random_game(seed + t, temperature=50.0, period=t) for t in range(12)]
    return found, [random_prices(game, seed + t) for t, game in enumerate(found)]


@pytest.mark.parametrize("seed", range(5))
def test_the_answer_agrees_with_the_rest_point_and_its_probabilities_sum_to_one(seed: int) -> None:
    found, prices = day(100 * seed)
    for answer, game, at in zip(answer_day("B1", found, prices, make_rules()), found, prices, strict=True):
        np.testing.assert_allclose(answer.probability, rest_point(game, at)[0], rtol=0, atol=1e-11)
        np.testing.assert_allclose(answer.requested_mw, answer.probability * demanded_power(game, at)[0])
        assert abs(answer.probability.sum() - 1.0) < 1e-15
        units = answer.probability * 1e12
        np.testing.assert_allclose(units, np.rint(units), rtol=0, atol=1e-3)
        assert answer.period == game.period
        assert answer.steps >= 1


def test_an_answer_does_not_depend_on_the_other_periods() -> None:
    found, prices = day(7)
    together = answer_day("B1", found, prices, make_rules())
    for game, at, answer in zip(found, prices, together, strict=True):
        alone = answer_day("B1", [game], [at], make_rules())[0]
        np.testing.assert_allclose(alone.probability, answer.probability, rtol=0, atol=1e-12)
        assert alone.steps == answer.steps


def test_no_periods_no_answer() -> None:
    assert answer_day("B1", [], [], make_rules()) == ()


def test_only_a_buyer_answers() -> None:
    found, prices = day(7)
    with pytest.raises(ModelError, match="'S1'"):
        answer_day("S1", found, prices, make_rules())


def test_inputs_are_left_as_they_were() -> None:
    found, prices = day(3)
    for at in prices:
        at.flags.writeable = False
    answer_day("B1", found, prices, make_rules())
    evolve(found[0], prices[0], 0.5)
