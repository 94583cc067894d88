"""A plant whose series come out otherwise than expected, by noise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from market.forecast.errors import ForecastErrors, noisy
from market.model.arrays import Array, frozen
from market.model.reality import REALISED
from market.model.unit_limits import SERIES
from market.model.vpp import FIELDS, Asset, UnitKind, Vpp


def surprised(vpp: Vpp, errors: ForecastErrors, period_h: float) -> Vpp:
    """The plant with reality drawn from its forecasts, (M18), as a scenario has it that asks for that."""

    def real(series: Array, part: str) -> Array:
        noise = (errors.noise_share, errors.noise_correlation, period_h, errors.noise_seed)
        return frozen(noisy(series, *noise, f"{vpp.id}_{part}_mw"))

    def asset(kind: UnitKind, of: Asset, part: str) -> Asset:
        if kind not in SERIES:
            return of
        changes: dict[str, Any] = {REALISED[kind]: real(getattr(of, SERIES[kind]), part)}
        return replace(of, **changes)

    fields: dict[str, Any] = {
        kind.value: asset(kind, of, kind.value) for kind in FIELDS if (of := getattr(vpp, kind.value)) is not None
    }
    units = tuple(replace(unit, asset=asset(unit.kind, unit.asset, unit.id)) for unit in vpp.units)
    return replace(vpp, realised_load_mw=real(vpp.load_mw, "load"), units=units, **fields)
