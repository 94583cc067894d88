"""Turbines: their columns, output (12), ramps (13), and cost by given points, starts and times (M8).

In the equations Δt is the period's length in hours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from market.costs.costs import mt_is_convex, mt_least_cost_cny_per_h, mt_slopes_cny_per_mwh, mt_widths_mw
from market.model.arrays import Array
from market.model.vpp import MicroTurbine, Unit
from vpp_nodes.dispatch.columns import ABSENT, INFINITY, UnitColumns, add_columns, early, in_order
from vpp_nodes.dispatch.day import DispatchDay
from vpp_nodes.dispatch.linear import LinearProgram

_NUDGE = math.sqrt(5)
_ROUNDING = 1e-9  # of a period


@dataclass(frozen=True, slots=True)
class TurbineColumns(UnitColumns):
    """A turbine. pieces : a run for each piece of its cost · on, start : empty where it needs none

    filled : a run for each piece but the last, 1 where it is full; only where the cost is not convex
    """

    pieces: tuple[range, ...] = ()
    on: range = ABSENT
    start: range = ABSENT
    filled: tuple[range, ...] = ()

    @property
    def mt(self) -> MicroTurbine:
        """Its data."""
        assert isinstance(self.unit.asset, MicroTurbine)
        return self.unit.asset


def needs_commitment(mt: MicroTurbine) -> bool:
    """Whether being on has to be decided: not if running at 0 MW is allowed and free."""
    free = mt.p_min_mw == 0.0 and (mt.cost_on_cny_per_h if not mt.curve_mw else mt.curve_cny_per_h[0]) == 0.0
    return mt.commitment and not free


def turbine_columns(
    program: LinearProgram, day: DispatchDay, unit: Unit, number: int, *, commitment: bool, ordered: bool
) -> TurbineColumns:
    """(12) p_min ≤ P ≤ p_max, or 0 when off; the cost of (5) lies on the pieces, on `on` and on `start`."""
    mt = unit.asset
    assert isinstance(mt, MicroTurbine)
    lowest_mw = 0.0 if mt.commitment else mt.p_min_mw
    output = add_columns(program, day, mt.p_max_mw, lower=lowest_mw, nudge=_NUDGE * early(day) * in_order(number))
    widths, slopes = mt_widths_mw(mt).tolist(), mt_slopes_cny_per_mwh(mt).tolist()
    pieces = tuple(
        add_columns(program, day, width, price=slope) for width, slope in zip(widths, slopes, strict=True)
    )
    filled: tuple[range, ...] = ()
    if ordered and not mt_is_convex(mt):
        filled = tuple(add_columns(program, day, 1.0, integer=True) for _ in pieces[:-1])
    running = mt_least_cost_cny_per_h(mt)
    if commitment and needs_commitment(mt):
        lower, upper = _known_states(mt, day)
        on = add_columns(program, day, upper, lower=lower, price=running, integer=True)
        start = _start_columns(program, day, mt)
        return TurbineColumns(unit, output, ABSENT, ABSENT, pieces, on, start, filled)
    if not mt.commitment:
        program.offset(running * day.period_h * day.periods)
    return TurbineColumns(unit, output, ABSENT, ABSENT, pieces, ABSENT, ABSENT, filled)


def _start_columns(program: LinearProgram, day: DispatchDay, mt: MicroTurbine) -> range:
    if not (mt.start_cost_cny or mt.min_up_h or mt.min_down_h):
        return ABSENT
    return add_columns(program, day, 1.0, price=mt.start_cost_cny / day.period_h)


def _known_states(mt: MicroTurbine, day: DispatchDay) -> tuple[Array, Array]:
    """Bounds of `on`: fixed while what was before the day still binds."""
    lower, upper = day.filled(0.0), day.filled(1.0)
    if mt.initial_output_mw is not None and mt.initial_state_h is not None:
        was_on = mt.initial_output_mw > 0.0
        left_h = (mt.min_up_h if was_on else mt.min_down_h) - mt.initial_state_h
        bound = lower if was_on else upper
        bound[: whole_periods(left_h, day.period_h)] = 1.0 if was_on else 0.0
    return lower, upper


def whole_periods(hours: float, period_h: float) -> int:
    """The number of periods that hold so many hours; 0 where there are none."""
    return max(math.ceil(hours / period_h - _ROUNDING), 0)


def mt_output_12(program: LinearProgram, day: DispatchDay, v: TurbineColumns) -> None:
    """mt = p_min on + Σ pieces,  piece ≤ width on; without commitment on = 1."""
    mt, widths = v.mt, mt_widths_mw(v.mt).tolist()
    for t in range(day.periods):
        pieces = [run[t] for run in v.pieces]
        minus = [-1.0] * len(pieces)
        if not v.on:
            program.row(mt.p_min_mw, mt.p_min_mw, [v.supply[t], *pieces], [1.0, *minus])
            continue
        on = v.on[t]
        program.row(0.0, 0.0, [v.supply[t], on, *pieces], [1.0, -mt.p_min_mw, *minus])
        for piece, width_mw in zip(pieces, widths, strict=True):
            program.row(-INFINITY, 0.0, [piece, on], [1.0, -width_mw])


def mt_ramps_13(program: LinearProgram, day: DispatchDay, v: TurbineColumns) -> None:
    """−down Δt ≤ mt_t − mt_t−1 ≤ up Δt from period 2 on; of period 1 where the output before the day is known.

    With commitment a unit may start or stop across p_min even where that is more than its ramp:
        mt_t − mt_t−1 ≤ max(up Δt, p_min) + (up Δt − max(up Δt, p_min)) on_t−1
        mt_t−1 − mt_t ≤ max(down Δt, p_min) + (down Δt − max(down Δt, p_min)) on_t
    """
    mt = v.mt
    up, down = ramp_steps_mw(mt, day.period_h)
    before = mt.initial_output_mw
    if not v.on:
        if min(up, down) < mt.p_max_mw:
            if before is not None:
                program.row(before - down, before + up, [v.supply[0]], [1.0])
            for t in range(1, day.periods):
                program.row(-down, up, [v.supply[t], v.supply[t - 1]], [1.0, -1.0])
        return
    start, stop = max(up, mt.p_min_mw), max(down, mt.p_min_mw)
    if before is not None:
        program.row(-INFINITY, before + (up if before > 0.0 else start), [v.supply[0]], [1.0])
        program.row(-INFINITY, stop - before, [v.supply[0], v.on[0]], [-1.0, stop - down])
    for t in range(1, day.periods):
        program.row(-INFINITY, start, [v.supply[t], v.supply[t - 1], v.on[t - 1]], [1.0, -1.0, start - up])
        program.row(-INFINITY, stop, [v.supply[t - 1], v.supply[t], v.on[t]], [1.0, -1.0, stop - down])


def ramp_steps_mw(mt: MicroTurbine, period_h: float) -> tuple[float, float]:
    """The most the output may rise and fall from one period to the next, MW; never more than p_max."""
    return (
        min(mt.ramp_up_mw_per_h * period_h, mt.p_max_mw),
        min(mt.ramp_down_mw_per_h * period_h, mt.p_max_mw),
    )


def cost_order_m8(program: LinearProgram, day: DispatchDay, v: TurbineColumns) -> None:
    """(M8) a piece is used only where the one before is full: piece_n ≥ width_n z, piece_n+1 ≤ width_n+1 z."""
    widths = mt_widths_mw(v.mt).tolist()
    for n, filled in enumerate(v.filled):
        for t in range(day.periods):
            program.row(0.0, INFINITY, [v.pieces[n][t], filled[t]], [1.0, -widths[n]])
            program.row(-INFINITY, 0.0, [v.pieces[n + 1][t], filled[t]], [1.0, -widths[n + 1]])


def starts_m8(program: LinearProgram, day: DispatchDay, v: TurbineColumns) -> None:
    """(M8) start_t ≥ on_t − on_t−1; who has started within min_up is on, within min_down was off before:

        Σ start over the last min_up ≤ on_t,      Σ start over the last min_down ≤ 1 − on_{t − min_down}

    Of what was before the day only what is known binds.
    """
    if not v.start:
        return
    mt = v.mt
    was_on = None if mt.initial_output_mw is None else float(mt.initial_output_mw > 0.0)
    up, down = whole_periods(mt.min_up_h, day.period_h), whole_periods(mt.min_down_h, day.period_h)
    for t in range(day.periods):
        if t:
            program.row(0.0, INFINITY, [v.start[t], v.on[t], v.on[t - 1]], [1.0, -1.0, 1.0])
        elif was_on is not None:
            program.row(-was_on, INFINITY, [v.start[0], v.on[0]], [1.0, -1.0])
        if up > 1:
            recent = [v.start[n] for n in range(max(0, t - up + 1), t + 1)]
            program.row(-INFINITY, 0.0, [*recent, v.on[t]], [*np.ones(len(recent)).tolist(), -1.0])
        if down > 1:
            recent = [v.start[n] for n in range(max(0, t - down + 1), t + 1)]
            ones = np.ones(len(recent)).tolist()
            if t >= down:
                program.row(-INFINITY, 1.0, [*recent, v.on[t - down]], [*ones, 1.0])
            elif t == min(down, day.periods) - 1 and was_on is not None:
                program.row(-INFINITY, 1.0 - was_on, recent, ones)
            elif t == day.periods - 1 and t:  # the day is shorter: who is on in period 1 starts no more
                program.row(-INFINITY, 1.0, [*recent[1:], v.on[0]], [*ones[1:], 1.0])
