"""What becomes of a plant's day in reality: its series as they are realised, and what is told of the day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from market.model.arrays import Array, spliced
from market.model.disclosure import Disclosure, ShownPlan, shown
from market.model.unit_limits import SERIES
from market.model.vpp import FIELDS, Asset, Unit, UnitKind, Vpp

REALISED: Final = {kind: f"realised_{name.removeprefix('forecast_')}" for kind, name in SERIES.items()}
"""The kinds of units that have a series, and the field that tells what becomes of it."""


@dataclass(frozen=True, slots=True)
class MeteredDay:
    """What the settlement of imbalance needs of a VPP's day, MW, each of shape (periods,).

    scheduled_mw, realised_mw : net exchange with the grid, above 0 where it takes
    missed_mw : above 0 load that nothing could serve, below 0 power that could go nowhere
    """

    scheduled_mw: Array
    realised_mw: Array
    missed_mw: Array

    @property
    def deviation_mw(self) -> Array:
        """u of (M17): above 0 where it is short, below 0 where it is long."""
        return self.realised_mw - self.scheduled_mw


@dataclass(frozen=True, slots=True)
class Reality:
    """A VPP's day in reality, had it planned with the grid only (`before`), and with its trade (`after`).

    before_plan, after_plan : as much of the plans made in reality as is shown
    """

    before: MeteredDay
    after: MeteredDay
    before_plan: ShownPlan
    after_plan: ShownPlan

    def shown(self, disclosure: Disclosure) -> Reality:
        """What is left to see of it under `disclosure`: what settlement needs always is."""
        before, after = shown(self.before_plan, disclosure), shown(self.after_plan, disclosure)
        return replace(self, before_plan=before, after_plan=after)


def as_realised(vpp: Vpp, periods: int | None = None) -> Vpp:
    """The plant as it is in reality: what is realised in place of what was expected.

    periods : how many of them become real; None for all. Who has nothing realised is the very same.
    """
    if not has_reality(vpp, periods):
        return vpp
    of_fields: dict[str, Any] = {
        kind.value: _asset(kind, asset, periods)
        for kind in FIELDS
        if (asset := getattr(vpp, kind.value)) is not None
    }
    load_mw = _real(vpp.realised_load_mw, vpp.load_mw, periods)
    units = tuple(replace(unit, asset=_asset(unit.kind, unit.asset, periods)) for unit in vpp.units)
    return replace(vpp, load_mw=load_mw, realised_load_mw=None, units=units, **of_fields)


def has_reality(vpp: Vpp, periods: int | None = None) -> bool:
    """Whether anything of a plant is in reality another than was expected, in all periods or the first of them."""
    if vpp.realised_load_mw is not None and _differ(vpp.realised_load_mw, vpp.load_mw, periods):
        return True
    return any(
        _differ(real, getattr(unit.asset, SERIES[unit.kind]), periods)
        for unit in vpp.all_units
        if (real := realised_of(unit)) is not None
    )


def realised_of(unit: Unit) -> Array | None:
    """What becomes of a unit's series, shape (periods,), where that is told."""
    name = REALISED.get(unit.kind)
    return None if name is None else getattr(unit.asset, name)


def _asset(kind: UnitKind, asset: Asset, periods: int | None) -> Asset:
    name = REALISED.get(kind)
    real = None if name is None else getattr(asset, name)
    if name is None or real is None:
        return asset
    changes: dict[str, Any] = {SERIES[kind]: _real(real, getattr(asset, SERIES[kind]), periods), name: None}
    return replace(asset, **changes)


def _real(real: Array | None, expected: Array, periods: int | None) -> Array:
    """What becomes of a series: of the periods that do not become real, what was expected."""
    if real is None:
        return expected
    return real if periods is None else spliced(real, periods, expected)


def _differ(real: Array, expected: Array, periods: int | None) -> bool:
    return not np.array_equal(real[:periods], expected[:periods])
