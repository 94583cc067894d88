"""Claims about consensus where units are switched on and off, with participants whose best days are listed.

Each needs some power in each period. It has a block that gives one power or none, and the grid, which sells and
buys at two prices.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from math import inf

import numpy as np
import pytest

from market.coordination.commitments import SearchStage
from market.coordination.consensus import (
    Consensus,
    ConsensusSearch,
    Judged,
    OwnChoice,
    Participant,
    Scale,
    answer_of,
    find_consensus,
    judged_by,
)
from market.model.arrays import Array
from market.model.rules import Horizon, MarketRules, Tariff

HOURS = 1.0
PERIODS = 2
HORIZON = Horizon(periods=PERIODS, period_h=HOURS)
TARIFF = Tariff(np.full(PERIODS, 1000.0), np.full(PERIODS, 300.0))
STEP = np.full(PERIODS, 300.0)
SCALE = Scale(typical_mw=1.0, step=STEP, reach_mw=1.0)


@dataclass(frozen=True)
class Block:
    """Needs `load_mw` in each period; its block gives `block_mw` in those in which it is on."""

    load_mw: tuple[float, float]
    block_mw: float
    cost_cny_per_h: float

    def cost_cny(self, net_in: Array, choice: OwnChoice | None = None) -> float:
        """F(z)."""
        return min(self.with_block(net_in, on) for on in product((0.0, 1.0), repeat=PERIODS))

    def with_block(self, net_in: Array, on: tuple[float, ...]) -> float:
        """What a day with this exchange costs; `on` may be a share."""
        rest = np.array(self.load_mw) - self.block_mw * np.array(on) - net_in
        bought, sold = np.maximum(rest, 0.0), np.maximum(-rest, 0.0)
        return float(HOURS * (1000.0 * bought - 300.0 * sold).sum() + HOURS * self.cost_cny_per_h * sum(on))

    def answer(self, price: Array, anchor: Array, step: Array, choice: tuple[float, ...] | None) -> Array:
        """The best z on a fine grid, and where nothing has been chosen the best share that is on."""
        shares = np.linspace(0.0, 1.0, 101)
        powers = np.linspace(-4.0, 4.0, 801)
        best = np.zeros(PERIODS)
        for t in range(PERIODS):
            on = shares if choice is None else np.array([choice[t]])
            rest = self.load_mw[t] - self.block_mw * on[:, None] - powers[None, :]
            cost = 1000.0 * np.maximum(rest, 0.0) - 300.0 * np.maximum(-rest, 0.0)
            cost = cost + self.cost_cny_per_h * on[:, None] + price[t] * powers
            cost = cost + step[t] / 2 * (powers - anchor[t]) ** 2
            best[t] = powers[np.unravel_index(int(cost.argmin()), cost.shape)[1]]
        return best

    def chosen(self, choice: OwnChoice) -> tuple[float, ...]:
        """The states of the best answer there."""

        def best(on: tuple[float, ...]) -> float:
            z = self.answer(choice.price_cny_per_mwh, choice.anchor_mw, choice.step, on)
            far = float((choice.step / 2 * (z - choice.anchor_mw) ** 2).sum())
            return self.with_block(z, on) + float(choice.price_cny_per_mwh @ z) + far

        return min(product((0.0, 1.0), repeat=PERIODS), key=best)

    def least_cny(self, price: Array, proof: bool = True, net_in_mw: Array | None = None) -> float:
        """min F(z) + π z for |z| up to 4 MW."""
        total = 0.0
        for t in range(PERIODS):
            powers = np.linspace(-4.0, 4.0, 801)
            ways = []
            for on in (0.0, 1.0):
                rest = self.load_mw[t] - self.block_mw * on - powers
                cost = 1000.0 * np.maximum(rest, 0.0) - 300.0 * np.maximum(-rest, 0.0)
                ways.append(float((cost + self.cost_cny_per_h * on + price[t] * powers).min()))
            total += HOURS * min(ways)
        return total - 1e-6

    def participant(self, name: str) -> Participant:
        """As consensus sees it."""

        def answer(price: Array, anchor: Array, scale: Scale, choice: OwnChoice | None) -> Array:
            return self.answer(price, anchor, scale.step, None if choice is None else self.chosen(choice))

        return Participant(name, answer, self.cost_cny, self.least_cny, commits=True)


BLOCKS = (Block((1.0, 2.0), 2.0, 900.0), Block((1.5, 0.2), 1.6, 820.0), Block((0.4, 0.9), 0.0, 0.0))
NAMED = [block.participant(name) for name, block in zip("ABC", BLOCKS, strict=True)]


def together_cny() -> float:
    """The cheapest states of all blocks, by trying them all; whatever is exchanged costs nothing."""
    load = np.sum([block.load_mw for block in BLOCKS], axis=0)
    best = inf
    for states in product(product((0.0, 1.0), repeat=PERIODS), repeat=len(BLOCKS)):
        made = sum(block.block_mw * np.array(on) for block, on in zip(BLOCKS, states, strict=True))
        rest = load - made
        cost = float((1000.0 * np.maximum(rest, 0.0) - 300.0 * np.maximum(-rest, 0.0)).sum())
        cost += sum(block.cost_cny_per_h * sum(on) for block, on in zip(BLOCKS, states, strict=True))
        best = min(best, cost)
    return best


def agreed(rounds: int = 200) -> Consensus:
    rules = replace(MarketRules(), consensus_rounds=rounds)
    return find_consensus(NAMED, SCALE, TARIFF, HORIZON, rules)


ALONE_CNY = sum(block.cost_cny(np.zeros(PERIODS)) for block in BLOCKS)


@pytest.fixture(scope="module")
def found() -> Consensus:
    return agreed()


def test_blocks_are_switched_as_one_plan_for_all_would_switch_them(found: Consensus) -> None:
    """Answers lie on a grid of 0.01 MW."""
    assert together_cny() < ALONE_CNY - 100.0
    assert ALONE_CNY - found.settled.saving_cny == pytest.approx(together_cny(), abs=40.0)
    assert found.settled.regrets_cny >= ALONE_CNY - found.settled.saving_cny - together_cny() - 1e-9


def test_what_is_settled_is_the_cheapest_exchange_at_the_prices_of_the_highest_bound(found: Consensus) -> None:
    last, before = found.rounds[-1], found.rounds[:-1]
    assert found.settled is last
    assert last.saving_cny == max(each.saving_cny for each in before)
    bounds = [each.saving_cny + each.regrets_cny for each in before]
    assert last.saving_cny + last.regrets_cny == pytest.approx(min(bounds), abs=1e-5)
    cheapest = next(each for each in before if each.saving_cny == last.saving_cny)
    assert (last.net_in_mw == cheapest.net_in_mw).all()
    assert last.number < 200


def test_all_choose_several_times_each_time_from_the_cheapest_so_far() -> None:
    search = ConsensusSearch(len(NAMED), SCALE, TARIFF, HORIZON, replace(MarketRules(), consensus_rounds=200))
    legs: dict[int, list[float]] = {}
    steps = []
    while not search.over:
        now = search.standing
        judged = [judged_by(each, now, k, HOURS) for k, each in enumerate(NAMED)]
        search.judged(judged)
        if search.over:
            break
        before = now.commitments.made
        search.answered(np.array([answer_of(each, now, k) for k, each in enumerate(NAMED)]))
        made, choice = search.standing.commitments.made, search.standing.commitments.choice
        legs.setdefault(before, []).append(sum(each.saving_cny for each in judged))
        if made > before and choice is not None:
            steps.append(choice.step / STEP)
            best = search.standing.commitments.best
            assert best is not None
            done = [max(savings) for leg, savings in legs.items() if leg or made == 1]
            assert best.saving_cny == max(done)
    looks = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0]
    assert [float(step[0, 0]) for step in steps] == pytest.approx(looks)
    assert [float(step[1, 0]) for step in steps] == pytest.approx([*looks[1:], looks[0]])
    assert search.standing.commitments.stage is SearchStage.CHEAPEST


@pytest.mark.parametrize("count", [3, 4, 6])
def test_of_plants_that_are_alike_as_many_start_as_should(count: int) -> None:
    """Were all to choose alike, all would start or none, and there would be nothing to trade. (Of two both do.)"""
    blocks = [Block((1.0, 1.0), 2.5, 900.0)] * count
    alike = [block.participant(f"P{k}") for k, block in enumerate(blocks)]
    found = find_consensus(alike, SCALE, TARIFF, HORIZON, MarketRules())
    alone = sum(block.cost_cny(np.zeros(PERIODS)) for block in blocks)
    rest = [count - 2.5 * on for on in range(count + 1)]
    grid = [1000.0 * max(power, 0.0) - 300.0 * max(-power, 0.0) for power in rest]
    optimum = PERIODS * min(cost + 900.0 * on for on, cost in enumerate(grid))
    assert optimum < alone - 100.0
    assert alone - found.settled.saving_cny == pytest.approx(optimum, abs=40.0)


def test_where_nothing_can_be_balanced_prices_stay_finite() -> None:
    """What both answer misses by 4 MW for ever: ρ grows to 1,024 times what it was, and no further."""
    search = ConsensusSearch(2, SCALE, TARIFF, HORIZON, MarketRules())
    for _ in range(150):
        search.judged([Judged(5.0, 10.0), Judged(0.0, 0.0)])
        search.answered(np.full((2, PERIODS), 2.0))
    assert (search.standing.scale.step == 1024.0 * STEP).all()
    assert np.abs(search.standing.price_cny_per_mwh).max() < 1024.0 * 300.0 * 2.0 * 5.0 * 151


def test_where_nobody_commits_units_nothing_is_chosen() -> None:
    search = ConsensusSearch(2, SCALE, TARIFF, HORIZON, MarketRules())
    for _ in range(60):
        search.judged([Judged(5.0, 10.0), Judged(0.0, 0.0)])
        search.answered(np.zeros((2, PERIODS)))
    assert search.standing.commitments.made == 0
    assert search.standing.choice(0) is None


def test_a_leg_ends_even_if_nothing_comes_to_rest() -> None:
    """Fifty rounds, then twelve each, and after 85 no other choice: so a day ends within the budget of 200."""
    search = ConsensusSearch(2, SCALE, TARIFF, HORIZON, replace(MarketRules(), consensus_rounds=10_000))
    ends, legs = [], 0
    while not search.over:
        search.judged([Judged(5.0, 10.0, commits=True), Judged(0.0, 0.0)])
        if search.over:
            break
        sign = (-1.0) ** search.standing.number
        search.answered(np.array([[sign, 0.0], [0.0, sign]]))
        if search.standing.commitments.begun > legs:
            legs = search.standing.commitments.begun
            ends.append(legs)
    assert ends == [50, 62, 74, 86]
    assert search.standing.number == 86 + 80 + 1


def test_who_has_no_such_day_is_never_what_is_settled() -> None:
    """From round 1 on B has no day: what is judged last is no trade."""
    search = ConsensusSearch(2, SCALE, TARIFF, HORIZON, MarketRules())
    while not search.over:
        none = Judged(inf, -inf, commits=True)
        search.judged([Judged(5.0, 0.0), none if search.standing.net_in_mw.any() else Judged(3.0, 0.0, True)])
        if not search.over:
            search.answered(np.array([[1.0, 1.0], [-1.0, -1.0]]))
    assert not search.found.settled.net_in_mw.any()
