"""Whether what is said of a day that cannot be dispatched is right, by the second formulation.

A unit that is said to have no day has none by itself, with a grid without limits; each change that is said to be
enough is enough, and each single change that is not named is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import numpy as np

from market.model.arrays import frozen
from market.model.assets import Deferrable, Hydro, MustRun, ShiftableLoad, Vehicle
from market.model.vpp import FIELDS, ControllableLoad, MicroTurbine, Storage, Unit, UnitKind, Vpp
from tests.vpp_nodes.dispatch_cases import Case
from tests.vpp_nodes.reference_plants import least_miss_mw, reference_cost

_ALONE = re.compile(
    r"cannot be dispatched: (?:period \d+: )?((?:units\.)?\w+) "
    r"(?:holds at most|must (?:end the day|take again|give back)|needs|has no day that)"
)
_SHORT = re.compile(r"cannot be dispatched: period \d+: .*?(?:short of ([\d.e+-]+) MW|: ([\d.e+-]+) MW cannot go)")
_ROOM = 1.01  # figures are told with four digits
_LARGE_MW = 1e3
_NO_CURVE: dict[str, Any] = {"curve_mw": (), "curve_cny_per_h": ()}


def mistakes(case: Case, said: str) -> list[str]:
    """What is wrong in an explanation; nothing where it is right."""
    if alone := _ALONE.search(said):
        return [] if not _feasible(_by_itself(case, alone[1])) else [f"{alone[1]} has a day by itself"]
    short = _SHORT.search(said)
    if short is None:
        return ["names neither a unit nor what is missing"]
    least_mw = least_miss_mw(case.vpp, case.public, case.direct)
    told_mw = float(short[1] or short[2])
    found = [] if told_mw <= _ROOM * least_mw + 1e-6 else [f"{told_mw} MW are missing, and {least_mw} are enough"]
    for change in _changes(case):
        named = change.words in said
        if named != _feasible(change.case):
            found.append(f"{change.words} is {'named and not enough' if named else 'enough and not named'}")
    return found


def _feasible(case: Case) -> bool:
    return reference_cost(case.vpp, case.public, case.direct).feasible


def _by_itself(case: Case, place: str) -> Case:
    """The unit alone, its load and a grid without limits."""
    vpp = case.vpp
    units = tuple(unit for unit in vpp.units if vpp.place_of(unit) == place or unit.kind is UnitKind.LOAD)
    fields: dict[str, Any] = {kind.value: getattr(vpp, kind) if kind == place else None for kind in FIELDS}
    free = replace(vpp.exchange, grid_buy_max_mw=inf, grid_sell_max_mw=inf, import_max_mw=inf, export_max_mw=inf)
    return replace(case, vpp=replace(vpp, units=units, exchange=free, **fields))


@dataclass(frozen=True, slots=True)
class _Change:
    words: str
    case: Case


def _changes(case: Case) -> Iterator[_Change]:
    """Every single change that may be named, by the words that name it."""
    exchange = case.vpp.exchange
    for name in ("grid_buy_max_mw", "grid_sell_max_mw", "import_max_mw", "export_max_mw"):
        wider: dict[str, Any] = {name: inf}
        changed = replace(case.vpp, exchange=replace(exchange, **wider))
        yield _Change(f"raise exchange.{name} (", replace(case, vpp=changed))
    if case.direct is not None and (case.direct.in_mw.any() or case.direct.out_mw.any()):
        nothing = frozen(np.zeros(case.public.horizon.periods))
        yield _Change(
            "trade less directly", replace(case, direct=replace(case.direct, in_mw=nothing, out_mw=nothing))
        )
    for unit in case.vpp.all_units:
        place = case.vpp.place_of(unit)
        for words, changes in _unit_changes(unit, place, case.public.horizon.periods):
            yield _Change(words, replace(case, vpp=_with(case.vpp, unit, changes)))


def _unit_changes(unit: Unit, place: str, periods: int) -> Iterator[tuple[str, dict[str, Any]]]:
    match unit.asset:
        case MicroTurbine() as mt:
            yield f"raise {place}.p_max_mw (", {"p_max_mw": _LARGE_MW, **_NO_CURVE}
            timed = mt.start_cost_cny or mt.min_up_h or mt.min_down_h
            yield f"lower {place}.p_min_mw (", {"p_min_mw": 1e-6 if timed else 0.0, **_NO_CURVE}
            yield f"raise {place}.ramp_up_mw_per_h (", {"ramp_up_mw_per_h": inf, "ramp_down_mw_per_h": inf}
            yield f"set {place}.commitment ", {"commitment": True}
            yield f"shorten {place}.min_up_h (", {"min_up_h": 0.0, "min_down_h": 0.0}
            yield f"change {place}.initial_output_mw (", {"initial_output_mw": None, "initial_state_h": None}
        case Storage() as ess:
            sizes = ("energy_mwh", "charge_max_mw", "discharge_max_mw")
            yield f"enlarge the storage ({place}.energy_mwh", {name: 100.0 * getattr(ess, name) for name in sizes}
        case ControllableLoad():
            yield f"raise {place}.share_of_load (", {"share_of_load": 1.0, "daily_energy_max_mwh": None}
        case Hydro():
            yield f"raise {place}.p_max_mw (", {"p_max_mw": _LARGE_MW}
        case ShiftableLoad():
            yield f"raise {place}.share_of_load (", {"share_of_load": 1.0}
        case Vehicle() | Deferrable():
            yield f"lower {place}.energy_mwh (", {"energy_mwh": 0.0}
        case MustRun():
            yield f"lower the output of {place}", {"output_mw": frozen(np.zeros(periods))}


def _with(vpp: Vpp, unit: Unit, changes: dict[str, Any]) -> Vpp:
    asset = replace(unit.asset, **changes)
    if unit not in vpp.units:
        of_field: dict[str, Any] = {unit.kind.value: asset}
        return replace(vpp, **of_field)
    return replace(vpp, units=tuple(replace(each, asset=asset) if each is unit else each for each in vpp.units))
