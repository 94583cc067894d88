"""Claim: whatever an argument of a public function is given, it is taken, or refused with one error of ours; never
an error of Python's own from somewhere inside. Which functions are public is listed in `market.__all__`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

import market
from tests.sampling import sampled

GAME: Final[Mapping[str, Any]] = {
    "surplus_mw": [3.0, 1.5],
    "deficit_mw": [2.0, 2.0],
    "satisfaction_cny_per_h": [1800.0, 1500.0],
    "floor_cny_per_mwh": 400.0,
    "cap_cny_per_mwh": 1200.0,
}
PARABOLA: Final[Mapping[str, Any]] = {"payoffs": [lambda x: -(x[0] ** 2)], "low": 0.0, "high": 1.0}
WORTH: Final[Mapping[str, Any]] = {"players": "AB", "worth": {"A": 1.0, "B": 1.0, "AB": 3.0}}

CALLS: Final[Mapping[str, tuple[Callable[..., object], Mapping[str, Any]]]] = {
    "run": (market.run, {"scenario": "two_vpp"}),
    "run_days": (market.run_days, {"scenario": "two_vpp", "days": 1}),
    "sweep": (market.sweep, {"scenarios": "two_vpp", "jobs": 1}),
    "parallel_env": (market.parallel_env, {"scenarios": "two_vpp"}),
    "load": (market.load, {}),
    "open_run": (market.open_run, {"folder": "nowhere"}),
    "open_days": (market.open_days, {"folder": "nowhere"}),
    "Scenario.with_": (market.load("two_vpp").with_, {"changes": {}}),
    "PeriodGame.of": (market.PeriodGame.of, GAME),
    "solve_period": (market.solve_period, {"game": market.PeriodGame.of(**GAME)}),
    "certify": (market.certify, {"game": market.PeriodGame.of(**GAME), "price_cny_per_mwh": [500.0, 500.0]}),
    "best_response": (
        market.best_response,
        {"game": market.PeriodGame.of(**GAME), "seller": 0, "price_cny_per_mwh": [500.0, 500.0]},
    ),
    "ContinuousGame.of": (market.ContinuousGame.of, PARABOLA),
    "solve_game": (market.solve_game, {"game": market.ContinuousGame.of(**PARABOLA)}),
    "certify_game": (market.certify_game, {"game": market.ContinuousGame.of(**PARABOLA), "choice": [0.5]}),
    "CoalitionGame.of": (market.CoalitionGame.of, WORTH),
    "worth_of": (market.CoalitionGame.of(**WORTH).worth_of, {"members": "A"}),
    "nucleolus": (market.nucleolus, {"game": market.CoalitionGame.of(**WORTH)}),
    "shapley_value": (market.shapley_value, {"game": market.CoalitionGame.of(**WORTH)}),
    "bandit": (market.bandit, {}),
    "q_learning": (market.q_learning, {}),
    "TabularLearner": (market.TabularLearner, {"how": market.bandit(), "seed": 0}),
}
"""Each public function with arguments that it takes."""

ODD: Final[tuple[Any, ...]] = (
    *(None, True, 5, -1, 2.5, float("nan"), float("inf"), 10**30, -(10**30), 1 + 2j),
    *("", "x", b"x", "\0", Path("nowhere"), object(), int, iter([1])),
    *([], {}, (), [None], ["x"], {"a": 1}, {1: 2}, [[1.0]], range(2)),
    *(np.array(3), np.array([1.0, 2.0]), np.float64(0.5), np.array(["x"])),
)
SLOW: Final = ("run", "run_days", "sweep", "parallel_env")
ARGUMENTS: Final = [
    (name, argument) for name, (call, _) in CALLS.items() for argument in inspect.signature(call).parameters
]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_what_an_argument_does_not_take_is_told(name: str, argument: str) -> None:
    values = sampled(ODD, 3, f"{name} {argument}") if name in SLOW else ODD
    # who listens is called if it can be, and what it says then is its own
    tried = [value for value in values if not (argument == "on_progress" and callable(value))]
    assert [told for value in tried if (told := escaped(name, argument, value))] == []


def escaped(name: str, argument: str, value: object) -> str:
    """The error that is none of ours where one argument is that value; nothing where there is none."""
    call, sound = CALLS[name]
    try:
        call(**{**sound, argument: value})
    except market.errors.MarketError:
        return ""
    except Exception as error:
        return f"{value!r}: {type(error).__name__}: {error}"
    return ""


def test_every_public_function_is_called() -> None:
    functions = {name for name in market.__all__ if inspect.isfunction(getattr(market, name))}
    assert functions - set(CALLS) == set()


def test_who_listens_must_be_a_function() -> None:
    with pytest.raises(
        market.errors.ScenarioError, match=r"^on_progress: must be a function .*got 5; give one such"
    ):
        market.run("two_vpp", on_progress=5)  # type: ignore[arg-type]


@pytest.mark.parametrize("answer", [None, "5", [1.0], float("nan"), object()])
def test_what_a_payoff_answers_must_be_a_number(answer: object) -> None:
    game = market.ContinuousGame.of([lambda x: answer], low=0.0, high=1.0)
    with pytest.raises(market.errors.ModelError, match="the payoff of player 1"):
        market.solve_game(game)
    with pytest.raises(market.errors.ModelError, match="the payoff of player 1"):
        market.certify_game(game, [0.5])
