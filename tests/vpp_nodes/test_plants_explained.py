"""A day that its units cannot have is explained: which unit, when, by how much, and what would mend it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from market.errors import DispatchError
from market.model.arrays import frozen
from market.model.assets import Deferrable, FixedLoad, Hydro, MustRun, ShiftableLoad, StoredEnd, Vehicle
from market.model.vpp import Asset, Exchange, Unit, UnitKind
from tests.vpp_nodes.dispatch_cases import MICRO_TURBINE, STORAGE, Case, plain_case
from vpp_nodes.dispatch import dispatch


def case(load: list[float], *units: tuple[UnitKind, Asset], buy: float = 9.0, sell: float = 9.0) -> Case:
    """A VPP with these units, called U1, U2 …"""
    plain = plain_case(load)
    named = tuple(Unit(f"U{number}", "", kind, asset) for number, (kind, asset) in enumerate(units, start=1))
    return Case(replace(plain.vpp, exchange=Exchange(buy, sell, 5.0, 5.0), units=named), plain.public)


TIMED = replace(MICRO_TURBINE, p_min_mw=0.5, commitment=True)
CASES = {
    "a vehicle that stays too short": (
        case([1.0] * 4, (UnitKind.EV, Vehicle(energy_mwh=1.9, power_max_mw=0.5, arrival_h=1.0, departure_h=3.5))),
        "VPP1 cannot be dispatched: units.U1 needs 2 MWh between hours 1 and 3.5 of 4, and can take at most 1.25; "
        "give it more power, more time or less energy",
    ),
    "a task that begins after the day": (
        case([1.0] * 4, (UnitKind.DEFERRABLE, Deferrable(energy_mwh=1.0, power_max_mw=9.0, earliest_h=7.0))),
        "units.U1 needs 1 MWh between hours 7 and 4 of 4, and can take at most 0",
    ),
    "a battery that cannot be filled": (
        case([1.0] * 2, (UnitKind.ESS, replace(STORAGE, end=StoredEnd.GIVEN, soc_end=0.9, charge_max_mw=0.1))),
        "units.U1 must end the day at 1.8 MWh, and can only reach 0.2 … 1.19",
    ),
    "a battery that leaks more than it can be charged by": (
        case(
            [1.0] * 4,
            (UnitKind.ESS, replace(STORAGE, self_discharge_per_h=0.5, charge_max_mw=0.05, end=StoredEnd.FREE)),
        ),
        "period 4: units.U1 holds at most 0.1516 MWh, and must hold 0.2; give it more power",
    ),
    "a reservoir that nothing fills": (
        case(
            [1.0] * 2,
            (
                UnitKind.HYDRO,
                Hydro(
                    inflow_mw=frozen([0.1, 0.1]),
                    p_max_mw=1.0,
                    reservoir_mwh=4.0,
                    end=StoredEnd.GIVEN,
                    level_end=0.9,
                ),
            ),
        ),
        "units.U1 must end the day at 3.6 MWh, and can only reach 0 … 2.2",
    ),
    "a level outside its limits": (
        case([1.0], (UnitKind.ESS, replace(STORAGE, end=StoredEnd.GIVEN, soc_end=0.95))),
        "the storage has units.U1.soc_end 0.95, but may only hold 0.1 … 0.9; "
        "set soc_end between soc_min and soc_max",
    ),
    "must-run that goes nowhere": (
        case([0.2], (UnitKind.MUST_RUN, MustRun(output_mw=frozen([1.0]))), sell=0.3),
        "period 1: 1 MW of supply (must-run 1), at most 0.5 MW can be used (load 0.2, grid 0.3): 0.5 MW cannot go "
        "anywhere; raise exchange.grid_sell_max_mw (0.3) or lower the output of units.U1",
    ),
    "a net load that goes nowhere": (
        case([0.0], (UnitKind.LOAD, FixedLoad(frozen([-1.0]), net_metered=True)), sell=0.3),
        "period 1: 1 MW of supply (net load 1), at most 0.3 MW can be used (load 0, grid 0.3)",
    ),
    "two turbines too small": (
        case([3.0], (UnitKind.MT, MICRO_TURBINE), (UnitKind.BIOMASS, MICRO_TURBINE), buy=0.5),
        "period 1: 3 MW of load, at most 2.5 MW can be supplied (MT 1, biomass 1, grid 0.5): short of 0.5 MW; "
        "raise exchange.grid_buy_max_mw (0.5) or raise units.U1.p_max_mw (1) or raise units.U2.p_max_mw (1)",
    ),
    "a unit that may not start yet": (
        case(
            [1.0, 0.4],
            (UnitKind.MT, replace(TIMED, min_down_h=3.0, initial_output_mw=0.0, initial_state_h=2.0)),
            buy=0.5,
        ),
        "period 1: 1 MW of load, at most 0.5 MW can be supplied (grid 0.5): short of 0.5 MW; raise "
        "exchange.grid_buy_max_mw (0.5) or shorten units.U1.min_up_h (0) and units.U1.min_down_h (3) or change "
        "units.U1.initial_output_mw (0)",
    ),
    "a unit that can neither stay nor stop": (
        case(
            [1.0] * 3,
            (
                UnitKind.MT,
                replace(
                    TIMED,
                    p_max_mw=3.0,
                    ramp_up_mw_per_h=0.0,
                    ramp_down_mw_per_h=0.0,
                    commitment=False,
                    initial_output_mw=4.0,
                ),
            ),
        ),
        "units.U1 has no day that keeps its ramps, its times and its state before it",
    ),
    "vehicles beyond the connection": (
        case([1.0, 1.0], (UnitKind.EV, Vehicle(energy_mwh=0.95, power_max_mw=1.0, departure_h=1.0)), buy=1.5),
        "1 MW of load and 1 MW of vehicles, at most 1.5 MW can be supplied (grid 1.5): short of 0.5 MW; raise "
        "exchange.grid_buy_max_mw (1.5) or lower units.U1.energy_mwh (0.95)",
    ),
    "load that would have to be moved further": (
        case([2.0, 0.5], (UnitKind.SHIFT, ShiftableLoad(share_of_load=0.1, window_h=2.0)), buy=1.5),
        "period 1: 2 MW of load, at most 1.7 MW can be supplied (load moved away 0.2, grid 1.5): short of 0.3 MW; "
        "raise exchange.grid_buy_max_mw (1.5) or raise units.U1.share_of_load (0.1)",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_a_user_reads(name: str) -> None:
    day, expected = CASES[name]
    with pytest.raises(DispatchError) as error:
        dispatch(day.vpp, day.public, day.direct)
    assert expected in str(error.value)
