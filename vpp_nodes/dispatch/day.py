"""The data of one dispatch: a VPP, the public rules and the direct exchange, checked before use.

A number that is not finite must never reach a solver: it is taken for "no limit", spoils the answer, or ends the
process.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from market.errors import DispatchError
from market.model.arrays import Array
from market.model.assets import Hydro, StoredEnd
from market.model.plan import DirectExchange
from market.model.public import PublicRules
from market.model.vpp import Storage, Unit, Vpp

# How far a traded power may lie beyond a limit: surpluses and deficits are rounded to 1e-9 MW.
_DIRECT_TOLERANCE_MW = 1e-6

_MAY_BE_INFINITE = frozenset(
    {
        "grid_buy_max_mw",
        "grid_sell_max_mw",
        "direct_in_max_mw",
        "direct_out_max_mw",
        "import_max_mw",
        "export_max_mw",
        "ramp_up_mw_per_h",
        "ramp_down_mw_per_h",
        "daily_energy_max_mwh",
    }
)


@dataclass(frozen=True, slots=True)
class DispatchDay:
    """Everything one dispatch is made of. Arrays have the shape (periods,)."""

    vpp: Vpp
    public: PublicRules
    direct: DirectExchange

    @property
    def periods(self) -> int:
        """T."""
        return self.public.horizon.periods

    @property
    def period_h(self) -> float:
        """Δt."""
        return self.public.horizon.period_h

    @property
    def net_load_mw(self) -> Array:
        """Right-hand side of (6): load + dir_out − dir_in."""
        return self.vpp.total_load_mw + self.direct.out_mw - self.direct.in_mw

    @property
    def most_needed_mw(self) -> Array:
        """The largest net load that (11) has to leave room for."""
        return self.net_load_mw

    @property
    def least_needed_mw(self) -> Array:
        """The smallest net load that (11) has to leave room for."""
        return self.net_load_mw

    def filled(self, value: float) -> Array:
        """The same value in each period."""
        return np.full(self.periods, value)


def checked_day(vpp: Vpp, public: PublicRules, direct: DirectExchange | None) -> DispatchDay:
    """The day of `vpp`; without `direct` there is none.

    Raises DispatchError for a number that is not finite (grid, direct and ramp limits may be infinite),
    a series of the wrong length, direct exchange beyond its limits (11), a store that starts or ends outside its
    own.
    """
    nothing = np.zeros(public.horizon.periods)
    day = DispatchDay(vpp, public, direct or DirectExchange(nothing, nothing))
    for name, value in _all_numbers(day):
        _check_finite(vpp.id, name, value)
        _check_length(vpp.id, name, value, day.periods)
    _check_direct(vpp.id, "in", day.direct.in_mw, vpp.exchange.direct_in_max_mw)
    _check_direct(vpp.id, "out", day.direct.out_mw, vpp.exchange.direct_out_max_mw)
    for unit in vpp.all_units:
        _check_store(vpp, unit)
    return day


def _all_numbers(day: DispatchDay) -> Iterator[tuple[str, float | Array]]:
    """Every number that the model may use, with its name as in a scenario."""
    yield from _numbers(day.vpp)
    yield from _numbers(day.public.horizon, "horizon.")
    yield from _numbers(day.public.tariff, "tariff.")
    yield from _numbers(day.public.carbon, "carbon.")
    yield from _numbers(day.direct, "direct.")


def _numbers(owner: object, prefix: str = "") -> Iterator[tuple[str, float | Array]]:
    """Every number below a dataclass, with its name in dots, e.g. `mt.p_max_mw`."""
    for field in dataclasses.fields(owner):  # type: ignore[arg-type]  # every owner here is a dataclass
        value, name = getattr(owner, field.name), prefix + field.name
        if isinstance(value, (float, np.ndarray)):
            yield name, value
        elif isinstance(value, tuple):
            yield from _of_tuple(value, name)
        elif dataclasses.is_dataclass(value):
            yield from _numbers(value, name + ".")


def _of_tuple(values: tuple[Any, ...], name: str) -> Iterator[tuple[str, float | Array]]:
    """Every number in a tuple: of numbers, or of units, which are called by their ids."""
    for number, value in enumerate(values, start=1):
        if isinstance(value, Unit):
            yield from _numbers(value.asset, f"{name}.{value.id}.")
        elif isinstance(value, float):
            yield f"{name}[{number}]", value


def _check_finite(vpp_id: str, name: str, value: float | Array) -> None:
    if isinstance(value, float):
        if math.isfinite(value) or (value == math.inf and name.rpartition(".")[2] in _MAY_BE_INFINITE):
            return
        found, where = value, ""
    else:
        finite = np.isfinite(value)
        if finite.all():
            return
        first = int(np.argmin(finite))
        found, where = value.flat[first], f" in period {first + 1}"
    raise DispatchError(
        f"{vpp_id} cannot be dispatched: {name} must be a finite number, got {found}{where}; correct the input"
    )


def _check_length(vpp_id: str, name: str, value: float | Array, periods: int) -> None:
    if isinstance(value, np.ndarray) and value.shape != (periods,):
        raise DispatchError(
            f"{vpp_id} cannot be dispatched: {name} must have one entry for each of the {periods} periods, "
            f"got shape {value.shape}; correct the input"
        )


def _check_direct(vpp_id: str, way: str, power_mw: Array, limit_mw: float) -> None:
    for t, power in enumerate(power_mw.tolist()):
        if not -_DIRECT_TOLERANCE_MW <= power <= limit_mw + _DIRECT_TOLERANCE_MW:
            raise DispatchError(
                f"{vpp_id} cannot be dispatched: period {t + 1}: direct exchange {way} must lie in "
                f"0 … {limit_mw:g} MW, got {power:g}; trade less or change exchange.direct_{way}_max_mw"
            )


def _check_store(vpp: Vpp, unit: Unit) -> None:
    """(10): the day must begin and end at an allowed energy."""
    store, place = unit.asset, vpp.place_of(unit)
    if isinstance(store, Storage):
        of, low, high, end = "soc", store.soc_min, store.soc_max, store.soc_end
        what, start = "the storage", store.soc_initial
    elif isinstance(store, Hydro):
        of, low, high, end = "level", store.level_min, store.level_max, store.level_end
        what, start = "the reservoir", store.level_initial
    else:
        return
    if not low <= start <= high and store.end is StoredEnd.AS_BEGUN:
        raise DispatchError(
            f"{vpp.id} cannot be dispatched: {what} must end the day as it began, at {place}.{of}_initial "
            f"{start:g}, but may only hold {low:g} … {high:g}; set {of}_initial between {of}_min and {of}_max"
        )
    for name, value in ((f"{of}_initial", start), (f"{of}_end", end)):
        if value is not None and not low <= value <= high:
            raise DispatchError(
                f"{vpp.id} cannot be dispatched: {what} has {place}.{name} {value:g}, but may only hold "
                f"{low:g} … {high:g}; set {name} between {of}_min and {of}_max"
            )
