"""Explains why a day cannot be dispatched: when, by how much, and which limit would mend it.

It lets the power balance (6) be missed, makes the miss as small as it can be, and then tries one limit after the
other to see which of them stands in the way.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from market.errors import DispatchError
from market.model.arrays import Array
from market.model.group import CONNECTION
from market.model.plan import DirectExchange
from market.model.unit_limits import of_kinds, use_sum_mw
from market.model.vpp import FIELDS, MicroTurbine, Unit, UnitKind, Vpp
from vpp_nodes.dispatch.day import DispatchDay
from vpp_nodes.dispatch.flexible import unreachable_energy, unreachable_return
from vpp_nodes.dispatch.linear import SolveStatus
from vpp_nodes.dispatch.model import build_model
from vpp_nodes.dispatch.reading import read_powers
from vpp_nodes.dispatch.repair import Powers
from vpp_nodes.dispatch.store import unreachable_level
from vpp_nodes.dispatch.variables import Binary, commitment_binaries

# A miss below this is the solver's rounding, not a reason.
_TOLERANCE_MW = 1e-6


@dataclass(frozen=True, slots=True)
class Miss:
    """By how much (6) must be missed, MW, each of shape (periods,), and the powers that come closest."""

    short_mw: Array
    surplus_mw: Array
    powers: Powers

    @property
    def sum_mw(self) -> float:
        """Σ of all misses."""
        return float((self.short_mw + self.surplus_mw).sum())


def infeasible_day(day: DispatchDay, binaries: Collection[Binary], ending: SolveStatus) -> DispatchError:
    """The error to raise for a day without any plan, in the user's terms. `ending` is what the solver said."""
    if alone := _impossible_unit(day):
        return DispatchError(f"{day.vpp.id} cannot be dispatched: {alone}")
    miss = least_miss(day, binaries)
    if miss is None and (alone := _conflicting_unit(day, binaries)):
        return DispatchError(f"{day.vpp.id} cannot be dispatched: {alone}")
    if miss is None or miss.sum_mw <= _TOLERANCE_MW:
        return DispatchError(
            f"{day.vpp.id} cannot be dispatched: the solver finds no plan (it ended as `{ending}`), though no "
            f"period need be short or in surplus by more than {_TOLERANCE_MW:g} MW; look for limits that are "
            "crossed (a lower one above its upper one) or that only just touch, and give them a little room"
        )
    return DispatchError(f"{day.vpp.id} cannot be dispatched: {_what(day, miss)}; {_remedies(day, binaries)}")


def _impossible_unit(day: DispatchDay) -> str:
    """Why a unit cannot have its day whatever the others do, and what would mend it; empty where each can."""
    for unit in day.vpp.all_units:
        if said := unreachable_level(day, unit):
            return f"{said}; give it more power or another end (`end: free`)"
        if said := unreachable_energy(day, unit):
            return f"{said}; give it more power, more time or less energy"
        if said := unreachable_return(day, unit):
            return f"{said}; change its moved_before_mwh, or give it a longer window or more power"
    return ""


def _conflicting_unit(day: DispatchDay, binaries: Collection[Binary]) -> str:
    """The first unit whose own rules allow it no day; empty where each has one."""
    for unit in day.vpp.all_units:
        if isinstance(unit.asset, MicroTurbine):
            others = tuple(each for each in day.vpp.units if each.id == unit.id)
            fields: dict[str, Any] = {
                kind.value: getattr(day.vpp, kind.value) if unit.id == kind.value else None for kind in FIELDS
            }
            alone = replace(day, vpp=replace(day.vpp, units=others, **fields))
            if least_miss(alone, binaries) is None:
                return (
                    f"{day.vpp.place_of(unit)} has no day that keeps its ramps, its times and its state before "
                    "it; look at initial_output_mw, min_up_h, min_down_h and the ramp limits together"
                )
    return ""


def least_miss(day: DispatchDay, binaries: Collection[Binary]) -> Miss | None:
    """The smallest Σ_t |miss of (6)|, all other equations kept; None where these cannot be kept either."""
    model = build_model(day, binaries)
    elastic = model.program.without_costs()
    zero, unlimited, one = np.zeros(day.periods), np.full(day.periods, math.inf), np.ones(day.periods)
    short = elastic.columns(zero, unlimited, one)
    surplus = elastic.columns(zero, unlimited, one)
    for t, row in enumerate(model.balance_rows):
        elastic.extend_row(row, short[t], 1.0)
        elastic.extend_row(row, surplus[t], -1.0)
    answer = elastic.solve_milp() if binaries else elastic.solve_lp()
    if answer.ending is not SolveStatus.OPTIMAL:
        return None
    missed = answer.values[short.start : surplus.stop].reshape(2, day.periods)
    return Miss(missed[0], missed[1], read_powers(day, replace(model, program=elastic), answer))


def _what(day: DispatchDay, miss: Miss) -> str:
    """The worst period in full, the others by number."""
    missed = miss.short_mw + miss.surplus_mw
    t = int(np.argmax(missed))
    worst = _short(day, miss, t) if miss.short_mw[t] >= miss.surplus_mw[t] else _surplus(day, miss, t)
    others = [str(n + 1) for n in np.flatnonzero(missed > _TOLERANCE_MW) if n != t]
    return f"period {t + 1}: {worst}" + (f" (also period {', '.join(others)})" if others else "")


def _short(day: DispatchDay, miss: Miss, t: int) -> str:
    supply = {name: power for name, power in _supply(day, miss.powers, t).items() if power > 0.0}
    demand = _demand(day, miss.powers, t)
    needed = " and ".join(f"{power:.4g} MW of {name}" for name, power in demand.items())
    listed = f" ({_listed(supply)})" if supply else ""
    most = sum(supply.values())
    return f"{needed}, at most {most:.4g} MW can be supplied{listed}: short of {miss.short_mw[t]:.4g} MW"


def _surplus(day: DispatchDay, miss: Miss, t: int) -> str:
    supply = {name: power for name, power in _supply(day, miss.powers, t).items() if power > 0.0}
    use = _demand(day, miss.powers, t) | {"grid": float(miss.powers.sell_mw[t])}
    return (
        f"{sum(supply.values()):.4g} MW of supply ({_listed(supply)}), at most {sum(use.values()):.4g} MW can be "
        f"used ({_listed(use)}): {miss.surplus_mw[t]:.4g} MW cannot go anywhere"
    )


_SUPPLY = {
    UnitKind.WT: "WT",
    UnitKind.PV: "PV",
    UnitKind.MT: "MT",
    UnitKind.ESS: "discharge",
    UnitKind.CL: "load shed",
    UnitKind.BIOMASS: "biomass",
    UnitKind.HYDRO: "hydro",
    UnitKind.MUST_RUN: "must-run",
    UnitKind.SHIFT: "load moved away",
}
_USE = {
    UnitKind.ESS: "charge",
    UnitKind.SHIFT: "load moved here",
    UnitKind.EV: "vehicles",
    UnitKind.DEFERRABLE: "deferrable load",
}


def _supply(day: DispatchDay, powers: Powers, t: int) -> dict[str, float]:
    """Left side of (6) in a period, by names for people."""
    load = float(day.vpp.total_load_mw[t])
    return {
        **{name: _of_kind(powers, kind, "supply_mw", t) for kind, name in _SUPPLY.items()},
        "net load": max(-load, 0.0),
        "grid": float(powers.buy_mw[t]),
        "direct": float(day.direct.in_mw[t]),
    }


def _demand(day: DispatchDay, powers: Powers, t: int) -> dict[str, float]:
    """Right side of (6) in a period without the grid; the load always, the others where they are."""
    others = {
        **{name: _of_kind(powers, kind, "use_mw", t) for kind, name in _USE.items()},
        "direct delivery": float(day.direct.out_mw[t]),
    }
    load = max(float(day.vpp.total_load_mw[t]), 0.0)
    return {"load": load} | {name: power for name, power in others.items() if power > 0.0}


def _of_kind(powers: Powers, kind: UnitKind, quantity: str, t: int) -> float:
    """A power of all units of a kind in a period."""
    found = zip(powers.units, powers.kinds, strict=True)
    return float(sum(getattr(unit, quantity)[t] for unit, of in found if of is kind))


def _listed(powers: dict[str, float]) -> str:
    return ", ".join(f"{name} {power:.4g}" for name, power in powers.items())


def _remedies(day: DispatchDay, binaries: Collection[Binary]) -> str:
    """Those single changes that leave nothing missed."""
    found = []
    for text, changed in _single_changes(day):
        miss = least_miss(changed, {*binaries, *commitment_binaries(changed.vpp)})
        if miss is not None and miss.sum_mw <= _TOLERANCE_MW:
            found.append(text)
    if found:
        return " or ".join(found)
    return "no single limit is enough to mend this: change several of load, grid limits, micro-turbine and storage"


def _single_changes(day: DispatchDay) -> Iterator[tuple[str, DispatchDay]]:
    """What a user may change, one at a time: in words, and the day with that limit out of the way."""
    yield from _exchange_changes(day)
    units = {kind: of_kinds(day.vpp, kind) for kind in UnitKind}
    for unit in units[UnitKind.MT] + units[UnitKind.BIOMASS]:
        assert isinstance(unit.asset, MicroTurbine)
        yield from _turbine_changes(day, unit, unit.asset)
    for unit in units[UnitKind.ESS]:
        ess, place = unit.asset, day.vpp.place_of(unit)
        larger = {name: 100.0 * getattr(ess, name) for name in _STORAGE_SIZES}
        now = ", ".join(f"{place}.{name} {getattr(ess, name):g}" for name in _STORAGE_SIZES)
        yield f"enlarge the storage ({now})", _with(day, unit, **larger)
    for unit in units[UnitKind.CL]:
        place, share = day.vpp.place_of(unit), getattr(unit.asset, "share_of_load", 0.0)
        text = f"raise {place}.share_of_load ({share:g}) or {place}.daily_energy_max_mwh"
        yield text, _with(day, unit, share_of_load=1.0, daily_energy_max_mwh=None)
    for unit in units[UnitKind.HYDRO]:
        text = f"raise {day.vpp.place_of(unit)}.p_max_mw ({getattr(unit.asset, 'p_max_mw', 0.0):g})"
        yield text, _with(day, unit, p_max_mw=_largest_mw(day))
    for unit in units[UnitKind.SHIFT]:
        text = f"raise {day.vpp.place_of(unit)}.share_of_load ({getattr(unit.asset, 'share_of_load', 0.0):g})"
        yield text, _with(day, unit, share_of_load=1.0)
    for unit in units[UnitKind.EV] + units[UnitKind.DEFERRABLE]:
        text = f"lower {day.vpp.place_of(unit)}.energy_mwh ({getattr(unit.asset, 'energy_mwh', 0.0):g})"
        yield text, _with(day, unit, energy_mwh=0.0)
    for unit in units[UnitKind.MUST_RUN]:
        yield f"lower the output of {day.vpp.place_of(unit)}", _with(day, unit, output_mw=day.filled(0.0))


def _with(day: DispatchDay, unit: Unit, **changes: Any) -> DispatchDay:
    """The day with a unit changed."""
    changed = replace(unit.asset, **changes)
    if not any(each.id == unit.id for each in day.vpp.units):
        of_field: dict[str, Any] = {unit.id: changed}
        return replace(day, vpp=replace(day.vpp, **of_field))
    units = tuple(replace(each, asset=changed) if each.id == unit.id else each for each in day.vpp.units)
    return replace(day, vpp=replace(day.vpp, units=units))


def _largest_mw(day: DispatchDay) -> float:
    """More than a unit would ever have to give."""
    return float(np.abs(day.net_load_mw).max()) + float(np.max(use_sum_mw(day.vpp, tuple(UnitKind))))


_STORAGE_SIZES = ("energy_mwh", "charge_max_mw", "discharge_max_mw")


def _exchange_changes(day: DispatchDay) -> Iterator[tuple[str, DispatchDay]]:
    exchange = day.vpp.exchange
    grid = ("grid_buy_max_mw", "grid_sell_max_mw")
    for name in (*grid, *(each for each in CONNECTION if getattr(exchange, each) < math.inf)):
        wider = replace(exchange, **{name: math.inf})
        yield _raised(day.vpp, name), replace(day, vpp=replace(day.vpp, exchange=wider))
    nothing = np.zeros(day.periods)
    if day.direct.in_mw.any() or day.direct.out_mw.any():
        without = DirectExchange(nothing, nothing, day.direct.quota_in_t)
        yield "trade less directly with other VPPs", replace(day, direct=without)


def _raised(vpp: Vpp, name: str) -> str:
    """What to raise for more exchange: the plant's own limit, or its group's where the share is narrower."""
    limit_mw, group = getattr(vpp.exchange, name), vpp.group
    if group is None or group.limits_of(vpp.id).get(name) != limit_mw:
        return f"raise exchange.{name} ({limit_mw:g})"
    return f"raise {group.share_text(vpp.id, name)}, or the weight of {vpp.id} in it"


def _turbine_changes(day: DispatchDay, unit: Unit, mt: MicroTurbine) -> Iterator[tuple[str, DispatchDay]]:
    place = day.vpp.place_of(unit)
    largest = float(np.abs(day.net_load_mw).max()) + mt.p_max_mw
    up, down = mt.ramp_up_mw_per_h, mt.ramp_down_mw_per_h
    yield f"raise {place}.p_max_mw ({mt.p_max_mw:g})", _with(day, unit, p_max_mw=largest, **_NO_CURVE)
    least = min(mt.p_min_mw, _TOLERANCE_MW) if mt.start_cost_cny or mt.min_up_h or mt.min_down_h else 0.0
    yield f"lower {place}.p_min_mw ({mt.p_min_mw:g})", _with(day, unit, p_min_mw=least, **_NO_CURVE)
    text = f"raise {place}.ramp_up_mw_per_h ({up:g}) and {place}.ramp_down_mw_per_h ({down:g})"
    yield text, _with(day, unit, ramp_up_mw_per_h=math.inf, ramp_down_mw_per_h=math.inf)
    yield f"set {place}.commitment so that the unit may be off", _with(day, unit, commitment=True)
    if mt.min_up_h or mt.min_down_h:
        text = f"shorten {place}.min_up_h ({mt.min_up_h:g}) and {place}.min_down_h ({mt.min_down_h:g})"
        yield text, _with(day, unit, min_up_h=0.0, min_down_h=0.0)
    if mt.initial_output_mw is not None:
        text = f"change {place}.initial_output_mw ({mt.initial_output_mw:g})"
        yield text, _with(day, unit, initial_output_mw=None, initial_state_h=None)


_NO_CURVE: Mapping[str, Any] = {"curve_mw": (), "curve_cny_per_h": ()}  # costs do not count here
