"""Claims about consensus on prices (M7), with participants whose costs are known in closed form."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np
import pytest

from market.coordination.consensus import (
    Consensus,
    ConsensusSearch,
    Judged,
    OwnChoice,
    Participant,
    Scale,
    balanced_exchange,
    find_consensus,
)
from market.model.arrays import Array
from market.model.rules import Horizon, MarketRules, Tariff

HOURS = 0.5
STEP = np.array([100.0, 100.0])
HORIZON = Horizon(periods=2, period_h=HOURS)
TARIFF = Tariff(np.array([800.0, 1200.0]), np.array([300.0, 400.0]))


def quadratic(vpp: str, slope: float, wanted: Array, most_mw: float = inf) -> Participant:
    """F(z) = Δt Σ_t slope/2 (wanted_t − z_t)², for |z| ≤ most_mw."""

    def answer(price: Array, anchor: Array, scale: Scale, choice: OwnChoice | None) -> Array:
        best: Array = (slope * wanted + scale.step * anchor - price) / (slope + scale.step)
        return best

    def cost(net_in: Array, choice: OwnChoice | None = None) -> float:
        if (np.abs(net_in) > most_mw).any():
            return inf
        return float(HOURS * (slope / 2 * (wanted - net_in) ** 2).sum())

    def least(price: Array, proof: bool, net_in: Array) -> float:
        return float(HOURS * (price * wanted - price**2 / (2 * slope)).sum())

    return Participant(vpp, answer, cost, least)


def agreed(participants: list[Participant], regret: float = 1e-6, rounds: int = 500) -> Consensus:
    rules = replace(MarketRules(), consensus_regret=regret, consensus_rounds=rounds)
    return find_consensus(participants, Scale(typical_mw=1.0, step=STEP, reach_mw=1.0), TARIFF, HORIZON, rules)


PARTICIPANTS = [
    quadratic("A", 100.0, np.array([5.0, 9.0])),
    quadratic("B", 300.0, np.array([1.0, 2.0])),
    quadratic("C", 50.0, np.array([2.0, -1.0])),
]


def test_the_price_is_the_common_marginal_cost() -> None:
    """All equate slope (wanted − z) to π, so π = Σ wanted / Σ 1/slope."""
    found = agreed(PARTICIPANTS, 1e-9)
    price = np.array([8.0, 10.0]) / (1 / 100 + 1 / 300 + 1 / 50)
    assert found.reached
    assert found.settled.price_cny_per_mwh == pytest.approx(price, rel=1e-3)
    assert found.settled.net_in_mw[0] == pytest.approx(np.array([5.0, 9.0]) - price / 100, abs=1e-2)


def test_regrets_bound_what_is_lost_in_every_round() -> None:
    found = agreed(PARTICIPANTS)
    price = np.array([8.0, 10.0]) / (1 / 100 + 1 / 300 + 1 / 50)
    optimum = HOURS * (price**2).sum() * (1 / 100 + 1 / 300 + 1 / 50) / 2
    alone = sum(each.cost_cny(np.zeros(2), None) for each in PARTICIPANTS)
    for each in found.rounds:
        cost = found.rounds[0].saving_cny + alone - each.saving_cny
        assert each.regrets_cny >= cost - optimum - 1e-9
        assert all(judged.regret_cny >= 0.0 for judged in each.judged)


def test_every_round_is_balanced_and_the_first_is_no_trade() -> None:
    found = agreed(PARTICIPANTS)
    assert not found.rounds[0].net_in_mw.any()
    for each in found.rounds:
        assert np.abs(each.net_in_mw.sum(axis=0)).max() <= 1e-12


def test_the_longer_side_gives_way_in_proportion() -> None:
    balanced = balanced_exchange(np.array([[3.0, 1.0], [1.0, 0.0], [-2.0, -4.0]]))
    assert balanced == pytest.approx(np.array([[1.5, 1.0], [0.5, 0.0], [-2.0, -1.0]]))


def test_one_alone_has_nothing_to_agree_on() -> None:
    found = agreed([quadratic("A", 100.0, np.zeros(2))])
    assert not found.settled.net_in_mw.any()


def test_what_somebody_cannot_do_is_not_settled() -> None:
    """C's answer ignores that it can exchange nothing: no trade is all that is left, and it is not agreed on."""
    found = agreed([*PARTICIPANTS[:2], quadratic("C", 50.0, np.array([2.0, -1.0]), most_mw=0.0)], rounds=5)
    assert found.settled.number == 0
    assert not found.reached
    assert np.isfinite(found.settled.regrets_cny)


def test_the_budget_ends_it() -> None:
    found = agreed(PARTICIPANTS, 1e-9, rounds=3)
    assert len(found.rounds) == 4
    assert not found.reached


def test_answers_are_worked_out_the_finer_the_nearer_they_are() -> None:
    """The reach is never more than a typical exchange, and shrinks as answers come to rest, to 10⁻⁴ of it."""
    search = ConsensusSearch(3, Scale(2.0, STEP, reach_mw=2.0), TARIFF, HORIZON, MarketRules())
    reaches = []
    for distance_mw in (5.0, 1.0, 0.5, 0.001, 0.0):
        anchors = np.array([search.standing.anchor_mw(k) for k in range(3)])
        search.answered(anchors + distance_mw * np.array([[1.0, 0.0], [0.0, -1.0], [0.5, 0.0]]))
        reaches.append(search.standing.scale.reach_mw)
    assert reaches == pytest.approx([2.0, 1.0, 0.5, 0.001, 0.0002])


@pytest.mark.parametrize(("finer", "ends"), [(1.0, 25), (0.09, 20)])
def test_once_enough_is_certified_a_quarter_of_rounds_follows_unless_a_tenth_is_certified(
    finer: float, ends: int
) -> None:
    """Regrets are told to be just what was asked for from round 20 on, or all but nothing."""
    rules = replace(MarketRules(), consensus_regret=1e-3)
    search = ConsensusSearch(2, Scale(1.0, STEP, reach_mw=1.0), TARIFF, HORIZON, rules)
    while not search.over:
        regret = finer if search.standing.number >= 20 else 2.0
        search.judged([Judged(regret, 1000.0), Judged(0.0, 0.0)])
        search.answered(np.zeros((2, 2)))
    assert len(search.rounds) - 1 == ends
    assert search.found.reached
