"""Repairs the power balance (6), which a solver meets only to a tolerance of its own.

So little power is moved that its price hardly counts. What moves it is, in this order, the exchange with the grid,
curtailment, load shed, the turbine where it runs, and the storage.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final, TypeAlias

import numpy as np

from market.costs.unit_operations import UnitPowers
from market.errors import DispatchError
from market.model.arrays import Array, frozen
from market.model.unit_limits import LATER_KINDS, TURBINES, most_supply_mw, of_kinds
from market.model.vpp import MicroTurbine, Storage, UnitKind
from vpp_nodes.dispatch.day import DispatchDay

BALANCE_TOLERANCE: Final = 1e-9
"""A miss of (6) that is left as it is, relative to 1 MW and the net load."""

SOLVER_TOLERANCE: Final = 1e-6
"""The largest miss of (6) that is a solver's own tolerance, relative to 1 MW and the net load."""


@dataclass(frozen=True, slots=True)
class Powers:
    """The powers of a day, MW, each of shape (periods,); an `Operation`.

    units : what each of `Vpp.all_units` does · kinds : what each of them is
    """

    units: tuple[UnitPowers, ...]
    kinds: tuple[UnitKind, ...]
    buy_mw: Array
    sell_mw: Array

    @property
    def wt_mw(self) -> Array:
        """Wind used."""
        return self._sum(UnitKind.WT, "supply_mw")

    @property
    def pv_mw(self) -> Array:
        """Sun used."""
        return self._sum(UnitKind.PV, "supply_mw")

    @property
    def mt_mw(self) -> Array:
        """Output of micro-turbines."""
        return self._sum(UnitKind.MT, "supply_mw")

    @property
    def charge_mw(self) -> Array:
        """Charging of batteries."""
        return self._sum(UnitKind.ESS, "use_mw")

    @property
    def discharge_mw(self) -> Array:
        """Discharging of batteries."""
        return self._sum(UnitKind.ESS, "supply_mw")

    @property
    def soc_mwh(self) -> Array:
        """What batteries hold at the end of each period."""
        return self._sum(UnitKind.ESS, "stored_mwh")

    @property
    def cl_mw(self) -> Array:
        """Load shed."""
        return self._sum(UnitKind.CL, "supply_mw")

    def _sum(self, kind: UnitKind, quantity: str) -> Array:
        """A quantity of all units of a kind; that of a single one as it is."""
        found: list[Array] = [
            getattr(unit, quantity) for unit, of in zip(self.units, self.kinds, strict=True) if of is kind
        ]
        if len(found) == 1:
            return found[0]
        return frozen(sum(found, np.zeros_like(self.buy_mw)))


def missing_mw(day: DispatchDay, powers: Powers) -> Array:
    """What supply lacks to meet (6), negative where there is too much of it, shape (periods,)."""
    supply = powers.wt_mw + powers.pv_mw + powers.mt_mw + powers.discharge_mw + powers.cl_mw
    used = day.net_load_mw + powers.charge_mw
    for unit, kind in zip(powers.units, powers.kinds, strict=True):
        if kind in LATER_KINDS:
            supply, used = supply + unit.supply_mw, used + unit.use_mw
    missed: Array = used + powers.sell_mw - (supply + powers.buy_mw)
    return missed


def balanced(day: DispatchDay, powers: Powers) -> Powers:
    """Powers that meet (6): the same ones where they do so already.

    Raises DispatchError where more is missing than a solver's tolerance, or nothing has room for it: there limits
    touch each other.
    """
    missed, scale = missing_mw(day, powers), 1.0 + np.abs(day.net_load_mw)
    off = np.abs(missed) > BALANCE_TOLERANCE * scale
    if not off.any():
        return powers
    t = int(np.argmax(np.abs(missed) / scale))
    if abs(missed[t]) > SOLVER_TOLERANCE * scale[t]:
        raise _missed(
            day, t, missed[t], "the solver's answer is no plan; look for numbers of very different sizes"
        )
    repaired = _moved(day, powers, np.where(off, missed, 0.0))
    left = np.abs(missing_mw(day, repaired))
    t = int(np.argmax(left / scale))
    if left[t] > BALANCE_TOLERANCE * scale[t]:
        raise _missed(day, t, left[t], "its limits only just touch, give them a little room")
    return repaired


def _missed(day: DispatchDay, t: int, missed_mw: float, advice: str) -> DispatchError:
    return DispatchError(
        f"{day.vpp.id} cannot be dispatched: period {t + 1}: load and supply miss each other by "
        f"{abs(missed_mw):.1e} MW; {advice}"
    )


_Key: TypeAlias = tuple[str, str]  # a unit, or nothing for the grid, and which of its powers


def _moved(day: DispatchDay, powers: Powers, missed: Array) -> Powers:
    """Each quantity in turn takes what it has room for: down to its least, up to its most."""
    now: dict[_Key, Array] = {("", "buy_mw"): powers.buy_mw.copy(), ("", "sell_mw"): powers.sell_mw.copy()}
    for unit, does in zip(day.vpp.all_units, powers.units, strict=True):
        now |= {(unit.id, name): getattr(does, name).copy() for name in ("supply_mw", "use_mw")}
    for key, sign, least, most in chain(_grid_ranges(day, now), _own_ranges(day, now)):
        step = np.clip(sign * missed, np.minimum(least - now[key], 0.0), np.maximum(most - now[key], 0.0))
        now[key] += step
        missed = missed - sign * step
    units = tuple(
        replace(does, supply_mw=frozen(now[unit.id, "supply_mw"]), use_mw=frozen(now[unit.id, "use_mw"]))
        for unit, does in zip(day.vpp.all_units, powers.units, strict=True)
    )
    return replace(powers, units=units, buy_mw=frozen(now["", "buy_mw"]), sell_mw=frozen(now["", "sell_mw"]))


_Range: TypeAlias = tuple[_Key, float, Array, Array]  # a quantity, its sign in (6), its least and its most, MW


def _grid_ranges(day: DispatchDay, now: Mapping[_Key, Array]) -> Iterator[_Range]:
    """Buying and selling, never both at once: each begins where the other has been taken back."""
    exchange = day.vpp.exchange
    for name, sign, limit_mw, other in (
        ("sell_mw", -1.0, exchange.grid_sell_max_mw, "buy_mw"),
        ("buy_mw", 1.0, exchange.grid_buy_max_mw, "sell_mw"),
        ("sell_mw", -1.0, exchange.grid_sell_max_mw, "buy_mw"),
    ):
        yield ("", name), sign, day.filled(0.0), np.where(now["", other] > 0.0, 0.0, limit_mw)


def _own_ranges(day: DispatchDay, now: Mapping[_Key, Array]) -> Iterator[_Range]:
    """Everything else; a turbine that is off stays so, and so does a storage that does nothing."""
    vpp, nothing = day.vpp, day.filled(0.0)
    for unit in of_kinds(vpp, UnitKind.WT) + of_kinds(vpp, UnitKind.PV) + of_kinds(vpp, UnitKind.CL):
        yield (unit.id, "supply_mw"), 1.0, nothing, day.filled(0.0) + most_supply_mw(vpp, unit)
    for unit in of_kinds(vpp, *TURBINES):
        assert isinstance(unit.asset, MicroTurbine)
        runs, mt = now[unit.id, "supply_mw"] > 0.0, unit.asset
        yield (unit.id, "supply_mw"), 1.0, np.where(runs, mt.p_min_mw, 0.0), np.where(runs, mt.p_max_mw, 0.0)
    for unit in of_kinds(vpp, UnitKind.ESS):
        assert isinstance(unit.asset, Storage)
        charges, discharges = now[unit.id, "use_mw"] > 0.0, now[unit.id, "supply_mw"] > 0.0
        yield (unit.id, "use_mw"), -1.0, nothing, np.where(charges, unit.asset.charge_max_mw, 0.0)
        yield (unit.id, "supply_mw"), 1.0, nothing, np.where(discharges, unit.asset.discharge_max_mw, 0.0)
