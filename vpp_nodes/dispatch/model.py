"""The constraints of one VPP's day, put together: one function for each equation of the model, named by it.

Those of single units are in `turbine`, `store` and `flexible`. Δt is the period's length in hours.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from market.costs.carbon import grid_emission_t_per_mwh, unit_excess_t_per_mwh
from market.model.unit_limits import LATER_KINDS
from market.model.vpp import ControllableLoad, UnitKind
from vpp_nodes.dispatch.columns import INFINITY, UnitColumns
from vpp_nodes.dispatch.day import DispatchDay
from vpp_nodes.dispatch.flexible import ShiftColumns, TaskColumns, shift_windows_m10, task_energy_m11
from vpp_nodes.dispatch.linear import LinearProgram
from vpp_nodes.dispatch.store import (
    BatteryColumns,
    HydroColumns,
    reservoir_m12,
    storage_energy_9,
    storage_mode_8,
)
from vpp_nodes.dispatch.turbine import TurbineColumns, cost_order_m8, mt_output_12, mt_ramps_13, starts_m8
from vpp_nodes.dispatch.variables import Binary, Variables, add_variables, buy_limit_mw, sell_limit_mw


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
    program.offset(day.vpp.exchange.peer_fee_cny_per_mwh * float(day.direct.in_mw.sum()) * day.period_h)  # (M14)
    balance_rows = power_balance_6(program, day, variables)
    batteries, turbines = variables.of(BatteryColumns), variables.of(TurbineColumns)
    for battery in batteries:
        storage_mode_8(program, day, battery)
    for battery in batteries:
        storage_energy_9(program, day, battery)
    exchange_mode_11(program, day, variables)
    for turbine in turbines:
        mt_output_12(program, day, turbine)
    for turbine in turbines:
        mt_ramps_13(program, day, turbine)
        cost_order_m8(program, day, turbine)
        starts_m8(program, day, turbine)
    for shed in variables.of_units(UnitKind.CL):
        cl_daily_energy(program, day, shed)
    for hydro in variables.of(HydroColumns):
        reservoir_m12(program, day, hydro)
    for shift in variables.of(ShiftColumns):
        shift_windows_m10(program, day, shift)
    for task in variables.of(TaskColumns):
        task_energy_m11(program, day, task)
    carbon_row = carbon_excess_3(program, day, variables)
    return Model(program, variables, balance_rows, carbon_row)


_IN_ORDER = (UnitKind.WT, UnitKind.PV, UnitKind.MT, UnitKind.ESS, UnitKind.CL, *LATER_KINDS)


def power_balance_6(program: LinearProgram, day: DispatchDay, v: Variables) -> tuple[int, ...]:
    """wt + pv + mt + discharge + cl + buy − charge − sell = load + dir_out − dir_in, each period.

    Every unit gives and takes there. Written with supply on the left, so that its dual is the cost of one more MW
    of load: λ Δt.
    """
    units = [unit for kind in _IN_ORDER for unit in v.of_units(kind)]
    supply = [unit.supply for unit in units if unit.supply] + [v.buy]
    use = [unit.use for unit in units if unit.use] + [v.sell]
    signs = [1.0] * len(supply) + [-1.0] * len(use)
    return tuple(
        program.row(load, load, [run[t] for run in (*supply, *use)], signs)
        for t, load in enumerate(day.net_load_mw.tolist())
    )


def exchange_mode_11(program: LinearProgram, day: DispatchDay, v: Variables) -> None:
    """buy ≤ buy_max (1 − z),  sell ≤ sell_max z,  where z is asked for."""
    if not v.exchange_mode:
        return
    most_bought, most_sold = buy_limit_mw(day).tolist(), sell_limit_mw(day).tolist()
    for t, mode in enumerate(v.exchange_mode):
        program.row(-INFINITY, most_bought[t], [v.buy[t], mode], [1.0, most_bought[t]])
        program.row(-INFINITY, 0.0, [v.sell[t], mode], [1.0, -most_sold[t]])


def cl_daily_energy(program: LinearProgram, day: DispatchDay, v: UnitColumns) -> None:
    """Σ_t cl Δt ≤ daily energy, where the scenario limits it."""
    cl = v.unit.asset
    assert isinstance(cl, ControllableLoad)
    if cl.daily_energy_max_mwh is not None:
        program.row(-INFINITY, cl.daily_energy_max_mwh, list(v.supply), [day.period_h] * day.periods)


_COUNTED = (UnitKind.MT, UnitKind.WT, UnitKind.PV, UnitKind.CL, UnitKind.BIOMASS, UnitKind.MUST_RUN)


def carbon_excess_3(program: LinearProgram, day: DispatchDay, v: Variables) -> int | None:
    """Σ stretches = E = Σ_t (excess factors · powers) Δt − quota_in, with (1) and (2) in the factors."""
    if not v.carbon:
        return None
    rules, hours = day.public.carbon, day.period_h
    columns, coefficients = list(v.carbon), [1.0] * len(v.carbon)
    bought = (grid_emission_t_per_mwh(rules, day.periods) - rules.grid_quota_t_per_mwh).tolist()
    if any(bought):
        columns += v.buy
        coefficients += [-factor * hours for factor in bought]
    for unit in [unit for kind in _COUNTED for unit in v.of_units(kind)]:
        if factor := unit_excess_t_per_mwh(unit.unit, rules):
            columns += unit.supply
            coefficients += [-factor * hours] * len(unit.supply)
    return program.row(-day.direct.quota_in_t, -day.direct.quota_in_t, columns, coefficients)
