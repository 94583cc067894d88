"""Commitments in consensus: those of the best mixed-integer answer, what a day with them costs, and a bound."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

import numpy as np

from market.coordination.consensus import OwnChoice
from market.model.arrays import Array
from vpp_nodes.dispatch.linear import SolveStatus
from vpp_nodes.dispatch.open_day import OpenProgram
from vpp_nodes.dispatch.proximal import Tangents
from vpp_nodes.dispatch.reading import broken_modes, read_powers
from vpp_nodes.dispatch.variables import commitment_binaries

_TANGENTS = tuple(2.0**n / 64.0 for n in range(10))  # of a typical exchange, beside the one at 0


def committed_at(opened: OpenProgram, choice: OwnChoice) -> dict[int, float]:
    """(M22) The binaries of argmin_z F(z) + Δt Σ_t (π_t z_t + ρ_t/2 (z_t − a_t)²), by columns; none if not found.

    The square is met by tangents at 0 and at powers of two, up to eight times a typical exchange, and goes on as
    the last of them.
    """
    day = opened.day
    model, net_in = opened.at(choice.price_cny_per_mwh, commitment_binaries(day.vpp))
    program = model.program
    square = program.columns(day.filled(0.0), day.filled(np.inf), choice.step * day.period_h)
    tangents = Tangents(net_in, square, choice.anchor_mw, 1.0)
    for distance in (0.0, *(sign * part * choice.typical_mw for part in _TANGENTS for sign in (1.0, -1.0))):
        tangents.add_to(program, day.filled(distance))
    answer = program.solve_milp()
    if answer.ending is not SolveStatus.OPTIMAL:
        return {}
    return {column: float(np.rint(answer.values[column])) for column in program.integers()}


def cost_committed(opened: OpenProgram, net_in_mw: Array, committed: Mapping[int, float]) -> float:
    """What the cheapest day with these commitments and this exchange costs, CNY; infinite where none is found."""
    day, binaries = opened.day, commitment_binaries(opened.day.vpp)
    model, net_in = opened.at(day.filled(0.0), binaries)
    exchange = dict(zip(net_in, net_in_mw.tolist(), strict=True))
    answer = model.program.with_fixed({**committed, **exchange}).solve_plain()
    if answer.ending is not SolveStatus.OPTIMAL or broken_modes(read_powers(day, model, answer)):
        return inf
    return answer.objective


def relaxed_at(opened: OpenProgram, price_cny_per_mwh: Array) -> float:
    """A lower bound of what the cheapest day costs at a price, CNY: that of the relaxed day, −∞ if not found."""
    model, _ = opened.at(price_cny_per_mwh, commitment_binaries(opened.day.vpp))
    answer = model.program.relaxed().solve_plain()
    return answer.bound if answer.ending is SolveStatus.OPTIMAL else -inf
