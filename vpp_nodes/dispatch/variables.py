"""The variables of one VPP's day: its units', (7), (8), (10) to (12), its exchange with the grid, and its carbon.

Each variable is a run of columns, one for each period; what a VPP does not have is an empty run.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

import numpy as np

from market.costs.billing import bills
from market.costs.carbon import priced_segments
from market.costs.costs import mt_is_convex, tariff_of
from market.model.arrays import Array
from market.model.assets import MustRun
from market.model.unit_limits import (
    LATER_KINDS,
    TASKS,
    TURBINES,
    most_supply_mw,
    of_kinds,
    supply_sum_mw,
    use_sum_mw,
)
from market.model.vpp import ControllableLoad, MicroTurbine, Renewable, UnitKind, Vpp
from vpp_nodes.dispatch.columns import ABSENT, UnitColumns, add_columns, early, in_order
from vpp_nodes.dispatch.day import DispatchDay
from vpp_nodes.dispatch.flexible import shift_columns, task_columns
from vpp_nodes.dispatch.linear import LinearProgram
from vpp_nodes.dispatch.store import battery_columns, hydro_columns
from vpp_nodes.dispatch.turbine import needs_commitment, turbine_columns

# Room left above a physical bound, so that it never binds and never takes part in λ.
_ROOM_MW = 1.0

TOLERATED_SHARE = 1e-6
"""Of the money that a day moves: what the day that the nudges prefer may cost more than the cheapest. So a tariff
moved by 1e-6 CNY/MWh does not decide in which of many hours a battery works."""
_NUDGES = {UnitKind.WT: -0.5, UnitKind.PV: -0.3}
_CL = math.sqrt(3)

_Columns = TypeVar("_Columns", bound=UnitColumns)


class Binary(StrEnum):
    """The binaries that a day may need, each kind in all periods and of all units."""

    COMMITMENT = "commitment"  # (12): a turbine is on
    COST_ORDER = "cost order"  # (M8): a piece of a cost is full
    STORAGE_MODE = "storage mode"  # (8): 0 charging, 1 discharging
    EXCHANGE_MODE = "exchange mode"  # (11): 0 buying, 1 selling


def commitment_binaries(vpp: Vpp) -> frozenset[Binary]:
    """The binaries that a day needs whatever its prices."""
    turbines = [unit.asset for unit in vpp.all_units if isinstance(unit.asset, MicroTurbine)]
    committed = {Binary.COMMITMENT} if any(needs_commitment(mt) for mt in turbines) else set()
    ordered = set() if all(mt_is_convex(mt) for mt in turbines) else {Binary.COST_ORDER}
    return frozenset(committed | ordered)


@dataclass(frozen=True, slots=True)
class Variables:
    """Column numbers: of each unit, in the order of `Vpp.all_units`; a run for each other quantity.

    carbon : a run for each bill, of a column for each of its stretches; empty in mode `none`
    """

    units: tuple[UnitColumns, ...]
    buy: range
    sell: range
    exchange_mode: range
    carbon: tuple[range, ...]

    def of(self, kind: type[_Columns]) -> list[_Columns]:
        """The units with columns of a kind."""
        return [unit for unit in self.units if isinstance(unit, kind)]

    def of_units(self, *kinds: UnitKind) -> list[UnitColumns]:
        """The units of these kinds."""
        return [unit for unit in self.units if unit.unit.kind in kinds]


def add_variables(program: LinearProgram, day: DispatchDay, binaries: Collection[Binary]) -> Variables:
    """Add the columns of a day, with their bounds and unit costs (5), and the binaries asked for."""
    units, tariff = _unit_columns(program, day, binaries), tariff_of(day.vpp, day.public)
    return Variables(
        units=tuple(units[unit.id] for unit in day.vpp.all_units),
        buy=add_columns(program, day, buy_limit_mw(day), price=tariff.retail_cny_per_mwh),
        sell=add_columns(program, day, sell_limit_mw(day), price=-tariff.feed_in_cny_per_mwh),
        exchange_mode=_mode(program, day, Binary.EXCHANGE_MODE in binaries),
        carbon=_carbon(program, day),
    )


def _unit_columns(
    program: LinearProgram, day: DispatchDay, binaries: Collection[Binary]
) -> dict[str, UnitColumns]:
    """The columns of every unit by its id; where a program has several answers, their order decides."""
    vpp = day.vpp
    columns: dict[str, UnitColumns] = {unit.id: UnitColumns(unit) for unit in of_kinds(vpp, UnitKind.LOAD)}
    decided, ordered = Binary.COMMITMENT in binaries, Binary.COST_ORDER in binaries
    for number, unit in enumerate(of_kinds(vpp, *TURBINES)):
        columns[unit.id] = turbine_columns(program, day, unit, number, commitment=decided, ordered=ordered)
    batteries = [
        battery_columns(program, day, unit, number) for number, unit in enumerate(of_kinds(vpp, UnitKind.ESS))
    ]
    for kind in (UnitKind.WT, UnitKind.PV):
        for number, unit in enumerate(of_kinds(vpp, kind)):
            assert isinstance(unit.asset, Renewable)
            nudge = _NUDGES[kind] / in_order(number)
            price, forecast_mw = unit.asset.om_cost_cny_per_mwh, unit.asset.forecast_mw
            columns[unit.id] = UnitColumns(unit, add_columns(program, day, forecast_mw, price=price, nudge=nudge))
    for battery in batteries:
        mode = _mode(program, day, Binary.STORAGE_MODE in binaries)
        columns[battery.unit.id] = replace(battery, mode=mode)
    for number, unit in enumerate(of_kinds(vpp, UnitKind.CL)):
        assert isinstance(unit.asset, ControllableLoad)
        price, nudge_cl = unit.asset.compensation_cny_per_mwh, _CL * early(day) * in_order(number)
        shed = add_columns(program, day, most_supply_mw(vpp, unit), price=price, nudge=nudge_cl)
        columns[unit.id] = UnitColumns(unit, shed)
    for unit in of_kinds(vpp, UnitKind.HYDRO):
        columns[unit.id] = hydro_columns(program, day, unit)
    for unit in of_kinds(vpp, UnitKind.MUST_RUN):
        assert isinstance(unit.asset, MustRun)
        given_mw, price = unit.asset.output_mw, unit.asset.om_cost_cny_per_mwh
        columns[unit.id] = UnitColumns(unit, add_columns(program, day, given_mw, lower=given_mw, price=price))
    for number, unit in enumerate(of_kinds(vpp, UnitKind.SHIFT)):
        columns[unit.id] = shift_columns(program, day, unit, number)
    for number, unit in enumerate(of_kinds(vpp, *TASKS)):
        columns[unit.id] = task_columns(program, day, unit, number)
    return columns


def buy_limit_mw(day: DispatchDay) -> Array:
    """(11) the most the VPP may buy, shape (periods,).

    Who buys does not sell, so by (6) buy ≤ load + charge + dir_out − dir_in. With some room that bound
    stands in for an infinite limit; it cuts off no plan and leaves no program unbounded.
    """
    physical = np.maximum(day.most_needed_mw + use_sum_mw(day.vpp, tuple(UnitKind)), 0.0) + _ROOM_MW
    return np.minimum(day.vpp.exchange.grid_buy_max_mw, physical)


def sell_limit_mw(day: DispatchDay) -> Array:
    """(11) the most the VPP may sell, shape (periods,).

    Who sells does not buy, so by (6) sell ≤ all generation + cl − load + dir_in − dir_out; see `buy_limit_mw`.
    """
    generation = day.filled(0.0)
    for kind in (UnitKind.WT, UnitKind.PV, UnitKind.MT, UnitKind.ESS, *LATER_KINDS):
        generation = generation + supply_sum_mw(day.vpp, [kind])
    physical = np.maximum(generation + cl_limit_mw(day) - day.least_needed_mw, 0.0) + _ROOM_MW
    return np.minimum(day.vpp.exchange.grid_sell_max_mw, physical)


def cl_limit_mw(day: DispatchDay) -> Array:
    """The most load that may be shed, shape (periods,): a share of each period's load."""
    return day.filled(0.0) + supply_sum_mw(day.vpp, [UnitKind.CL])


def _mode(program: LinearProgram, day: DispatchDay, wanted: bool) -> range:
    return add_columns(program, day, 1.0, integer=True) if wanted else ABSENT


def _carbon(program: LinearProgram, day: DispatchDay) -> tuple[range, ...]:
    """(3) stretches of each bill's excess, one column each, whose prices rise."""
    segments = priced_segments(day.public.carbon)
    if not segments:
        return ()
    return tuple(
        program.columns(
            np.array([segment.lower_t for segment in segments]),
            np.array([segment.upper_t for segment in segments]),
            np.array([segment.price_cny_per_t for segment in segments]),
        )
        for _ in bills(day.public.carbon, day.public.horizon)
    )
