"""Claims about steps that go further than a round: where they lead, and that they are taken back."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from market.coordination.extrapolation import Course, next_point
from market.model.arrays import Array


def walked(rule: Callable[[Array], Array], start: Array, rounds: int) -> list[Array]:
    """The points of so many rounds, the start first."""
    points, course = [start], Course()
    for _ in range(rounds):
        point, course = next_point(course, points[-1], rule(points[-1]))
        points.append(point)
    return points


@pytest.mark.parametrize("seed", range(20))
def test_an_affine_round_comes_nearer_in_40_rounds_than_plainly_in_100(seed: int) -> None:
    """Four rates of contraction, the slowest 0.99 a round."""
    chance = np.random.default_rng(seed)
    turn = np.linalg.qr(chance.normal(size=(4, 4)))[0]
    contracting = turn @ np.diag([0.6, 0.75, 0.9, 0.99]) @ turn.T
    rest, off = chance.normal(size=4), chance.normal(size=4)
    points = walked(lambda point: rest + contracting @ (point - rest), rest + off, 40)
    plain = np.linalg.matrix_power(contracting, 100) @ off
    assert np.abs(points[-1] - rest).max() < np.abs(plain).max()


def test_no_step_is_more_than_five_times_a_round() -> None:
    points = walked(lambda point: 0.999 * point, np.array([1000.0]), 4)
    steps = [float(abs(later - earlier)[0]) for earlier, later in pairwise(points)]
    moves = [0.001 * float(point[0]) for point in points[:-1]]
    assert steps[0] == pytest.approx(moves[0])
    assert all(step <= 5.0 * move * (1.0 + 1e-9) for step, move in zip(steps, moves, strict=True))
    assert steps[1] == pytest.approx(5.0 * moves[1])


def test_a_step_that_makes_the_next_round_longer_is_taken_back() -> None:
    """From below 0 each round leads far away: whoever steps over 0 goes back to where the round had ended."""

    def rule(point: Array) -> Array:
        return point - 1.0 if point[0] > 0.0 else point - 100.0

    points = walked(rule, np.array([4.0]), 3)
    assert points[1] == pytest.approx([3.0])
    assert points[2] == pytest.approx([2.0])  # moves do not differ: nothing is promised
    past, course = next_point(
        Course((np.array([4.0]),), (np.array([-1.0]),), 1.0, np.array([3.0])),
        *(
            np.array([-2.0]),
            rule(np.array([-2.0])),
        ),
    )
    assert past == pytest.approx([3.0])
    assert course == Course()


def test_moves_that_are_nothing_lead_nowhere() -> None:
    points = walked(lambda point: point, np.array([1.0, 2.0]), 5)
    assert all((point == points[0]).all() for point in points)
