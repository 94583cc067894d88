"""One VPP's answer to a common price in consensus (M7): the exchange it wants, not too far from an anchor.

The quadratic term is met by linear programs: tangents are added where the
answer lies until they miss it by no more than a tolerance, so the answer is that of the true problem.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from market.errors import DispatchError
from market.model.arrays import Array, frozen
from vpp_nodes.dispatch.linear import LinearProgram, LpSolution, Row, SolveStatus
from vpp_nodes.dispatch.open_day import OpenProgram
from vpp_nodes.dispatch.variables import commitment_binaries

_PARTS = 100.0
"""Distances are measured in hundredths of the reach, so that their squares are large to a solver."""

_TOLERANCE = 0.001
"""Tangents may miss w²/2, with w = (z − a)/unit, by half the square of this in a period."""

_FIRST_TANGENTS = (0.0, 10.0, -10.0, 100.0, -100.0)
_RELATIVE = 1e-3  # of w² itself: 4.5 % of a distance, which takes no more rounds than the true answer
_MOST_REFINEMENTS = 60
_WIDER = (1.0, 100.0, 10000.0)  # where an answer lies so far beyond the reach that a solver sees no sense in it


@dataclass(frozen=True, slots=True)
class ProximalQuestion:
    """What is asked: at these prices, from this anchor, how much? Arrays have the shape (periods,).

    step : ρ of each, CNY/(MW² h) · reach_mw : how far the answer is likely to be from the anchor
    """

    price_cny_per_mwh: Array
    anchor_mw: Array
    step: Array
    reach_mw: float


def proximal_answer(opened: OpenProgram, question: ProximalQuestion, committed: Mapping[int, float]) -> Array:
    """argmin_z F(z) + Δt Σ_t (π_t z_t + ρ/2 (z_t − a_t)²), net exchange in MW, shape (periods,).

    committed : the values of the binaries of `commitment_binaries`, by columns, as `committed_at` gives them.
    Without any, and where a day breaks (8) or (11), the answer is that of the relaxed day. It only proposes; what
    a day really costs is for `dispatch` to say.
    """
    for wider in _WIDER:
        net_in, answer = _answered(opened, question, question.reach_mw * wider / _PARTS, committed)
        if answer.ending is SolveStatus.OPTIMAL:
            return frozen(answer.values[net_in.start : net_in.stop])
    raise DispatchError(
        f"{opened.day.vpp.id} cannot answer a price: the solver ended as `{answer.ending}`, not optimal; "
        "look for numbers that are much too large or limits that are crossed"
    )


def _answered(
    opened: OpenProgram, question: ProximalQuestion, unit: float, committed: Mapping[int, float]
) -> tuple[range, LpSolution]:
    """The columns of the answer, and the solution; distances are measured in `unit`, MW."""
    day, binaries = opened.day, commitment_binaries(opened.day.vpp)
    model, net_in = opened.at(question.price_cny_per_mwh, binaries)
    program = model.program
    if binaries:
        program = program.with_fixed(committed) if committed else program.relaxed()
    price = question.step * unit**2 * day.period_h
    square = program.columns(day.filled(0.0), day.filled(np.inf), price)
    tangents = Tangents(net_in, square, question.anchor_mw, unit)
    for distance in _FIRST_TANGENTS:
        tangents.add_to(program, day.filled(distance))
    return net_in, program.solve_with_cuts(tangents)


class Tangents:
    """Rows u ≥ d w − d²/2, tangent to u = w²/2 at w = d, with w = (z − a)/unit.

    Called with an answer it gives those that the answer lacks.
    """

    def __init__(self, net_in: range, square: range, anchor_mw: Array, unit_mw: float) -> None:
        self._net_in, self._square, self._anchor, self._unit = net_in, square, anchor_mw, unit_mw
        self._refinements = 0

    def at(self, distance: Array, periods: Sequence[int]) -> list[Row]:
        """The tangents at these distances, in units, shape (periods,), in these periods."""
        slope = distance / self._unit
        lower = -slope * self._anchor - distance**2 / 2
        return [Row(float(lower[t]), (self._square[t], self._net_in[t]), (1.0, -float(slope[t]))) for t in periods]

    def add_to(self, program: LinearProgram, distance: Array) -> None:
        """Those at these distances in all periods, as rows of a program."""
        for row in self.at(distance, range(len(distance))):
            program.row(row.lower, np.inf, list(row.columns), list(row.coefficients))

    def __call__(self, answer: LpSolution) -> list[Row]:
        self._refinements += 1
        distance = (answer.values[self._net_in.start : self._net_in.stop] - self._anchor) / self._unit
        missing = distance**2 / 2 - answer.values[self._square.start : self._square.stop]
        lacking = np.flatnonzero(missing > _TOLERANCE**2 / 2 + _RELATIVE * distance**2)
        if self._refinements > _MOST_REFINEMENTS:
            return []
        return self.at(distance, lacking.tolist())
