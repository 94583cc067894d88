"""Claims about the certificate (M4): it says yes to equilibria, no to everything else, and its bounds hold."""

from __future__ import annotations

import ast
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import market.game.certificate.certify
import market.game.certificate.on_tick
from market.errors import ModelError
from market.game.certificate.certified import PeriodCertificate
from market.game.certificate.certify import certify
from market.game.clearing.rationing import delivered_power
from market.game.demand_curve import demanded_power, utility
from market.game.period import PeriodGame
from market.game.replicator import rest_point
from market.game.solver import solve_day, solve_period
from market.model.arrays import Array
from tests.market.instances import (
    games,
    make_game,
    make_rules,
    narrow_game,
    narrow_prices,
    permuted,
    prices_that_sell,
    random_game,
    random_prices,
)
from tests.sampling import law

SEEDS = st.integers(0, 2**32 - 1)
LAW = law(80)


def certified(game: PeriodGame, prices: Array) -> PeriodCertificate:
    """The certificate of these prices with the buyers at their rest."""
    answer = rest_point(game, prices)
    return certify(game, prices, answer, answer * demanded_power(game, prices))


def leader_utility(game: PeriodGame, seller: int, prices: Array, own: float) -> float:
    offered = prices.copy()
    offered[seller] = own
    asked = rest_point(game, offered) * demanded_power(game, offered)
    return float((own - game.feed_in_cny_per_mwh) * min(asked.sum(axis=0)[seller], game.surplus_mw[seller]))


def own_imports(module: ModuleType) -> set[str]:
    """Every module of the market that a module imports something from."""
    assert module.__file__
    tree = ast.walk(ast.parse(Path(module.__file__).read_text(encoding="utf-8")))
    found = [node for node in tree if isinstance(node, ast.ImportFrom | ast.Import)]
    assert all(isinstance(node, ast.ImportFrom) for node in found if "market" in ast.unparse(node))
    names = [node.module or "" for node in found if isinstance(node, ast.ImportFrom)]
    return {name for name in names if name.startswith("market")}


def test_it_shares_no_code_with_what_it_judges() -> None:
    plain = {"market.model.arrays", "market.errors", "market.game.certificate.certified", "market.game.period"}
    assert own_imports(market.game.certificate.certify) == plain | {"market.game.certificate.on_tick"}
    assert own_imports(market.game.certificate.on_tick) <= plain


@LAW
@given(games(), SEEDS)
def test_no_deviation_gains_more_than_the_bound_and_the_best_found_is_real(game: PeriodGame, seed: int) -> None:
    prices = random_prices(game, seed)
    certificate = certified(game, prices)
    seller = seed % len(prices)
    held = leader_utility(game, seller, prices, float(prices[seller]))
    grid = np.linspace(game.floor_cny_per_mwh, game.cap_cny_per_mwh, 200)
    gains = [leader_utility(game, seller, prices, float(own)) - held for own in grid]
    slack = 1e-9 * max(1.0, abs(held))
    assert max(gains) <= certificate.seller_regret_bound_cny[seller] + slack
    better = leader_utility(game, seller, prices, float(certificate.better_price_cny_per_mwh[seller]))
    assert better - held == pytest.approx(certificate.seller_regret_cny[seller], abs=slack)
    width = certificate.seller_regret_bound_cny - certificate.seller_regret_cny
    assert (width >= 0).all()
    assert width.max() <= 1e-7 * certificate.traded_value_cny


@LAW
@given(SEEDS)
def test_it_finds_profit_in_stretches_of_the_band_that_are_narrow(seed: int) -> None:
    game = narrow_game(seed)
    prices, seller = narrow_prices(game, seed), seed % len(game.sellers)
    certificate = certified(game, prices)
    held = leader_utility(game, seller, prices, float(prices[seller]))
    gain = max(leader_utility(game, seller, prices, float(own)) for own in prices_that_sell(game)) - held
    assert gain <= certificate.seller_regret_bound_cny[seller] + 1e-9
    assert gain <= certificate.seller_regret_cny[seller] + 1e-7 * certificate.traded_value_cny


def test_a_seller_that_earns_nothing_at_the_floor_is_told_of_the_narrow_stretch_above_it() -> None:
    game = make_game([1.0], [1.0], satisfaction=[326 * 2.001], own_supply=[2.0], floor=300.0, cap=1200.0)
    certificate = certified(game, np.array([300.0]))
    assert certificate.seller_regret_cny[0] == pytest.approx(1.08087848, abs=1e-5)
    assert certificate.better_price_cny_per_mwh[0] == pytest.approx(312.73, abs=0.1)


@LAW
@given(games(), SEEDS)
def test_random_prices_are_refused(game: PeriodGame, seed: int) -> None:
    prices = random_prices(game, seed)
    found = solve_period(game, make_rules())
    assert found.certificate is not None
    if np.abs(prices - found.price_cny_per_mwh).max() > 5.0 and found.certificate.traded_value_cny > 1.0:
        assert certified(game, prices).epsilon_relative > 1e-6


@LAW
@given(games(), SEEDS)
def test_a_price_that_one_seller_moved_alone_is_regretted_by_it(game: PeriodGame, seed: int) -> None:
    prices = solve_period(game, make_rules()).price_cny_per_mwh.copy()
    seller = seed % len(prices)
    other = float(np.clip(prices[seller] - 10.0, game.floor_cny_per_mwh, game.cap_cny_per_mwh))
    if prices[seller] - other < 5.0:
        return
    held = leader_utility(game, seller, prices, float(prices[seller]))
    lost = held - leader_utility(game, seller, prices, other)
    prices[seller] = other
    regret = certified(game, prices).seller_regret_cny[seller]
    assert regret == pytest.approx(max(0.0, lost), rel=1e-5, abs=1e-6 * max(1.0, abs(held)))


@LAW
@given(games(), SEEDS)
def test_the_gain_of_a_buyer_is_the_crowded_payoff_it_forgoes(game: PeriodGame, seed: int) -> None:
    prices = random_prices(game, seed)
    rng = np.random.default_rng(seed)
    chosen = rng.dirichlet(np.ones(len(prices)), len(game.buyers))
    certificate = certify(game, prices, chosen, chosen * demanded_power(game, prices))
    best = rest_point(game, prices)
    np.testing.assert_allclose(certificate.buyer_distance, np.abs(chosen - best).max(axis=1), atol=1e-9)
    # (M2) maximises a payoff whose shortfall is the Kullback-Leibler distance, times D τ.
    safe = np.maximum(best, 1e-300)
    distance = (chosen * np.log(np.maximum(chosen, 1e-300) / safe)).sum(axis=1)
    heat = game.deficit_mw * game.temperature_cny_per_mwh
    if best.min() > 1e-250:
        np.testing.assert_allclose(certificate.buyer_gain_cny, heat * distance, rtol=1e-6, atol=1e-7)
    worth = utility(game, prices, demanded_power(game, prices))
    plain = worth.max(axis=1) - (chosen * worth).sum(axis=1)
    np.testing.assert_allclose(certificate.buyer_plain_gap_cny, plain, rtol=1e-9, atol=1e-7)


def test_asking_for_the_wrong_amount_is_seen_too() -> None:
    game = random_game(8, sellers=2, buyers=2, ratio=2.0)
    prices = solve_period(game, make_rules()).price_cny_per_mwh
    answer = rest_point(game, prices)
    wanted = demanded_power(game, prices)
    assert certify(game, prices, answer, answer * wanted).buyer_gain_cny.max() < 1e-9
    assert certify(game, prices, answer, 0.5 * answer * wanted).buyer_gain_cny.min() > 1e-3


def test_what_it_tells_the_reader() -> None:
    # Two equal sellers in glut: markup 2 τ over p_clr = floor, half of 3 MW each, so HHI = 1/2.
    game = make_game([9.0, 9.0], [3.0], satisfaction=[2000.0 * 3.001], temperature=30.0)
    certificate = solve_period(game, make_rules()).certificate
    assert certificate is not None
    assert certificate.clearing_price_cny_per_mwh == 300.0
    np.testing.assert_allclose(certificate.markup_cny_per_mwh, 60.0, atol=1e-7)
    assert certificate.hhi == pytest.approx(0.5)
    assert certificate.traded_value_cny == pytest.approx(3.0 * 360.0)
    assert certificate.epsilon_relative <= 1e-9


def test_where_nothing_is_traded_regret_is_relative_to_one_yuan() -> None:
    game = make_game([1.0], [1.0], satisfaction=[0.0])
    certificate = solve_period(game, make_rules()).certificate
    assert certificate is not None
    assert certificate.traded_value_cny == 1.0
    assert certificate.epsilon_cny == 0.0


def test_it_measures_what_is_delivered() -> None:
    game = random_game(21, sellers=3, buyers=2, ratio=0.4)
    result = solve_period(game, make_rules())
    assert result.certificate is not None
    sold = delivered_power(game, result.requested_mw).sum(axis=0)
    assert result.certificate.traded_value_cny == pytest.approx(float(sold @ result.price_cny_per_mwh))
    assert result.certificate.hhi == pytest.approx(float(((sold / sold.sum()) ** 2).sum()))


def test_who_is_listed_first_does_not_matter() -> None:
    game = random_game(33, sellers=4, buyers=3)
    prices = random_prices(game, 1)
    sellers, buyers = [2, 0, 3, 1], [1, 2, 0]
    plain, other = certified(game, prices), certified(permuted(game, sellers, buyers), prices[sellers])
    value = plain.traded_value_cny
    assert other.traded_value_cny == pytest.approx(value)
    np.testing.assert_allclose(other.seller_regret_cny, plain.seller_regret_cny[sellers], atol=1e-7 * value)
    np.testing.assert_allclose(other.buyer_distance, plain.buyer_distance[buyers], atol=1e-12)


def test_inputs_are_left_as_they_were() -> None:
    game = random_game(2)
    prices = random_prices(game, 2)
    answer = rest_point(game, prices)
    asked = answer * demanded_power(game, prices)
    for values in (prices, answer, asked):
        values.flags.writeable = False
    certify(game, prices, answer, asked)


@pytest.mark.parametrize(
    ("prices", "probability", "requested", "message"),
    [
        ([400.0], [[0.5, 0.5]], [[0.1, 0.1]], "must fit"),
        ([400.0, np.nan], [[0.5, 0.5]], [[0.1, 0.1]], "finite"),
        ([400.0, 500.0], [[0.5, 0.6]], [[0.1, 0.1]], "sum to 1"),
        ([400.0, 500.0], [[1.5, -0.5]], [[0.1, 0.0]], "sum to 1"),
        ([400.0, 500.0], [[0.5, np.nan]], [[0.1, 0.1]], "sum to 1"),
        ([400.0, 500.0], [[0.5, 0.5]], [[1.1, 0.1]], "between 0 and probability x deficit"),
        ([400.0, 500.0], [[0.5, 0.5]], [[-0.1, 0.1]], "between 0 and probability x deficit"),
    ],
)
def test_what_cannot_be_judged_is_an_error(
    prices: list[float], probability: list[list[float]], requested: list[list[float]], message: str
) -> None:
    game = make_game([1.0, 1.0], [2.0], satisfaction=[2000.0], period=4)
    with pytest.raises(ModelError, match=f"period 5: .*{message}"):
        certify(game, np.array(prices), np.array(probability), np.array(requested))


def test_a_day_of_five_is_certified_for_every_temperature() -> None:
    for temperature in (0.05, 1.0, 50.0, 1000.0):
        found = [random_game(seed, sellers=2, buyers=3, temperature=temperature, period=seed) for seed in range(8)]
        for result in solve_day(found, make_rules(offer_budget=100)):
            assert result.certificate is not None
            width = result.certificate.seller_regret_bound_cny - result.certificate.seller_regret_cny
            assert width.max() <= 1e-7 * result.certificate.traded_value_cny
