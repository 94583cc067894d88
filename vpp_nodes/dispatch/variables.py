"""The variables of one VPP's day: their bounds, (7), (8), (10) to (12), and their unit costs.

Each variable is a run of columns, one for each period; what a VPP does not have is an empty run.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from market.costs.carbon import priced_segments
from market.costs.costs import mt_least_cost_cny_per_h, mt_slopes_cny_per_mwh
from market.model.arrays import Array
from market.model.vpp import ControllableLoad, MicroTurbine, Renewable, Storage, Vpp
from vpp_nodes.dispatch.day import DispatchDay
from vpp_nodes.dispatch.linear import LinearProgram

# Room left above a physical bound, so that it never binds and never takes part in λ.
_ROOM_MW = 1.0
_ABSENT = range(0)

# Nudges, CNY/MWh: of equally cheap days take the one that uses renewables rather than not, and does the rest
# as little and as early as it can. Roots, so that no shift of one quantity makes up for one of another.
_NUDGE = 1e-3
TOLERATED_SHARE = 1e-6
"""Of the money that a day moves: what the day that the nudges prefer may cost more than the cheapest. So a tariff
moved by 1e-6 CNY/MWh does not decide in which of many hours a battery works."""
_WT, _PV = -0.5, -0.3
_CHARGE, _DISCHARGE, _CL, _MT = (math.sqrt(n) for n in (1, 2, 3, 5))


class Binary(StrEnum):
    """The binaries that a day may need, each kind in all periods."""

    COMMITMENT = "commitment"  # (12): the micro-turbine is on
    STORAGE_MODE = "storage mode"  # (8): 0 charging, 1 discharging
    EXCHANGE_MODE = "exchange mode"  # (11): 0 buying, 1 selling


def commitment_binaries(vpp: Vpp) -> frozenset[Binary]:
    """The binaries that a day needs whatever its prices: none if running at 0 MW is allowed and free."""
    mt = vpp.mt
    matters = mt is not None and mt.commitment and (mt.p_min_mw > 0.0 or mt.cost_on_cny_per_h > 0.0)
    return frozenset({Binary.COMMITMENT}) if matters else frozenset()


@dataclass(frozen=True, slots=True)
class Variables:
    """Column numbers, one run for each quantity; `mt_pieces` has a run for each piece of the cost."""

    wt: range
    pv: range
    mt: range
    mt_pieces: tuple[range, ...]
    mt_on: range
    charge: range
    discharge: range
    soc: range
    storage_mode: range
    cl: range
    buy: range
    sell: range
    exchange_mode: range
    carbon: range


def add_variables(program: LinearProgram, day: DispatchDay, binaries: Collection[Binary]) -> Variables:
    """Add the columns of a day, with their bounds and unit costs (5), and the binaries asked for."""
    vpp, tariff = day.vpp, day.public.tariff
    mt, pieces, on = _micro_turbine(program, day, vpp.mt, Binary.COMMITMENT in binaries)
    charge, discharge, soc = _storage(program, day, vpp.ess)
    return Variables(
        wt=_renewable(program, day, vpp.wt, _WT),
        pv=_renewable(program, day, vpp.pv, _PV),
        mt=mt,
        mt_pieces=pieces,
        mt_on=on,
        charge=charge,
        discharge=discharge,
        soc=soc,
        storage_mode=_mode(program, day, vpp.ess is not None and Binary.STORAGE_MODE in binaries),
        cl=_controllable_load(program, day, vpp.cl),
        buy=_add(program, day, buy_limit_mw(day), price=tariff.retail_cny_per_mwh),
        sell=_add(program, day, sell_limit_mw(day), price=-tariff.feed_in_cny_per_mwh),
        exchange_mode=_mode(program, day, Binary.EXCHANGE_MODE in binaries),
        carbon=_carbon(program, day),
    )


def buy_limit_mw(day: DispatchDay) -> Array:
    """(11) the most the VPP may buy, shape (periods,).

    Who buys does not sell, so by (6) buy ≤ load + charge + dir_out − dir_in. With some room that bound
    stands in for an infinite limit; it cuts off no plan and leaves no program unbounded.
    """
    charge_mw = day.vpp.ess.charge_max_mw if day.vpp.ess else 0.0
    physical = np.maximum(day.most_needed_mw + charge_mw, 0.0) + _ROOM_MW
    return np.minimum(day.vpp.exchange.grid_buy_max_mw, physical)


def sell_limit_mw(day: DispatchDay) -> Array:
    """(11) the most the VPP may sell, shape (periods,).

    Who sells does not buy, so by (6) sell ≤ all generation + cl − load + dir_in − dir_out; see `buy_limit_mw`.
    """
    vpp = day.vpp
    generation = sum((plant.forecast_mw for plant in (vpp.wt, vpp.pv) if plant), day.filled(0.0))
    generation = generation + (vpp.mt.p_max_mw if vpp.mt else 0.0)
    generation = generation + (vpp.ess.discharge_max_mw if vpp.ess else 0.0)
    physical = np.maximum(generation + cl_limit_mw(day) - day.least_needed_mw, 0.0) + _ROOM_MW
    return np.minimum(vpp.exchange.grid_sell_max_mw, physical)


def cl_limit_mw(day: DispatchDay) -> Array:
    """The most load that may be shed, shape (periods,): a share of each period's load."""
    share = day.vpp.cl.share_of_load if day.vpp.cl else 0.0
    return np.maximum(share * day.vpp.load_mw, 0.0)


def _renewable(program: LinearProgram, day: DispatchDay, plant: Renewable | None, nudge: float) -> range:
    """(7) 0 ≤ P ≤ forecast."""
    if plant is None:
        return _ABSENT
    return _add(program, day, plant.forecast_mw, price=plant.om_cost_cny_per_mwh, nudge=nudge)


def _micro_turbine(
    program: LinearProgram, day: DispatchDay, mt: MicroTurbine | None, commitment: bool
) -> tuple[range, tuple[range, ...], range]:
    """(12) p_min ≤ P ≤ p_max, or 0 when off; the cost of (5) lies on the pieces and on `on`."""
    if mt is None:
        return _ABSENT, (), _ABSENT
    lowest_mw = 0.0 if mt.commitment else mt.p_min_mw
    output = _add(program, day, mt.p_max_mw, lower=lowest_mw, nudge=_MT * _early(day))
    width_mw = (mt.p_max_mw - mt.p_min_mw) / mt.cost_pieces
    pieces = tuple(_add(program, day, width_mw, price=slope) for slope in mt_slopes_cny_per_mwh(mt).tolist())
    running = mt_least_cost_cny_per_h(mt)
    if commitment:
        return output, pieces, _add(program, day, 1.0, price=running, integer=True)
    if not mt.commitment:
        program.offset(running * day.period_h * day.periods)
    return output, pieces, _ABSENT


def _storage(program: LinearProgram, day: DispatchDay, ess: Storage | None) -> tuple[range, range, range]:
    """(8) power limits and (10) energy limits, the last period's energy being the first one's start."""
    if ess is None:
        return _ABSENT, _ABSENT, _ABSENT
    lower, upper = np.full((2, day.periods), ess.energy_mwh) * [[ess.soc_min], [ess.soc_max]]
    lower[-1] = upper[-1] = ess.soc_initial * ess.energy_mwh
    wear, early = ess.wear_cny_per_mwh, _early(day)
    return (
        _add(program, day, ess.charge_max_mw, price=wear, nudge=_CHARGE * early),
        _add(program, day, ess.discharge_max_mw, price=wear, nudge=_DISCHARGE * early),
        _add(program, day, upper, lower=lower),
    )


def _controllable_load(program: LinearProgram, day: DispatchDay, cl: ControllableLoad | None) -> range:
    """0 ≤ CL ≤ share of the load."""
    if cl is None:
        return _ABSENT
    return _add(program, day, cl_limit_mw(day), price=cl.compensation_cny_per_mwh, nudge=_CL * _early(day))


def _mode(program: LinearProgram, day: DispatchDay, wanted: bool) -> range:
    return _add(program, day, 1.0, integer=True) if wanted else _ABSENT


def _carbon(program: LinearProgram, day: DispatchDay) -> range:
    """(3) stretches of the day's excess, one column each, whose prices rise."""
    segments = priced_segments(day.public.carbon)
    return program.columns(
        np.array([segment.lower_t for segment in segments]),
        np.array([segment.upper_t for segment in segments]),
        np.array([segment.price_cny_per_t for segment in segments]),
    )


def _early(day: DispatchDay) -> Array:
    """Weights that grow with the period."""
    return np.arange(1.0, day.periods + 1.0)


def _add(
    program: LinearProgram,
    day: DispatchDay,
    upper: Array | float,
    *,
    lower: Array | float = 0.0,
    price: Array | float = 0.0,
    nudge: Array | float | None = None,
    integer: bool = False,
) -> range:
    """One column for each period; `price` is for an hour at 1, and `nudge` is in units of `_NUDGE`."""
    periods, hours = day.periods, day.period_h
    return program.columns(
        np.full(periods, lower),
        np.full(periods, upper),
        np.full(periods, price) * hours,
        nudge=None if nudge is None else np.full(periods, nudge) * (_NUDGE * hours),
        integer=integer,
    )
