"""Claims: one period's game can be made up from bare numbers, and is solved, certified and answered as in a day;
whatever does not fit is told with its rule, value, place and remedy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import market
from market.game import pricing
from market.game import solver as equilibrium
from market.game.certificate.certify import certify
from market.scenario import load_scenario
from tests.market.instances import make_game, make_rules

TWO_BY_TWO: dict[str, Any] = {
    "surplus_mw": [3.0, 1.5],
    "deficit_mw": [2.0, 2.0],
    "own_supply_mw": [1.0, 0.0],
    "satisfaction_cny_per_h": [2700.0, 1500.0],
    "floor_cny_per_mwh": 400.0,
    "cap_cny_per_mwh": 1200.0,
}


def test_a_game_of_bare_numbers_is_the_game() -> None:
    game = market.PeriodGame.of(**TWO_BY_TWO)
    same = make_game([3.0, 1.5], [2.0, 2.0], satisfaction=[2700.0, 1500.0], own_supply=[1.0, 0.0], floor=400.0)
    for field in ("surplus_mw", "reserve_cny_per_mwh", "deficit_mw", "own_supply_mw", "satisfaction_cny_per_h"):
        np.testing.assert_array_equal(getattr(game, field), getattr(same, field))
        assert not getattr(game, field).flags.writeable
    assert (game.floor_cny_per_mwh, game.cap_cny_per_mwh) == (same.floor_cny_per_mwh, same.cap_cny_per_mwh)
    assert (game.sellers, game.buyers) == (same.sellers, same.buyers)


@pytest.mark.parametrize("temperature", [0.0, 50.0])
def test_the_door_solves_as_the_solver_does(temperature: float) -> None:
    game = market.PeriodGame.of(**TWO_BY_TWO, temperature_cny_per_mwh=temperature)
    result = market.solve_period(game)
    theirs = equilibrium.solve_period(game, make_rules())
    assert result.verdict is theirs.verdict
    np.testing.assert_array_equal(result.price_cny_per_mwh, theirs.price_cny_per_mwh)
    assert market.solve_period(game, load_scenario("five_vpp").public.market).verdict is theirs.verdict


def test_a_certificate_may_leave_the_buyers_to_answer() -> None:
    game = market.PeriodGame.of(**TWO_BY_TWO)
    result = market.solve_period(game)
    given = market.certify(game, result.price_cny_per_mwh, result.probability, result.requested_mw)
    answered = market.certify(game, result.price_cny_per_mwh.tolist())
    assert (
        given.epsilon_cny
        == certify(game, result.price_cny_per_mwh, result.probability, result.requested_mw).epsilon_cny
    )
    assert answered.epsilon_cny == pytest.approx(given.epsilon_cny, abs=1e-6)
    assert market.certify(game, [900.0, 900.0]).epsilon_cny > 1.0


def test_a_best_response_may_name_its_seller() -> None:
    game = market.PeriodGame.of(**TWO_BY_TWO, sellers=["Wind", "Sun"])
    prices = np.array([700.0, 650.0])
    best = pricing.best_response(game, 1, prices)
    assert market.best_response(game, "Sun", [700, 650]) == market.best_response(game, 1, prices) == best
    assert market.best_response(game, "Sun", [700, 1200]) == pytest.approx(best)  # its own price does not matter


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"surplus_mw": [3.0, 0.0]}, r"^surplus_mw\[1\]: must be a number above 0, at most 1e\+12; got 0.0; "),
        ({"deficit_mw": [np.nan, 2.0]}, r"^deficit_mw\[0\]: must be a number above 0, at most 1e\+12; got nan; "),
        (
            {"own_supply_mw": [-1.0, 0.0]},
            r"^own_supply_mw\[0\]: must be a number of 0 or more, at most 1e\+12; got -1.0; ",
        ),
        ({"satisfaction_cny_per_h": [1.0, 2.0, 3.0]}, r"one number, or one for each of 2; got .*\(3,\)"),
        ({"satisfaction_cny_per_h": "much"}, r"numbers stand here; got 'much'; give a number, or"),
        ({"surplus_mw": [[1.0], [2.0]]}, r"^surplus_mw: one number, or one for each of"),
        ({"floor_cny_per_mwh": [400.0, 500.0]}, r"^floor_cny_per_mwh: one number stands here; got .*\(2,\)"),
        ({"cap_cny_per_mwh": np.inf}, r"^cap_cny_per_mwh: must be a number above 0, at most 1e\+12; got inf; "),
        ({"temperature_cny_per_mwh": -1.0}, r"^temperature_cny_per_mwh: must be a number of 0 or more, at"),
        ({"feed_in_cny_per_mwh": 500.0}, r"^feed_in_cny_per_mwh: must not be above the floor; got 500.0; "),
        ({"reserve_cny_per_mwh": [399.0, 1201.0]}, r"(?s)reserve_cny_per_mwh\[0\].*reserve_cny_per_mwh\[1\]"),
        ({"sellers": ["A", "A"]}, r"^sellers: must be 2 different names; got \['A', 'A'\]; "),
        ({"temperature_cny_per_mwh": 0.0, "tick_cny_per_mwh": 1e-5}, r"^tick_cny_per_mwh: .* 1,000,000 ticks"),
    ],
)
def test_numbers_that_make_no_game_are_told(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(market.errors.ScenarioError, match=told):
        market.PeriodGame.of(**TWO_BY_TWO | changes)


NO_NUMBERS: tuple[object, ...] = (
    *("3", b"3", [True, False], [None, 1.0], ["3", 1], 3 + 0j, {}),
    np.ma.array([3.0, 1.0], mask=[False, True]),
)


@pytest.mark.parametrize("given", NO_NUMBERS, ids=repr)
@pytest.mark.parametrize("name", sorted(TWO_BY_TWO))
def test_what_is_no_number_is_not_made_one(name: str, given: object) -> None:
    with pytest.raises(market.errors.ScenarioError, match=f"^{name}: numbers stand here; got "):
        market.PeriodGame.of(**TWO_BY_TWO | {name: given})


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(market.errors.ScenarioError) as wrong:
        market.PeriodGame.of(**TWO_BY_TWO | {"surplus_mw": [-1.0, -2.0], "period_h": 0.0, "buyers": ["B"]})
    assert [fault.place for fault in wrong.value.faults] == [
        "surplus_mw[0]",
        "surplus_mw[1]",
        "period_h",
        "buyers",
    ]


@pytest.mark.parametrize(
    ("prices", "told"),
    [
        ([700.0], r"price_cny_per_mwh must have the shape \(2,\); got \(1,\)"),
        ([700.0, 1300.0], r"S2 may ask 400 to 1200 CNY/MWh; got 1300"),
        ([np.nan, 700.0], r"S1 may ask 400 to 1200 CNY/MWh; got nan"),
    ],
)
def test_prices_that_nobody_may_ask_are_told(prices: list[float], told: str) -> None:
    game = market.PeriodGame.of(**TWO_BY_TWO)
    with pytest.raises(market.errors.ModelError, match=told):
        market.certify(game, prices)
    with pytest.raises(market.errors.ModelError, match=told):
        market.best_response(game, 0, prices)


@pytest.mark.parametrize("seller", ["B1", 2, -1])
def test_only_a_seller_prices(seller: int | str) -> None:
    with pytest.raises(market.errors.ModelError, match="only a seller prices"):
        market.best_response(market.PeriodGame.of(**TWO_BY_TWO), seller, [700.0, 700.0])


def test_shapes_of_an_answer_are_told() -> None:
    game = market.PeriodGame.of(**TWO_BY_TWO)
    with pytest.raises(market.errors.ModelError, match=r"probability must have the shape \(2, 2\); got \(2,\)"):
        market.certify(game, [700.0, 700.0], [0.5, 0.5])


def test_a_game_without_a_band_is_not_traded() -> None:
    game = market.PeriodGame.of(**TWO_BY_TWO | {"cap_cny_per_mwh": 300.0, "feed_in_cny_per_mwh": 100.0})
    assert market.solve_period(game).verdict.value == "no_trade"
    with pytest.raises(market.errors.ModelError, match="nothing to trade"):
        market.certify(game, [700.0, 700.0])
