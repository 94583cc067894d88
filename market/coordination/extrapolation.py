"""Steps towards a fixed point that go further than they were told: Anderson acceleration of rounds.

Where each round maps a point w to an end g(w), the moves f = g(w) − w of the last rounds say where moves would
vanish if g were affine: with their differences ΔF, and those of the points ΔW, at

    w + f − (ΔW + ΔF) γ        γ = argmin ‖f − ΔF γ‖²

(Walker & Ni 2011). g is affine only while nobody meets another limit, so a step that is followed by a longer move
than before is taken back, to where the round had ended. Sums are exact, so that everybody comes to the same point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import fsum, sqrt
from typing import Final

from market.model.arrays import Array

_DIFFERENCES: Final = 5
_DAMPING: Final = 1e-8  # of the trace: keeps γ finite where moves hardly differ
_LONGEST: Final = 5.0  # of the round's own move
_WORSE: Final = 1.5  # a move that is so much longer than the one before takes the step back


@dataclass(frozen=True, slots=True)
class Course:
    """What is remembered of the last rounds: points and moves, oldest first, of one shape (n,) each.

    length : of the last move · end : where the last round itself ended, None unless a step went past it
    """

    points: tuple[Array, ...] = ()
    moves: tuple[Array, ...] = ()
    length: float = 0.0
    end: Array | None = None


def next_point(course: Course, point: Array, end: Array) -> tuple[Array, Course]:
    """Where to go on from after a round from `point` to `end`, and what is remembered then.

    >>> import numpy as np
    >>> point, course = np.array([8.0]), Course()
    >>> for _ in range(3):
    ...     point, course = next_point(course, point, 0.5 * point + 1.0)
    >>> round(float(point[0]), 6)
    2.0
    """
    move = end - point
    length = sqrt(_product(move, move))
    if course.end is not None and length > _WORSE * course.length:
        return course.end, Course()
    points = (*course.points, point)[-_DIFFERENCES - 1 :]
    moves = (*course.moves, move)[-_DIFFERENCES - 1 :]
    if len(moves) == 1:
        return end, Course(points, moves, length)
    step = _step(points, moves)
    far = sqrt(_product(step, step))
    if far > _LONGEST * length:
        step = step * (_LONGEST * length / far)
    return point + step, Course(points, moves, length, end)


def _step(points: Sequence[Array], moves: Sequence[Array]) -> Array:
    """f − (ΔW + ΔF) γ from the last point."""
    turns = [later - earlier for earlier, later in pairwise(moves)]
    gram = [[_product(one, other) for other in turns] for one in turns]
    damping = _DAMPING * fsum(row[i] for i, row in enumerate(gram))
    for i, row in enumerate(gram):
        row[i] += damping
    weights = _solved(gram, [_product(turn, moves[-1]) for turn in turns])
    step = moves[-1]
    for weight, turn, earlier, later in zip(weights, turns, points[:-1], points[1:], strict=True):
        step = step - weight * (later - earlier + turn)
    return step


def _product(one: Array, other: Array) -> float:
    """The inner product, rounded once."""
    return fsum((one * other).tolist())


def _solved(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """x of a positive definite system, by elimination; 0 where nothing is left to divide by."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for i, pivot in enumerate(rows):
        for row in rows[i + 1 :]:
            factor = row[i] / pivot[i] if pivot[i] > 0.0 else 0.0
            row[i:] = [value - factor * above for value, above in zip(row[i:], pivot[i:], strict=True)]
    found = [0.0] * len(rows)
    for i in reversed(range(len(rows))):
        rest = rows[i][-1] - fsum(rows[i][j] * found[j] for j in range(i + 1, len(rows)))
        found[i] = rest / rows[i][i] if rows[i][i] > 0.0 else 0.0
    return found
