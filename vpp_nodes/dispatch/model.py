"""The constraints of one VPP's day: one function for each equation of the model, named by it.

In the equations Δt is the period's length in hours.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from market.costs.carbon import excess_factors
from market.model.vpp import MicroTurbine
from vpp_nodes.dispatch.day import DispatchDay
from vpp_nodes.dispatch.linear import LinearProgram
from vpp_nodes.dispatch.variables import Binary, Variables, add_variables, buy_limit_mw, sell_limit_mw

INFINITY = float("inf")


@dataclass(frozen=True, slots=True)
class Model:
    """A day's program. `balance_rows` are the rows of (6), one for each period; their duals give λ.

    carbon_row : the row of (3), None in mode `none`
    """

    program: LinearProgram
    variables: Variables
    balance_rows: tuple[int, ...]
    carbon_row: int | None


def build_model(
    day: DispatchDay, binaries: Collection[Binary] = (), program: LinearProgram | None = None
) -> Model:
    """Equations (1) to (13) of one day, with the kinds of binaries asked for; in `program` where it is given."""
    program = program or LinearProgram()
    variables = add_variables(program, day, binaries)
    balance_rows = power_balance_6(program, day, variables)
    storage_mode_8(program, day, variables)
    storage_energy_9(program, day, variables)
    exchange_mode_11(program, day, variables)
    mt_output_12(program, day, variables)
    mt_ramps_13(program, day, variables)
    cl_daily_energy(program, day, variables)
    carbon_row = carbon_excess_3(program, day, variables)
    return Model(program, variables, balance_rows, carbon_row)


def power_balance_6(program: LinearProgram, day: DispatchDay, v: Variables) -> tuple[int, ...]:
    """wt + pv + mt + discharge + cl + buy − charge − sell = load + dir_out − dir_in, each period.

    Written with supply on the left, so that its dual is the cost of one more MW of load: λ Δt.
    """
    supply = [run for run in (v.wt, v.pv, v.mt, v.discharge, v.cl, v.buy) if run]
    use = [run for run in (v.charge, v.sell) if run]
    signs = [1.0] * len(supply) + [-1.0] * len(use)
    return tuple(
        program.row(load, load, [run[t] for run in (*supply, *use)], signs)
        for t, load in enumerate(day.net_load_mw.tolist())
    )


def storage_mode_8(program: LinearProgram, day: DispatchDay, v: Variables) -> None:
    """charge ≤ charge_max (1 − b),  discharge ≤ discharge_max b,  where b is asked for."""
    ess = day.vpp.ess
    if ess is None:
        return
    for charge, discharge, mode in zip(v.charge, v.discharge, v.storage_mode, strict=False):
        program.row(-INFINITY, ess.charge_max_mw, [charge, mode], [1.0, ess.charge_max_mw])
        program.row(-INFINITY, 0.0, [discharge, mode], [1.0, -ess.discharge_max_mw])


def storage_energy_9(program: LinearProgram, day: DispatchDay, v: Variables) -> None:
    """soc_t = soc_t−1 + (η_c charge − discharge/η_d) Δt, from soc_0 = soc_initial · energy."""
    ess = day.vpp.ess
    if ess is None:
        return
    stored = -ess.charge_efficiency * day.period_h
    taken = day.period_h / ess.discharge_efficiency
    start_mwh = ess.soc_initial * ess.energy_mwh
    program.row(start_mwh, start_mwh, [v.soc[0], v.charge[0], v.discharge[0]], [1.0, stored, taken])
    for t in range(1, day.periods):
        columns = [v.soc[t], v.soc[t - 1], v.charge[t], v.discharge[t]]
        program.row(0.0, 0.0, columns, [1.0, -1.0, stored, taken])


def exchange_mode_11(program: LinearProgram, day: DispatchDay, v: Variables) -> None:
    """buy ≤ buy_max (1 − z),  sell ≤ sell_max z,  where z is asked for."""
    if not v.exchange_mode:
        return
    most_bought, most_sold = buy_limit_mw(day).tolist(), sell_limit_mw(day).tolist()
    for t, mode in enumerate(v.exchange_mode):
        program.row(-INFINITY, most_bought[t], [v.buy[t], mode], [1.0, most_bought[t]])
        program.row(-INFINITY, 0.0, [v.sell[t], mode], [1.0, -most_sold[t]])


def mt_output_12(program: LinearProgram, day: DispatchDay, v: Variables) -> None:
    """mt = p_min on + Σ pieces,  piece ≤ width on; without commitment on = 1."""
    mt = day.vpp.mt
    if mt is None:
        return
    width_mw = (mt.p_max_mw - mt.p_min_mw) / mt.cost_pieces
    for t in range(day.periods):
        pieces = [run[t] for run in v.mt_pieces]
        minus = [-1.0] * len(pieces)
        if not v.mt_on:
            program.row(mt.p_min_mw, mt.p_min_mw, [v.mt[t], *pieces], [1.0, *minus])
            continue
        on = v.mt_on[t]
        program.row(0.0, 0.0, [v.mt[t], on, *pieces], [1.0, -mt.p_min_mw, *minus])
        for piece in pieces:
            program.row(-INFINITY, 0.0, [piece, on], [1.0, -width_mw])


def mt_ramps_13(program: LinearProgram, day: DispatchDay, v: Variables) -> None:
    """−down Δt ≤ mt_t − mt_t−1 ≤ up Δt from period 2 on; nothing is said of the step into period 1.

    With commitment a unit may start or stop across p_min even where that is more than its ramp:
        mt_t − mt_t−1 ≤ max(up Δt, p_min) + (up Δt − max(up Δt, p_min)) on_t−1
        mt_t−1 − mt_t ≤ max(down Δt, p_min) + (down Δt − max(down Δt, p_min)) on_t
    """
    mt = day.vpp.mt
    if mt is None:
        return
    up, down = ramp_steps_mw(mt, day.period_h)
    if not v.mt_on:
        if min(up, down) < mt.p_max_mw:
            for t in range(1, day.periods):
                program.row(-down, up, [v.mt[t], v.mt[t - 1]], [1.0, -1.0])
        return
    start, stop = max(up, mt.p_min_mw), max(down, mt.p_min_mw)
    for t in range(1, day.periods):
        program.row(-INFINITY, start, [v.mt[t], v.mt[t - 1], v.mt_on[t - 1]], [1.0, -1.0, start - up])
        program.row(-INFINITY, stop, [v.mt[t - 1], v.mt[t], v.mt_on[t]], [1.0, -1.0, stop - down])


def ramp_steps_mw(mt: MicroTurbine, period_h: float) -> tuple[float, float]:
    """The most the output may rise and fall from one period to the next, MW; never more than p_max."""
    return (
        min(mt.ramp_up_mw_per_h * period_h, mt.p_max_mw),
        min(mt.ramp_down_mw_per_h * period_h, mt.p_max_mw),
    )


def cl_daily_energy(program: LinearProgram, day: DispatchDay, v: Variables) -> None:
    """Σ_t cl Δt ≤ daily energy, where the scenario limits it."""
    cl = day.vpp.cl
    if cl is None or cl.daily_energy_max_mwh is None:
        return
    program.row(-INFINITY, cl.daily_energy_max_mwh, list(v.cl), [day.period_h] * day.periods)


def carbon_excess_3(program: LinearProgram, day: DispatchDay, v: Variables) -> int | None:
    """Σ stretches = E = Σ_t (excess factors · powers) Δt − quota_in, with (1) and (2) in the factors."""
    if not v.carbon:
        return None
    factors = excess_factors(day.vpp, day.public.carbon)
    columns, coefficients = list(v.carbon), [1.0] * len(v.carbon)
    per_run = ((v.buy, factors.buy), (v.mt, factors.mt), (v.wt, factors.renewable), (v.pv, factors.renewable))
    for run, factor in (*per_run, (v.cl, factors.cl)):
        if factor:
            columns += run
            coefficients += [-factor * day.period_h] * len(run)
    return program.row(-day.direct.quota_in_t, -day.direct.quota_in_t, columns, coefficients)
