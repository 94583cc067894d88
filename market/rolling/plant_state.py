"""What a plant takes from one day into the next: its stores, its turbines, what is left of its tasks and limits.

All of it stands in parameters of the plant, so that a day which goes on from another is an ordinary day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from market.model.assets import Deferrable, Hydro, ShiftableLoad, Vehicle
from market.model.vpp import ControllableLoad, MicroTurbine, Storage, Unit, Vpp

CARRIED: Final[Mapping[type, tuple[str, ...]]] = {
    Storage: ("soc_initial",),
    Hydro: ("level_initial",),
    MicroTurbine: ("initial_output_mw", "initial_state_h"),
    ControllableLoad: ("shed_before_mwh",),
    ShiftableLoad: ("moved_before_mwh",),
    Vehicle: ("taken_before_mwh",),
    Deferrable: ("taken_before_mwh",),
}
"""The parameters in which a unit's past stands, by what it is; all other kinds have none."""

UnitState: TypeAlias = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class PlantState:
    """What a plant brings along: by unit the values of its parameters of `CARRIED`, and what it is billed by.

    excess_before_t : of carbon · peak_before_mw : its largest import
    """

    units: Mapping[str, UnitState] = field(default_factory=dict)
    excess_before_t: float = 0.0
    peak_before_mw: float = 0.0


def state_of(vpp: Vpp) -> PlantState:
    """The state in which a plant begins."""
    units = {unit.id: _unit_state(unit) for unit in vpp.all_units if type(unit.asset) in CARRIED}
    return PlantState(units, vpp.excess_before_t, vpp.exchange.peak_before_mw)


def _unit_state(unit: Unit) -> UnitState:
    return {name: getattr(unit.asset, name) for name in CARRIED[type(unit.asset)]}


def with_state(vpp: Vpp, state: PlantState) -> Vpp:
    """The plant as it goes on from a state."""
    if state == state_of(vpp):
        return vpp
    own = {unit.id for unit in vpp.units}
    fields: dict[str, Any] = {
        unit.id: _in_state(unit, state).asset for unit in vpp.all_units if unit.id not in own
    }
    units = tuple(_in_state(unit, state) for unit in vpp.units)
    exchange = replace(vpp.exchange, peak_before_mw=state.peak_before_mw)
    return replace(vpp, units=units, excess_before_t=state.excess_before_t, exchange=exchange, **fields)


def _in_state(unit: Unit, state: PlantState) -> Unit:
    values: dict[str, Any] = dict(state.units.get(unit.id, {}))
    return replace(unit, asset=replace(unit.asset, **values)) if values else unit
