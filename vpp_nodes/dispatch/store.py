"""Batteries and reservoirs: their columns and limits (8), (10), their energy (9), the end of the day (M9), (M12).

In the equations Δt is the period's length in hours.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from market.costs.costs import stored_at_start_mwh
from market.costs.reservoir import highest_levels_mwh
from market.model.arrays import Array
from market.model.assets import Hydro, StoredEnd
from market.model.vpp import Storage, Unit
from vpp_nodes.dispatch.columns import ABSENT, INFINITY, UnitColumns, add_columns, early, in_order
from vpp_nodes.dispatch.day import DispatchDay
from vpp_nodes.dispatch.linear import LinearProgram

_CHARGE, _DISCHARGE, _RELEASE = (math.sqrt(n) for n in (1, 2, 7))
_ROUNDING = 1e-9  # of what a store holds


@dataclass(frozen=True, slots=True)
class BatteryColumns(UnitColumns):
    """A battery, which discharges as `supply` and charges as `use`. mode : 1 discharging, where it is asked for"""

    mode: range = ABSENT

    @property
    def ess(self) -> Storage:
        """Its data."""
        assert isinstance(self.unit.asset, Storage)
        return self.unit.asset


@dataclass(frozen=True, slots=True)
class HydroColumns(UnitColumns):
    """A hydro unit. spilt : what flows past the turbine"""

    spilt: range = ABSENT

    @property
    def hydro(self) -> Hydro:
        """Its data."""
        assert isinstance(self.unit.asset, Hydro)
        return self.unit.asset


def battery_columns(program: LinearProgram, day: DispatchDay, unit: Unit, number: int) -> BatteryColumns:
    """(8) power limits and (10) energy limits; `number` counts the batteries."""
    ess = unit.asset
    assert isinstance(ess, Storage)
    wear, weight = ess.wear_cny_per_mwh, early(day) * in_order(number)
    charge = add_columns(program, day, ess.charge_max_mw, price=wear, nudge=_CHARGE * weight)
    discharge = add_columns(program, day, ess.discharge_max_mw, price=wear, nudge=_DISCHARGE * weight)
    return BatteryColumns(unit, discharge, charge, _stored(program, day, ess))


def hydro_columns(program: LinearProgram, day: DispatchDay, unit: Unit) -> HydroColumns:
    """(M12) 0 ≤ output ≤ p_max, the level within its limits, any spill."""
    hydro = unit.asset
    assert isinstance(hydro, Hydro)
    # a run-of-river unit is used rather than not; a reservoir releases as early as it may
    nudge = -_RELEASE / 10.0 if hydro.reservoir_mwh == 0.0 else _RELEASE * early(day)
    output = add_columns(program, day, hydro.p_max_mw, price=hydro.om_cost_cny_per_mwh, nudge=nudge)
    spilt = add_columns(program, day, _most_spilt_mw(hydro, day))
    return HydroColumns(unit, output, ABSENT, _stored(program, day, hydro), spilt)


def _most_spilt_mw(hydro: Hydro, day: DispatchDay) -> Array:
    """All that is there and flows in: no limit, but a finite one."""
    return hydro.inflow_mw + hydro.reservoir_mwh / day.period_h


def _stored(program: LinearProgram, day: DispatchDay, store: Storage | Hydro) -> range:
    """(10), (M9): what is stored, at the end of the day what it has to be, or earning what it is worth."""
    low_mwh, high_mwh = stored_limits_mwh(store)
    lower, upper, price = day.filled(low_mwh), day.filled(high_mwh), day.filled(0.0)
    end_mwh = stored_at_end_mwh(store)
    if end_mwh is not None:
        lower[-1] = upper[-1] = end_mwh
    if store.end is StoredEnd.VALUED:
        worth = store.end_value_cny_per_mwh or 0.0
        price[-1] = -worth
        program.offset(worth * stored_at_start_mwh(store))
    return program.columns(lower, upper, price)


def stored_limits_mwh(store: Storage | Hydro) -> tuple[float, float]:
    """The least and the most that a store may hold."""
    if isinstance(store, Hydro):
        return store.reservoir_mwh * store.level_min, store.reservoir_mwh * store.level_max
    return store.energy_mwh * store.soc_min, store.energy_mwh * store.soc_max


def stored_at_end_mwh(store: Storage | Hydro) -> float | None:
    """What a store has to hold at the end of the day, (M9); None where that is open."""
    if store.end is StoredEnd.AS_BEGUN:
        return stored_at_start_mwh(store)
    if store.end is not StoredEnd.GIVEN:
        return None
    if isinstance(store, Hydro):
        return (store.level_end or 0.0) * store.reservoir_mwh
    return (store.soc_end or 0.0) * store.energy_mwh


def kept_share(ess: Storage, period_h: float) -> float:
    """The share of what is stored that is still there after a period."""
    return float((1.0 - ess.self_discharge_per_h) ** period_h)


def storage_mode_8(program: LinearProgram, day: DispatchDay, v: BatteryColumns) -> None:
    """charge ≤ charge_max (1 − b),  discharge ≤ discharge_max b,  where b is asked for."""
    ess = v.ess
    for charge, discharge, mode in zip(v.use, v.supply, v.mode, strict=False):
        program.row(-INFINITY, ess.charge_max_mw, [charge, mode], [1.0, ess.charge_max_mw])
        program.row(-INFINITY, 0.0, [discharge, mode], [1.0, -ess.discharge_max_mw])


def storage_energy_9(program: LinearProgram, day: DispatchDay, v: BatteryColumns) -> None:
    """soc_t = kept soc_t−1 + (η_c charge − discharge/η_d) Δt, from soc_0 = soc_initial · energy.

    kept = (1 − self-discharge)^Δt
    """
    ess = v.ess
    stored = -ess.charge_efficiency * day.period_h
    taken = day.period_h / ess.discharge_efficiency
    kept = kept_share(ess, day.period_h)
    start_mwh = stored_at_start_mwh(ess) * kept
    program.row(start_mwh, start_mwh, [v.stored[0], v.use[0], v.supply[0]], [1.0, stored, taken])
    for t in range(1, day.periods):
        columns = [v.stored[t], v.stored[t - 1], v.use[t], v.supply[t]]
        program.row(0.0, 0.0, columns, [1.0, -kept, stored, taken])


def reservoir_m12(program: LinearProgram, day: DispatchDay, v: HydroColumns) -> None:
    """(M12) level_t = level_t−1 + (inflow − output − spilt) Δt, from level_initial · reservoir."""
    start_mwh, inflow_mwh = stored_at_start_mwh(v.hydro), v.hydro.inflow_mw * day.period_h
    out = [day.period_h, day.period_h]
    first = start_mwh + float(inflow_mwh[0])
    program.row(first, first, [v.stored[0], v.supply[0], v.spilt[0]], [1.0, *out])
    for t in range(1, day.periods):
        flows = float(inflow_mwh[t])
        columns = [v.stored[t], v.stored[t - 1], v.supply[t], v.spilt[t]]
        program.row(flows, flows, columns, [1.0, -1.0, *out])


def spare_mw(hydro: Hydro, day: DispatchDay, supply_mw: Array, stored_mwh: Array) -> Array:
    """What is spilt though the turbine could take it, shape (periods,)."""
    before = np.concatenate([[stored_at_start_mwh(hydro)], stored_mwh[:-1]])
    spilt = hydro.inflow_mw - supply_mw - (stored_mwh - before) / day.period_h
    spare: Array = np.maximum(np.minimum(spilt, hydro.p_max_mw - supply_mw), 0.0)
    return spare


def unreachable_level(day: DispatchDay, unit: Unit) -> str:
    """Why a store cannot keep (10) and (M9) by itself, in words; empty where it can.

    It charges or discharges at full power all day: what it cannot reach so, it cannot reach.
    """
    store, place = unit.asset, day.vpp.place_of(unit)
    if not isinstance(store, Storage | Hydro):
        return ""
    low, high = stored_limits_mwh(store)
    end, room = stored_at_end_mwh(store), _ROUNDING * (1.0 + high)
    reach = list(_reach(day, store))
    for t, (_, most) in enumerate(reach):
        if most < low - room:
            return f"period {t + 1}: {place} holds at most {most:.4g} MWh, and must hold {low:.4g}"
    least, most = reach[-1]
    if end is not None and not least - room <= end <= most + room:
        return f"{place} must end the day at {end:.4g} MWh, and can only reach {least:.4g} … {most:.4g}"
    return ""


def _reach(day: DispatchDay, store: Storage | Hydro) -> Iterator[tuple[float, float]]:
    """The least and the most that a store can hold at the end of each period."""
    low, high = stored_limits_mwh(store)
    if isinstance(store, Hydro):
        yield from ((low, most) for most in highest_levels_mwh(store, day.period_h))
        return
    least = most = stored_at_start_mwh(store)
    kept = kept_share(store, day.period_h)
    for _ in range(day.periods):
        most = min(most * kept + store.charge_efficiency * store.charge_max_mw * day.period_h, high)
        least = max(least * kept - store.discharge_max_mw * day.period_h / store.discharge_efficiency, low)
        yield least, most
