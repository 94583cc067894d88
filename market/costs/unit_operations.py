"""What each unit of a VPP does, read off an operation: from its units, or from totals where those say it all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from market.model.arrays import Array
from market.model.operation import Operation, UnitOperation
from market.model.vpp import Unit, UnitKind, Vpp


@dataclass(frozen=True, slots=True)
class UnitPowers:
    """A `UnitOperation` by itself."""

    supply_mw: Array
    use_mw: Array
    stored_mwh: Array


def unit_operations(vpp: Vpp, operation: Operation) -> Iterator[tuple[Unit, UnitOperation]]:
    """Each of `Vpp.all_units` with what it does."""
    if operation.units:
        yield from zip(vpp.all_units, operation.units, strict=True)
        return
    nothing = np.zeros_like(operation.buy_mw)
    for unit in vpp.all_units:
        if unit.kind is UnitKind.ESS:
            yield unit, UnitPowers(operation.discharge_mw, operation.charge_mw, operation.soc_mwh)
        else:
            yield unit, UnitPowers(getattr(operation, f"{unit.kind.value}_mw"), nothing, nothing)
