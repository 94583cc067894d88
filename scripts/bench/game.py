"""Measures the games: whole days solved and certified as the market grows, and a node's two answers.

Prints seconds, and ratios to a reference in the same run: as many exponentials as one pass over all pairs of
buyers and sellers at 64 prices would take, or a million of them for a node's answers. Absolute times hold for
the machine and its load only. Run it as `python scripts/bench/game.py [VPPS …]`, by default 5 20 100.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from market.game.buyers import answer_day
from market.game.clearing.clearing_price import clearing_price
from market.game.period import PeriodGame
from market.game.pricing import PriceMove, fresh_memory, reprice, reprice_all
from market.game.result import worst
from market.game.solver import negotiate, solve_day
from market.model.arrays import frozen
from market.model.rules import MarketRules

PERIODS, PRICES, MILLION = 24, 64, 1_000_000
RULES = MarketRules()


def random_market(vpps: int, sellers: int, period: int) -> PeriodGame:
    """A period in which `sellers` of the VPPs sell; S/D from 0.3 to 3, buyers with and without own supply."""
    rng = np.random.default_rng([vpps, period])
    buyers = vpps - sellers
    deficit, surplus = rng.uniform(0.5, 6.0, buyers), rng.uniform(0.5, 6.0, sellers)
    own = rng.uniform(0.0, 6.0, buyers) * (rng.random(buyers) < 0.5)
    surplus *= np.exp(rng.uniform(np.log(0.3), np.log(3.0))) * deficit.sum() / surplus.sum()
    feed_in = float(rng.choice([320.0, 400.0, 480.0]))
    return PeriodGame(
        period=period,
        period_h=1.0,
        floor_cny_per_mwh=feed_in,
        cap_cny_per_mwh=feed_in + 500.0,
        feed_in_cny_per_mwh=feed_in,
        temperature_cny_per_mwh=RULES.choice_temperature_cny_per_mwh,
        base_power_mw=RULES.base_power_mw,
        tick_cny_per_mwh=RULES.price_tick_cny_per_mwh,
        sellers=tuple(f"S{j + 1}" for j in range(sellers)),
        surplus_mw=frozen(surplus),
        reserve_cny_per_mwh=frozen(np.full(sellers, feed_in)),
        buyers=tuple(f"B{i + 1}" for i in range(buyers)),
        deficit_mw=frozen(deficit),
        own_supply_mw=frozen(own),
        satisfaction_cny_per_h=frozen(0.85 * rng.uniform(500.0, 1100.0, buyers) * (0.001 + own + deficit)),
    )


def seconds(act: Callable[[], object], repeats: int) -> float:
    """Median time of a deed; the first try is not counted."""
    taken = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        act()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[1:] if repeats > 1 else taken[-1:])


def exponentials_s(count: int) -> float:
    """Time of `count` exponentials, taken a million at a time at most."""
    numbers = np.linspace(-1.0, 1.0, min(count, MILLION))
    return seconds(lambda: np.exp(numbers), 9) * count / numbers.size


def solving(sizes: list[int]) -> None:
    """Days of markets that grow, two fifths of the VPPs selling."""
    print(f"solve_day, {PERIODS} periods; reference: exponentials, {PRICES} for each seller, buyer and period")
    columns = f"{'reference s':>12} {'priced s':>9} {'ratio':>7} {'solved s':>9} {'ratio':>7}"
    print(f"{'VPPs':>6} {columns}  rounds, verdict")
    for vpps in sizes:
        sellers = max(1, 2 * vpps // 5)
        games = [random_market(vpps, sellers, period) for period in range(PERIODS)]
        reference = exponentials_s(PERIODS * sellers * (vpps - sellers) * PRICES)
        repeats = 3 if vpps <= 20 else 1
        priced = seconds(lambda games=games: negotiate(games, RULES), repeats)  # type: ignore[misc]
        solved = seconds(lambda games=games: solve_day(games, RULES), repeats)  # type: ignore[misc]
        results = solve_day(games, RULES) if vpps <= 100 else ()
        ending = f"{max((r.rounds for r in results), default=0)}, {worst([r.verdict for r in results])}"
        print(
            f"{vpps:6d} {reference:12.5f} {priced:9.3f} {priced / reference:7.0f} {solved:9.3f} "
            f"{solved / reference:7.0f}  {ending if results else 'not asked'}"
        )


def answering() -> None:
    """What one node does when offers of a whole day arrive: 3 sellers for a buyer, 2 sellers and 3 buyers else."""
    reference = exponentials_s(MILLION)
    bought = [random_market(5, 3, period) for period in range(PERIODS)]
    sold = [random_market(5, 2, period) for period in range(PERIODS)]
    offers = [np.full(3, clearing_price(game)) + np.array([0.0, 7.0, 12.0]) for game in bought]
    turns = [PriceMove(game, 0, np.full(2, clearing_price(game)), fresh_memory(RULES)) for game in sold]
    deeds: tuple[tuple[str, Callable[[], object]], ...] = (
        ("answer_day, 24 periods", lambda: answer_day("B1", bought, offers, RULES)),
        ("reprice_all, 24 periods", lambda: reprice_all(RULES, turns)),
        (
            "reprice, 24 times",
            lambda: [reprice(RULES, turn.game, turn.seller, turn.prices, turn.memory) for turn in turns],
        ),
    )
    print(f"reference: {MILLION} exponentials, {1e3 * reference:.2f} ms")
    for name, deed in deeds:
        taken = seconds(deed, 15)
        print(f"  {name:24} {1e3 * taken:7.2f} ms, ratio {taken / reference:6.2f}")


if __name__ == "__main__":
    answering()
    solving([int(argument) for argument in sys.argv[1:]] or [5, 20, 100])
