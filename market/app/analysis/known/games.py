"""Games of others with one number for each player: Bertrand, Cournot, a river basin, a newsvendor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final

import numpy as np

from market.app.analysis.known.answer import KnownAnswer
from market.continuous_game.certify import GameCertificate, certify_game
from market.continuous_game.game import ContinuousGame, Payoff
from market.continuous_game.solve import GameSolution, solve_game
from market.model.arrays import Array

CALVANO: Final = "Calvano, Calzolari, Denicolò & Pastorello 2020, AER 110(10), 3267-3297"
MURPHY: Final = "Murphy, Sherali & Soyster 1982, Mathematical Programming 24, 92-106"
KRAWCZYK: Final = "Krawczyk & Uryasev 2000, Environmental Modeling & Assessment 5, 63-73"
NEWSVENDOR: Final = "Pinson, Chevallier & Kariniotakis 2007, IEEE Trans. Power Systems 22(3), 1148-1156"


def known_games() -> Iterator[KnownAnswer]:
    """Every number of every game."""
    yield from _logit_duopoly()
    yield from _cournot()
    yield from _river_basin()
    yield from _newsvendor()


# --- Bertrand with logit demand --------------------------------------------------------------------------------

QUALITY, COST, SPREAD, OUTSIDE = 2.0, 1.0, 0.25, 0.0  # a, c, m and a0; m is what this market calls τ


def logit_duopoly() -> ContinuousGame:
    """Two firms ask prices; what they lose to each other and to the outside option goes by a logit."""
    return ContinuousGame.of([partial(_logit_profit, 0), partial(_logit_profit, 1)], low=COST, high=3.0)


def logit_cartel() -> ContinuousGame:
    """The same two as one, at one price: half of what both earn."""
    return ContinuousGame.of([lambda prices: _logit_profit(0, [prices[0]] * 2)], low=COST, high=3.0)


def _logit_profit(firm: int, prices: Sequence[Any]) -> Any:
    pull = [np.exp((QUALITY - price) / SPREAD) for price in prices]
    return (prices[firm] - COST) * pull[firm] / (sum(pull) + np.exp(OUTSIDE / SPREAD))


def _logit_duopoly() -> Iterator[KnownAnswer]:
    for name, game, price, profit in (
        ("logit duopoly", logit_duopoly(), "1.47293", "0.22293"),
        ("logit duopoly, joint profit", logit_cartel(), "1.92498", "0.33749"),
    ):
        found, proof = _solved(game)
        tell = _teller(name, CALVANO, proof)
        yield tell("price", price, found.choice[0])
        yield tell("profit of one firm", profit, float(game.payoff(0, found.choice.tolist())))


# --- Cournot ---------------------------------------------------------------------------------------------------

FIRM_COSTS: Final = ((10.0, 1.2), (8.0, 1.1), (6.0, 1.0), (4.0, 0.9), (2.0, 0.8))  # c_i, β_i


def cournot() -> ContinuousGame:
    """Five firms choose quantities; the price is (5000/Q)^(1/1.1)."""
    return ContinuousGame.of([partial(_cournot_profit, i) for i in range(len(FIRM_COSTS))], low=1.0, high=150.0)


def _cournot_profit(firm: int, made: Sequence[Any]) -> Any:
    """Revenue less c q + β/(β+1) · 5^(−1/β) · q^((β+1)/β)."""
    (cost, beta), own = FIRM_COSTS[firm], made[firm]
    price = (5000.0 / sum(made)) ** (1.0 / 1.1)
    return price * own - cost * own - beta / (beta + 1.0) * 5.0 ** (-1.0 / beta) * own ** ((beta + 1.0) / beta)


def _cournot() -> Iterator[KnownAnswer]:
    found, proof = _solved(cournot())
    tell = _teller("Cournot, five firms", MURPHY, proof)
    for i, published in enumerate(("36.9325", "41.8181", "43.7066", "42.6592", "39.1790")):
        yield tell(f"q{i + 1}", published, found.choice[i])


# --- river basin: constraints that all share -------------------------------------------------------------------

BASIN_COSTS: Final = ((0.1, 0.01), (0.12, 0.05), (0.15, 0.01))  # a_i, c_i
EMISSION: Final = np.array([0.5, 0.25, 0.75])
DECAY: Final = np.array([[6.5, 5.0, 5.5], [4.583, 6.25, 3.75]])


def river_basin() -> ContinuousGame:
    """Three firms on a river; at two stations together they must not pollute beyond 100."""
    payoffs: list[Payoff] = [partial(_basin_profit, i) for i in range(len(BASIN_COSTS))]
    return ContinuousGame.of(payoffs, low=0.0, high=100.0, constraints=DECAY * EMISSION, limits=[100.0, 100.0])


def _basin_profit(firm: int, made: Sequence[Any]) -> Any:
    (fixed, rising), own = BASIN_COSTS[firm], made[firm]
    return (3.0 - 0.01 * sum(made)) * own - (fixed + rising * own) * own


def _river_basin() -> Iterator[KnownAnswer]:
    found, proof = _solved(river_basin())
    tell = _teller("river basin, variational equilibrium", KRAWCZYK, proof)
    for i, published in enumerate(("21.145", "16.028", "2.726")):
        yield tell(f"x{i + 1}", published, found.choice[i])
    for i, published in enumerate(("0.574", "0.000")):
        yield tell(f"multiplier {i + 1}", published, found.multiplier[i])


# --- newsvendor ------------------------------------------------------------------------------------------------

DAY_AHEAD, EXCESS, LACK = 500.0, 380.0, 700.0  # β, β⁻ and β⁺, CNY/MWh


def newsvendor() -> ContinuousGame:
    """A wind plant schedules x of an output that is uniform on 0…1; excess earns β⁻, lack costs β⁺."""
    return ContinuousGame.of([_schedule_profit], low=0.0, high=1.0)


def _schedule_profit(scheduled: Sequence[Any]) -> Any:
    """β x + β⁻ E(w − x)⁺ − β⁺ E(x − w)⁺."""
    x = scheduled[0]
    return DAY_AHEAD * x + EXCESS * (1.0 - x) ** 2 / 2.0 - LACK * x**2 / 2.0


def _newsvendor() -> Iterator[KnownAnswer]:
    found, proof = _solved(newsvendor())
    tell = _teller("newsvendor, uniform output", NEWSVENDOR, proof)
    yield tell("quantile (β − β⁻)/(β⁺ − β⁻)", "0.375", found.choice[0])


# --- all of them -----------------------------------------------------------------------------------------------


def _solved(game: ContinuousGame) -> tuple[GameSolution, GameCertificate]:
    found = solve_game(game)
    prices: Array | None = found.multiplier if found.multiplier.size else None
    return found, certify_game(game, found.choice, prices)


def _teller(game: str, source: str, proof: GameCertificate) -> Callable[[str, str, float], KnownAnswer]:
    def tell(quantity: str, published: str, computed: float) -> KnownAnswer:
        bound = proof.epsilon_bound + proof.slackness
        return KnownAnswer(game, quantity, source, published, float(computed), bound, proof.rigorous)

    return tell
