"""Claims about games of one number each: the certificate finds every gain and bounds it, rounding included; the
solver finds equilibria that are known, and says where it cannot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import exp, log
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import market
from market.continuous_game.enclosure import Enclosure
from market.continuous_game.interval import Interval
from market.errors import ModelError
from market.model.arrays import Array, frozen

FINITE = st.floats(-1e6, 1e6, allow_nan=False).filter(lambda x: x == 0.0 or abs(x) > 1e-6)


def monopoly(payoff: Callable[[Any], Any], low: float, high: float) -> market.ContinuousGame:
    return market.ContinuousGame.of([lambda x: payoff(x[0])], low, high)


# --- intervals ---


@given(a=st.tuples(FINITE, FINITE), b=st.tuples(FINITE, FINITE), share=st.tuples(*[st.floats(0, 1)] * 2))
def test_an_operation_on_intervals_holds_the_exact_result_of_any_numbers_in_them(
    a: tuple[float, float], b: tuple[float, float], share: tuple[float, float]
) -> None:
    first, second = (Interval.of([min(ends)], [max(ends)]) for ends in (a, b))
    x, y = (min(e) + s * (max(e) - min(e)) for e, s in zip((a, b), share, strict=True))
    x, y = min(max(x, min(a)), max(a)), min(max(y, min(b)), max(b))
    exact = {
        "+": (first + second, Fraction(x) + Fraction(y)),
        "-": (first - second, Fraction(x) - Fraction(y)),
        "*": (first * second, Fraction(x) * Fraction(y)),
        "²": (first.power(2.0), Fraction(x) ** 2),
    }
    if y != 0.0:
        exact["/"] = (first / second, Fraction(x) / Fraction(y))
    for name, (found, number) in exact.items():
        low, high = float(found.low[0]), float(found.high[0])
        assert low == -np.inf or Fraction(low) <= number, name
        assert high == np.inf or number <= Fraction(high), name


@given(x=st.floats(1e-6, 50.0), wide=st.floats(0.0, 5.0), power=st.sampled_from([-2.0, -0.5, 0.5, 1.7, 3.0]))
def test_functions_of_an_interval_hold_the_function_of_its_ends(x: float, wide: float, power: float) -> None:
    interval = Interval.of([x], [x + wide])
    for end in (x, x + wide):
        for found, number in (
            (interval.exp(), exp(end)),
            (interval.log(), log(end)),
            (interval.power(power), end**power),
        ):
            assert float(found.low[0]) <= number <= float(found.high[0])


WRITTEN: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("polynomial", lambda x: 3.0 * x**3 - x * (2.0 - x) + 1.0 / (x + 2.0)),
    ("logit", lambda x: x * np.exp(-2.0 * x) / (np.exp(-2.0 * x) + 0.5)),
    ("root", lambda x: np.sqrt(x + 1.0) * np.log(x + 2.0) - 2.0**x),
    ("kinks", lambda x: np.minimum(x, 1.0 - x) + np.maximum(0.2, x * x)),
)


@pytest.mark.parametrize(("name", "function"), WRITTEN, ids=[name for name, _ in WRITTEN])
@given(low=st.floats(0.0, 2.0), wide=st.floats(1e-3, 1.0), share=st.floats(0.01, 0.99))
def test_an_enclosure_holds_value_and_slope_anywhere_in_its_cell(
    name: str, function: Callable[[Any], Any], low: float, wide: float, share: float
) -> None:
    found = function(Enclosure.own(np.array([low]), np.array([low + wide])))
    at, step = low + share * wide, 1e-7
    value, slope = float(function(at)), float(function(at + step) - function(at - step)) / (2.0 * step)
    assert found.value.low[0] <= value <= found.value.high[0]
    assert found.slope.low[0] - 1e-6 <= slope <= found.slope.high[0] + 1e-6


# --- the certificate ---


@pytest.mark.parametrize(("name", "function"), WRITTEN, ids=[name for name, _ in WRITTEN])
@pytest.mark.parametrize("at", [0.0, 0.3, 1.7, 2.0])
def test_the_regret_is_that_of_trying_every_number_and_the_bound_is_above_it(
    name: str, function: Callable[[Any], Any], at: float
) -> None:
    certificate = market.certify_game(monopoly(function, 0.0, 2.0), [at])
    tried = max(float(function(x)) for x in np.linspace(0.0, 2.0, 100_001).tolist()) - float(function(at))
    assert certificate.rigorous
    assert certificate.regret[0] >= tried - 1e-8
    assert certificate.regret_bound[0] >= max(tried, certificate.regret[0])
    assert certificate.regret_bound[0] <= certificate.regret[0] + 1e-8
    better = float(certificate.better_choice[0])
    assert float(function(better)) - float(function(at)) == pytest.approx(certificate.regret[0], abs=1e-9)


def test_a_narrow_peak_is_found_however_narrow_it_is() -> None:
    """A search on any grid of less than a hundred thousand points would miss it; the bound cannot."""
    peak = 1.0 / 3.0
    game = monopoly(lambda x: 0.1 * x + 1.0 / (1.0 + ((x - peak) * 1e6) ** 2), 0.0, 1.0)
    certificate = market.certify_game(game, [1.0])
    assert certificate.rigorous
    assert certificate.better_choice[0] == pytest.approx(peak, abs=1e-9)
    assert certificate.regret[0] == pytest.approx(1.0 + 0.1 * peak - 0.1, abs=1e-6)


def test_a_payoff_that_cannot_be_enclosed_is_searched_and_nothing_is_called_proved() -> None:
    def stepped(x: Any) -> float:
        return float(np.floor(float(x) * 4.0)) - float(x)

    certificate = market.certify_game(monopoly(stepped, 0.0, 1.0), [0.0])
    assert not certificate.rigorous
    assert np.isnan(certificate.regret_bound[0])
    assert certificate.regret[0] == pytest.approx(3.0, abs=1e-3)


def test_shared_constraints_leave_less_to_choose_from_and_multipliers_price_them() -> None:
    """min cost of making 1 together: costs x²/2 and x²; the multiplier is 2/3, the shares 2/3 and 1/3."""
    game = market.ContinuousGame.of(
        [lambda x: -x[0] * x[0] / 2.0, lambda x: -x[1] * x[1]],
        low=0.0,
        high=1.0,
        constraints=[[-1.0, -1.0]],
        limits=[-1.0],
    )
    found = market.solve_game(game)
    assert found.choice == pytest.approx([2.0 / 3.0, 1.0 / 3.0], abs=1e-9)
    assert found.multiplier == pytest.approx([2.0 / 3.0], abs=1e-9)
    assert market.certify_game(game, found.choice, found.multiplier).epsilon_bound < 1e-9
    elsewhere = market.certify_game(game, [0.5, 0.5])  # nobody may make less alone
    assert elsewhere.epsilon_bound < 1e-9
    assert elsewhere.violation.tolist() == [0.0]
    priced = market.certify_game(game, [0.5, 0.5], found.multiplier)
    assert priced.regret == pytest.approx([1 / 72, 1 / 36], abs=1e-9)
    broken = market.certify_game(game, [0.2, 0.2])
    assert broken.violation == pytest.approx([0.6])
    assert elsewhere.rigorous
    assert not broken.rigorous
    assert market.certify_game(game, np.round(found.choice, 7), found.multiplier).rigorous


# --- the solver ---


@pytest.mark.parametrize("seed", range(20))
def test_linear_cournot_markets_come_to_their_closed_form(seed: int) -> None:
    """Price a − Σ q, cost c_i q: q_i = p − c_i where that is above 0, which a search over who sells confirms."""
    draw = np.random.default_rng(seed)
    count, top = int(draw.integers(2, 8)), 10.0
    costs = np.sort(draw.uniform(0.0, 9.0, count))

    def profit(i: int) -> Callable[[Sequence[Any]], Any]:
        return lambda q: (top - sum(q) - float(costs[i])) * q[i]

    game = market.ContinuousGame.of([profit(i) for i in range(count)], 0.0, top)
    found = market.solve_game(game)
    assert found.choice == pytest.approx(_cournot(costs, top), abs=1e-8)
    assert market.certify_game(game, found.choice).epsilon_bound < 1e-7


def _cournot(costs: Array, top: float) -> Array:
    for sellers in range(len(costs), 0, -1):
        price = (top + costs[:sellers].sum()) / (sellers + 1)
        if price >= costs[sellers - 1]:
            break
    return frozen(np.where(np.arange(len(costs)) < sellers, price - costs, 0.0))


def test_ends_of_intervals_are_answers_too() -> None:
    game = market.ContinuousGame.of([lambda x: x[0], lambda x: -x[1] * (1.0 + x[0])], [0.0, 1.0], [3.0, 2.0])
    assert market.solve_game(game).choice == pytest.approx([3.0, 1.0])


def test_who_cannot_be_solved_is_told_so() -> None:
    matching = market.ContinuousGame.of([lambda x: abs(x[0]), lambda x: -x[1]], 1.0, 2.0)
    assert market.certify_game(matching, [1.0, 1.0]).regret.tolist() == [1.0, 0.0]

    def unwilling(x: Any) -> float:
        return float(x[0])

    with pytest.raises(ModelError, match="differentiated"):
        market.solve_game(market.ContinuousGame.of([unwilling], 0.0, 1.0))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"payoffs": [], "low": 0.0, "high": 1.0}, "at least one player"),
        ({"payoffs": [abs], "low": 1.0, "high": 0.0}, "empty"),
        ({"payoffs": [abs], "low": 0.0, "high": float("inf")}, "finite"),
        ({"payoffs": [abs], "low": [0.0, 1.0], "high": 1.0}, "one for each"),
        ({"payoffs": [abs, abs], "low": 0.0, "high": 1.0, "players": ["A", "A"]}, "different names"),
        ({"payoffs": [abs], "low": 0.0, "high": 1.0, "constraints": [[1.0, 1.0]], "limits": [1.0]}, "shape"),
    ],
)
def test_a_game_that_is_none_is_refused_in_words(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        market.ContinuousGame.of(**arguments)


def test_choices_outside_their_interval_and_multipliers_below_zero_are_refused() -> None:
    game = market.ContinuousGame.of([lambda x: x[0]], 0.0, 1.0, constraints=[[1.0]], limits=[1.0])
    with pytest.raises(ModelError, match="may choose 0 to 1; got 2"):
        market.certify_game(game, [2.0])
    with pytest.raises(ModelError, match="multipliers"):
        market.certify_game(game, [0.5], [-1.0])
    with pytest.raises(ModelError, match="shape"):
        market.certify_game(game, [0.5, 0.5])
