"""Claims with numbers worked by hand: games small enough for pencil and paper, and what the solver makes of them.

Conventions of the derivations: one buyer wants x = clip(k/p − A, 0, D) with A = S0 + P^s, all of D up to
p_D = k/(A + D) and nothing from p_0 = k/A on; a seller earns R(p) = (p − f) min(S, Q(p)).
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from market.game.clearing.clearing_price import clearing_price
from market.game.price_grid import PRICE_STEP_CNY_PER_MWH
from market.game.pricing import best_response
from market.game.replicator import rest_point
from market.game.result import Verdict
from market.game.solver import solve_period
from market.model.rules import PriceRule
from tests.market.instances import make_game, make_rules, same_price

EXACT = pytest.approx


def test_clearing_price_in_scarcity() -> None:
    # A = 1, D = 4, k = 3000: x = 3000/p − 1 above p_D = 600. Supply 0.5 + 1.5 = 2 fits where 3000/p = 3: p = 1000.
    # Nobody gains above: at p = 1000 the seller with share y has Q = S = 2y and
    # R' = Q + (p − f)[−y k/p² − y(1 − y) x²/(D τ)] = y[2 − 700(0.003 + (1 − y) 4/200)] < 0.
    game = make_game([0.5, 1.5], [4.0], satisfaction=[3000.0], base_power=1.0)
    assert clearing_price(game) == 1000.0
    result = solve_period(game, make_rules())
    assert result.verdict is Verdict.EQUILIBRIUM
    assert result.rounds == 1
    assert result.price_cny_per_mwh.tolist() == [1000.0, 1000.0]
    np.testing.assert_allclose(result.probability, [[0.25, 0.75]], rtol=0, atol=1e-12)
    np.testing.assert_allclose(result.delivered_mw, [[0.5, 1.5]], rtol=1e-9)


def test_clearing_price_with_buyers_in_three_regimes() -> None:
    # B1 (A = 1, D = 1, k = 2400) wants 1 up to 1200; B2 (A = 1, D = 3, k = 2000) saves between 500 and 2000;
    # B3 (A = 2, D = 1, k = 1000) wants nothing from 500 on. With S = 2.5: 1 + 2000/p − 1 = 2.5 gives p = 800.
    game = make_game(
        [1.0, 1.5],
        [1.0, 3.0, 1.0],
        satisfaction=[2400.0, 2000.0, 1000.0],
        own_supply=[0.0, 0.0, 1.0],
        base_power=1.0,
    )
    assert clearing_price(game) == EXACT(800.0, abs=1e-9)


def test_clearing_price_at_the_ends_of_the_band() -> None:
    scarce = make_game([0.1], [4.0], satisfaction=[3000.0], base_power=1.0)  # would clear at 3000/1.1 = 2727
    glut = make_game([4.1], [4.0], satisfaction=[3000.0], base_power=1.0)  # D fits at any price
    assert (clearing_price(scarce), clearing_price(glut)) == (1200.0, 300.0)
    assert solve_period(scarce, make_rules()).price_cny_per_mwh[0] == 1200.0


def test_interior_monopoly_price() -> None:
    # f = 400, A = 1, k = 1600, D = 3: above p_D = 400 the profit (p − 400)(1600/p − 1) has slope
    # −1 + 400·1600/p² = 0 at p = 800, where 1600/800 − 1 = 1 MW is sold of plenty: 400 CNY/h.
    game = make_game([9.0], [3.0], satisfaction=[1600.0], base_power=1.0, floor=400.0)
    assert best_response(game, 0, same_price(game, 400.0)) == EXACT(800.0, rel=1e-12)
    result = solve_period(game, make_rules())
    assert result.verdict is Verdict.EQUILIBRIUM
    assert result.price_cny_per_mwh[0] == EXACT(800.0, abs=1e-9)
    assert result.delivered_mw[0, 0] == EXACT(1.0, abs=1e-11)
    assert result.probability[0, 0] == 1.0


def test_monopoly_price_at_the_kink_where_the_buyer_starts_to_save() -> None:
    # f = 300, A = 2, D = 1, k = 1500: up to p_D = 500 all of D is wanted; above it the slope is
    # −2 + 300·1500/p² = −0.2 at 500. Up before, down behind: the kink itself.
    game = make_game([9.0], [1.0], satisfaction=[1500.0], base_power=2.0)
    assert best_response(game, 0, same_price(game, 300.0)) == 500.0


def test_monopoly_price_at_the_kink_where_the_surplus_is_sold_out() -> None:
    # A = 2, D = 1, k = 1500, but S = 0.5 only: Q = S at 1500/(2 + 0.5) = 600, and Q falls too fast behind.
    game = make_game([0.5], [1.0], satisfaction=[1500.0], base_power=2.0)
    assert best_response(game, 0, same_price(game, 300.0)) == EXACT(600.0, rel=1e-12)


@pytest.mark.parametrize("sellers", [2, 3, 5])
def test_markup_of_equal_sellers_in_glut(sellers: int) -> None:
    # Nobody saves within the band (p_D = 2000), so Q_j = D y_j, dy/dp = −y(1 − y)/τ, and R' = 0 is
    # p − f = τ/(1 − y). Equal sellers: y = 1/n, hence p = f + τ n/(n − 1).
    game = make_game([10.0] * sellers, [3.0], satisfaction=[2000.0 * 3.001], temperature=60.0)
    result = solve_period(game, make_rules())
    expected = 300.0 + 60.0 * sellers / (sellers - 1)
    np.testing.assert_allclose(result.price_cny_per_mwh, expected, rtol=0, atol=1e-7)
    np.testing.assert_allclose(result.probability, 1 / sellers, rtol=0, atol=1e-10)
    assert result.verdict is Verdict.EQUILIBRIUM


def test_unequal_sellers_in_glut_the_larger_asks_more_and_is_chosen_more() -> None:
    # As above, markups τ/(1 − y). For y = (1/3, 2/3) they are 1.5 τ and 3 τ; then (M2) asks
    # y2/y1 = 2 = (S2/S1) exp(−1.5), so S2/S1 = 2 e^1.5.
    game = make_game([5.0, 10.0 * math.exp(1.5)], [3.0, 1.0], satisfaction=[2000.0 * 3.001, 2000.0 * 1.001])
    result = solve_period(game, make_rules())
    np.testing.assert_allclose(result.price_cny_per_mwh, [375.0, 450.0], rtol=0, atol=1e-7)
    np.testing.assert_allclose(result.probability, [[1 / 3, 2 / 3]] * 2, rtol=0, atol=1e-9)
    assert result.certificate is not None
    assert result.certificate.hhi == EXACT(5 / 9, abs=1e-9)


def test_choice_between_two_prices() -> None:
    # All of D wanted at both prices: y2/y1 = (S2/S1) exp(−(p2 − p1)/τ) = 3 e^−1.
    game = make_game([1.0, 3.0], [2.0], satisfaction=[2000.0 * 2.001])
    first = 1 / (1 + 3 / math.e)
    np.testing.assert_allclose(rest_point(game, np.array([400.0, 450.0])), [[first, 1 - first]], rtol=1e-12)


def two_peaks(high: float) -> tuple[float, float]:
    """The monopolist's two peaks: the price that serves both buyers, and the one that serves the first alone.

    B1: A = 4, D = 1, p_D = `high`. B2: A = 17, D = 2.9, p_D = 500, p_0 = 500·19.9/17 = 585.3. f = 300.
    R rises with both served up to 500: 200·3.9 = 780. Behind 500 its slope is 1 − 17 + 300·9950/p² = −4.06, up
    to 585.3, where B2 is gone; then R = p − 300 rises to `high` and falls behind it, with −4 + 300·5·high/p² < 0
    there for high > 375.
    """
    game = make_game(
        [9.0], [1.0, 2.9], satisfaction=[5.0 * high, 500.0 * 19.9], own_supply=[3.0, 16.0], base_power=1.0
    )
    return best_response(game, 0, same_price(game, 300.0)), 500.0


def test_of_two_local_maxima_the_higher_is_found() -> None:
    assert two_peaks(1100.0)[0] == EXACT(1100.0, rel=1e-12)  # 800·1 beats 780
    assert two_peaks(1070.0)[0] == EXACT(500.0, rel=1e-12)  # 770·1 does not


def test_gradient_can_rest_on_the_lower_maximum_and_does_not_claim_equilibrium() -> None:
    # The first of the two games above; gradient climbs from p_clr = 300 to the nearer peak: 780 instead of 800.
    game = make_game([9.0], [1.0, 2.9], satisfaction=[5500.0, 9950.0], own_supply=[3.0, 16.0], base_power=1.0)
    local = solve_period(game, make_rules(PriceRule.GRADIENT))
    assert local.price_cny_per_mwh[0] == EXACT(500.0, abs=2 * PRICE_STEP_CNY_PER_MWH)
    assert local.verdict is Verdict.UNCERTIFIED
    assert local.certificate is not None
    assert local.certificate.seller_regret_cny[0] == EXACT(20.0, abs=1e-4)
    assert local.certificate.better_price_cny_per_mwh[0] == EXACT(1100.0, abs=1e-3)
    assert "S1 would gain 20" in local.evidence
    best = solve_period(game, make_rules())
    assert best.verdict is Verdict.EQUILIBRIUM
    assert best.price_cny_per_mwh[0] == EXACT(1100.0, abs=1e-8)


def test_a_seller_that_gains_by_raising_leaves_the_clearing_price() -> None:
    # The interior monopoly above with S = 2 < D = 3: p_clr = 1600/(2 + 1) = 533.33, but at 800 the seller earns
    # 400·1 with half of its surplus unsold, more than 133.33·2.
    game = make_game([2.0], [3.0], satisfaction=[1600.0], base_power=1.0, floor=400.0)
    assert clearing_price(game) == EXACT(1600.0 / 3.0, abs=PRICE_STEP_CNY_PER_MWH)
    assert solve_period(game, make_rules()).price_cny_per_mwh[0] == EXACT(800.0, abs=1e-8)
