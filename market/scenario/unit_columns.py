"""The profile columns that units, tariffs, the grid's emission and reality call for, beside those of every VPP."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from market.errors import Fault
from market.model.arrays import Array
from market.model.assets import FixedLoad, Hydro, MustRun
from market.model.imbalance import ImbalanceRules
from market.model.parameter import Parameter, parameters_of
from market.model.public import PublicRules
from market.model.reality import realised_of
from market.model.rules import CarbonRules, Tariff
from market.model.unit_limits import SERIES, series_of
from market.model.vpp import Renewable, UnitKind, Vpp
from market.scenario.document import Document
from market.scenario.fields import ID_PATTERN

GRID_EMISSION = "grid_emission_t_per_mwh"
IMBALANCE_COLUMNS: Mapping[str, str] = {
    "imbalance_short_cny_per_mwh": "short_by_period_cny_per_mwh",
    "imbalance_long_cny_per_mwh": "long_by_period_cny_per_mwh",
}
"""The columns of the prices of imbalance, and the fields of `ImbalanceRules` that they are."""
TARIFF_COLUMNS = ("retail_cny_per_mwh", "feed_in_cny_per_mwh")

_KINDS = frozenset(kind.value for kind in UnitKind)
_OWNERS: Mapping[UnitKind, type] = {
    UnitKind.WT: Renewable,
    UnitKind.PV: Renewable,
    UnitKind.LOAD: FixedLoad,
    UnitKind.HYDRO: Hydro,
    UnitKind.MUST_RUN: MustRun,
}


def unit_column(vpp_id: str, unit_id: str) -> str:
    """The column of a unit's series, MW."""
    return f"{vpp_id}_{unit_id}_mw"


def tariff_column(name: str, price: str) -> str:
    """The column of a price of a tariff by name; `price` is a field of `Tariff`."""
    return f"{name}_{price}"


def grid_emission() -> Parameter:
    """What is said of the grid's emission by period."""
    return _parameter(CarbonRules, "grid_emission_by_period_t_per_mwh")


def called_for(vpp: Mapping[str, Any]) -> dict[str, Parameter]:
    """The columns that a VPP as the file has it calls for by units and tariff, with what is said of them."""
    columns: dict[str, Parameter] = {}
    tariff = vpp.get("tariff")
    if isinstance(tariff, str):
        columns |= {tariff_column(tariff, price): _parameter(Tariff, price) for price in TARIFF_COLUMNS}
    for unit in units_in(vpp):
        if _is_sound(unit) and (kind := UnitKind(unit["kind"])) in SERIES:
            columns[unit_column(vpp["id"], unit["id"])] = _of_unit(kind, unit)
    return columns


def realised_column(column: str) -> str:
    """The column that tells what becomes of a power.

    >>> realised_column("V1_wt_mw")
    'V1_wt_realised_mw'
    """
    return f"{column.removesuffix('_mw')}_realised_mw"


def imbalance_columns() -> dict[str, Parameter]:
    """The columns of the prices of imbalance, with what is said of them."""
    return {column: _parameter(ImbalanceRules, field) for column, field in IMBALANCE_COLUMNS.items()}


def imbalance_prices_by_period(public: PublicRules) -> Iterator[tuple[str, Array]]:
    """The columns of the prices of imbalance that a market has, with their values."""
    for column, field in IMBALANCE_COLUMNS.items():
        prices = None if public.imbalance is None else getattr(public.imbalance, field)
        if prices is not None:
            yield column, prices


def has_unsound_units(vpp: Mapping[str, Any]) -> bool:
    """Whether a unit of a VPP as the file has it has no sound id or kind; that fault is told by its section."""
    return not all(_is_sound(unit) for unit in units_in(vpp))


def units_in(vpp: Mapping[str, Any]) -> list[Any]:
    """The units of a VPP as the file has it, whatever they are; none where they are no list."""
    units = vpp.get("units")
    return units if isinstance(units, list) else []


def _is_sound(unit: object) -> bool:
    return (
        isinstance(unit, dict)
        and _is_id(unit.get("id"))
        and isinstance(unit.get("kind"), str)
        and unit["kind"] in _KINDS
    )


def has_load_units(vpp: Mapping[str, Any]) -> bool:
    """Whether a VPP as the file has it has loads among its units; it may do without a column of its own then."""
    return any(isinstance(unit, dict) and unit.get("kind") == UnitKind.LOAD.value for unit in units_in(vpp))


def unit_columns(vpp: Vpp) -> Iterator[tuple[str, Array]]:
    """The columns of a VPP's units, with their values."""
    for unit in vpp.units:
        if (series := series_of(unit)) is not None:
            yield unit_column(vpp.id, unit.id), series


def realised_columns(vpp: Vpp) -> Iterator[tuple[str, Array]]:
    """The columns that tell what becomes of a VPP's powers, with their values."""
    if vpp.realised_load_mw is not None:
        yield realised_column(unit_column(vpp.id, "load")), vpp.realised_load_mw
    for unit in vpp.all_units:
        if (series := realised_of(unit)) is not None:
            yield realised_column(unit_column(vpp.id, unit.id)), series


def tariff_columns(vpps: Sequence[Vpp]) -> Iterator[tuple[str, Array]]:
    """The columns of the tariffs that VPPs have of their own, with their values; one may come several times."""
    for vpp in vpps:
        if vpp.tariff is not None:
            for price in TARIFF_COLUMNS:
                yield tariff_column(vpp.tariff.name, price), getattr(vpp.tariff.prices, price)


def claimed_twice(document: Document, columns: Mapping[str, list[tuple[int, int]]]) -> Iterator[Fault]:
    """Units whose columns are called alike, though they are of different VPPs.

    columns : by the name of a column the places in `vpps` and `units` that call for it
    """
    for name, places in columns.items():
        for vpp, unit in places[1:]:
            place = document.place(("vpps", vpp, "units", unit, "id"))
            rule = "must have a profile column of its own"
            yield Fault(rule, f"{name}, as another unit has", place, "choose another id")


def _of_unit(kind: UnitKind, unit: Mapping[str, Any]) -> Parameter:
    """A load is at least 0, unless it is net of what is made behind its meter."""
    told = _parameter(_OWNERS[kind], SERIES[kind])
    if kind is UnitKind.LOAD and unit.get("net_metered") is not True:
        return replace(told, ge=0)
    return told


def _parameter(owner: type, name: str) -> Parameter:
    return next(entry.parameter for entry in parameters_of(owner) if entry.name == name)


def _is_id(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(ID_PATTERN, value) is not None
