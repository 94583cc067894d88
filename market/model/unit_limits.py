"""The most that a unit can give and take, whatever its day: what bounds the exchange of its VPP."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np

from market.model.arrays import Array
from market.model.assets import Deferrable, Hydro, MustRun, ShiftableLoad, Vehicle
from market.model.vpp import ControllableLoad, MicroTurbine, Renewable, Storage, Unit, UnitKind, Vpp

SERIES: Final = {
    UnitKind.WT: "forecast_mw",
    UnitKind.PV: "forecast_mw",
    UnitKind.LOAD: "load_mw",
    UnitKind.HYDRO: "inflow_mw",
    UnitKind.MUST_RUN: "output_mw",
}
"""The kinds of units that have a series, and the field that it is."""
RENEWABLES: Final = (UnitKind.WT, UnitKind.PV)
TURBINES: Final = (UnitKind.MT, UnitKind.BIOMASS)
LATER_KINDS: Final = (
    *(UnitKind.BIOMASS, UnitKind.HYDRO, UnitKind.MUST_RUN, UnitKind.SHIFT, UnitKind.EV, UnitKind.DEFERRABLE),
)
"""Those of which a VPP has any only among its `units`, and that give or take beside the load."""
TASKS: Final = (UnitKind.EV, UnitKind.DEFERRABLE)


def of_kinds(vpp: Vpp, *kinds: UnitKind) -> list[Unit]:
    """The units of these kinds, in their order."""
    return [unit for unit in vpp.all_units if unit.kind in kinds]


def most_supply_mw(vpp: Vpp, unit: Unit) -> Array | float:
    """The most that a unit can give, one number or of shape (periods,)."""
    match unit.asset:
        case Renewable() as plant:
            return plant.forecast_mw
        case MicroTurbine() | Hydro() as plant:
            return plant.p_max_mw
        case Storage() as ess:
            return ess.discharge_max_mw
        case MustRun() as plant:
            return plant.output_mw
        case ControllableLoad() | ShiftableLoad() as users:
            return np.maximum(users.share_of_load * vpp.total_load_mw, 0.0)
    return 0.0


def most_use_mw(vpp: Vpp, unit: Unit) -> Array | float:
    """The most that a unit can take beside the load, one number or of shape (periods,)."""
    match unit.asset:
        case Storage() as ess:
            return ess.charge_max_mw
        case ShiftableLoad() as users:
            return most_moved_here_mw(vpp, users)
        case Vehicle() | Deferrable() as task:
            return task.power_max_mw
    return 0.0


def most_moved_here_mw(vpp: Vpp, users: ShiftableLoad) -> float:
    """The most load that may be added in a period."""
    if users.up_max_mw is not None:
        return users.up_max_mw
    return max(users.share_of_load * float(vpp.total_load_mw.max()), 0.0)


def series_of(unit: Unit) -> Array | None:
    """A unit's series, shape (periods,), if it has one."""
    name = SERIES.get(unit.kind)
    return None if name is None else getattr(unit.asset, name)


def supply_sum_mw(vpp: Vpp, kinds: Collection[UnitKind]) -> Array | float:
    """The most that all units of these kinds can give together."""
    return sum((most_supply_mw(vpp, unit) for unit in of_kinds(vpp, *kinds)), 0.0)


def use_sum_mw(vpp: Vpp, kinds: Collection[UnitKind]) -> Array | float:
    """The most that all units of these kinds can take together."""
    return sum((most_use_mw(vpp, unit) for unit in of_kinds(vpp, *kinds)), 0.0)
