"""The constraints of one VPP's day, put together: one function for each equation of the model, named by it.

Those of single units are in `turbine`, `store` and `flexible`. Δt is the period's length in hours.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from market.costs.billing import bills, quota_by_bill_t
from market.costs.carbon import carbon_bill_cny, grid_emission_t_per_mwh, unit_excess_t_per_mwh
from market.model.timing import days_of
from market.model.unit_limits import LATER_KINDS
from market.model.vpp import ControllableLoad, UnitKind
from vpp_nodes.dispatch.columns import INFINITY, UnitColumns
from vpp_nodes.dispatch.connection import connection_m21
from vpp_nodes.dispatch.day import DispatchDay
from vpp_nodes.dispatch.flexible import ShiftColumns, TaskColumns, shift_windows_m10, task_energy_m11
from vpp_nodes.dispatch.linear import LinearProgram
from vpp_nodes.dispatch.peak import peak_charge_m20
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

    carbon_rows : for each period the row of (3) that it is billed by; nothing in mode `none`
    connection_rows : that of (M21); nothing where there is no limit
    """

    program: LinearProgram
    variables: Variables
    balance_rows: tuple[int, ...]
    carbon_rows: tuple[int, ...]
    connection_rows: tuple[int, ...] = ()


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
    carbon_rows = carbon_excess_3(program, day, variables)
    peak_charge_m20(program, day, variables.buy)
    connection_rows = connection_m21(program, day, variables.buy, variables.sell)
    return Model(program, variables, balance_rows, carbon_rows, connection_rows)


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
    """Σ_t cl Δt ≤ daily energy, where the scenario limits it: of all periods, or of each day by itself.

    What has been shed before counts.
    """
    cl = v.unit.asset
    assert isinstance(cl, ControllableLoad)
    if cl.daily_energy_max_mwh is None:
        return
    left_mwh = max(cl.daily_energy_max_mwh - cl.shed_before_mwh, 0.0)
    for part in days_of(day.public.horizon) if cl.limit_each_day else (range(day.periods),):
        program.row(-INFINITY, left_mwh, [v.supply[t] for t in part], [day.period_h] * len(part))
        left_mwh = cl.daily_energy_max_mwh


_COUNTED = (UnitKind.MT, UnitKind.WT, UnitKind.PV, UnitKind.CL, UnitKind.BIOMASS, UnitKind.MUST_RUN)


def carbon_excess_3(program: LinearProgram, day: DispatchDay, v: Variables) -> tuple[int, ...]:
    """Σ stretches = E = Σ_t (excess factors · powers) Δt − quota_in of each bill, (1) and (2) in the factors.

    To the first comes what was before it, (M16), and what was due for that is taken off.
    """
    if not v.carbon:
        return ()
    rules, before_t = day.public.carbon, day.vpp.excess_before_t
    if before_t:
        program.offset(-carbon_bill_cny(rules, before_t))
    rows: list[int] = []
    parts = zip(bills(rules, day.public.horizon), quota_by_bill_t(day.public, day.direct), v.carbon, strict=True)
    for number, (part, quota_t, stretches) in enumerate(parts):
        excess_t = before_t - quota_t if before_t and not number else -quota_t
        rows += [_excess_row(program, day, v, part, stretches, excess_t)] * len(part)
    return tuple(rows)


def _excess_row(
    program: LinearProgram, day: DispatchDay, v: Variables, part: range, stretches: range, excess_t: float
) -> int:
    rules, hours = day.public.carbon, day.period_h
    columns, coefficients = list(stretches), [1.0] * len(stretches)
    bought = (grid_emission_t_per_mwh(rules, day.periods) - rules.grid_quota_t_per_mwh).tolist()
    if any(bought):
        columns += v.buy[part.start : part.stop]
        coefficients += [-factor * hours for factor in bought[part.start : part.stop]]
    for unit in [unit for kind in _COUNTED for unit in v.of_units(kind)]:
        if factor := unit_excess_t_per_mwh(unit.unit, rules):
            columns += unit.supply[part.start : part.stop]
            coefficients += [-factor * hours] * len(unit.supply[part.start : part.stop])
    return program.row(excess_t, excess_t, columns, coefficients)
