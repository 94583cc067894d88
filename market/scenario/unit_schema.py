"""The schema of `units` in the file: a section for each kind, which says what it is by its field `kind`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal

from pydantic import Field

from market.model.assets import (
    Deferrable,
    FixedLoad,
    Hydro,
    MustRun,
    ShiftableLoad,
    Vehicle,
    charging_window,
    level_limits,
    task_window,
)
from market.model.parameter import Broken
from market.model.vpp import FIELDS, UnitKind
from market.scenario.fields import ID_PATTERN, FileField, Rule, Section, fields_of, section_of, text
from market.scenario.plant_schema import (
    ControllableLoadSection,
    MicroTurbineSection,
    PvSection,
    StorageSection,
    WindSection,
)

KIND = "kind"
TAKEN_IDS = (*(kind.value for kind in FIELDS), "load")
_COLUMN = "the profile column `<vpp>_<unit>_mw`"
_OF_FIELDS: Mapping[UnitKind, tuple[type[Section], str]] = {
    UnitKind.WT: (WindSection, f"A wind plant; its forecast is {_COLUMN}."),
    UnitKind.PV: (PvSection, f"A PV plant; its forecast is {_COLUMN}."),
    UnitKind.MT: (MicroTurbineSection, "A micro-turbine."),
    UnitKind.ESS: (StorageSection, "A battery."),
    UnitKind.CL: (ControllableLoadSection, "Load that may be shed, a share of all loads of the VPP."),
}
_OF_UNITS: Mapping[UnitKind, tuple[type, str, tuple[Rule, ...]]] = {
    UnitKind.LOAD: (FixedLoad, f"A load: {_COLUMN}.", ()),
    UnitKind.HYDRO: (Hydro, f"Hydro power; what flows in is {_COLUMN}.", (level_limits,)),
    UnitKind.MUST_RUN: (MustRun, f"Output that cannot be curtailed: {_COLUMN}.", ()),
    UnitKind.SHIFT: (ShiftableLoad, "Load that may be moved, a share of all loads of the VPP.", ()),
    UnitKind.EV: (Vehicle, "An electric vehicle, charged between arrival and departure.", (charging_window,)),
    UnitKind.DEFERRABLE: (Deferrable, "A task that may be done at any time within a window.", (task_window,)),
}


def _free_id(unit: Section) -> Iterator[Broken]:
    """The id is not what a plant outside `units` is called."""
    if unit.id.casefold() in TAKEN_IDS:
        rule = f"must not be what plants outside units are called ({', '.join(TAKEN_IDS)})"
        yield Broken("id", rule, repr(unit.id), "choose another id")


def _unit_section(kind: UnitKind, meaning: str, fields: Mapping[str, Any], *rules: Rule) -> type[Section]:
    name = "".join(part.capitalize() for part in kind.value.split("_"))
    own: dict[str, FileField | tuple[Any, Any]] = {
        KIND: (Literal[kind.value], Field(description=f"`{kind.value}`: {meaning}")),
        "id": (
            str,
            Field(
                description="Name within the VPP: a letter, then up to 31 letters, digits, _ or -",
                pattern=ID_PATTERN,
            ),
        ),
        "label": (str, text("What it is, for readers: one printable line, at most 200 characters")),
    }
    return section_of(f"{name}Unit", meaning, {**own, **fields}, _free_id, *rules)


def _of_section(schema: type[Section]) -> dict[str, Any]:
    """The fields of a section, to stand in another."""
    hints = schema.__annotations__
    return {name: (hints[name], field) for name, field in schema.model_fields.items()}


_BIOMASS = {
    **_of_section(MicroTurbineSection),
    "emission_t_per_mwh": fields_of(MustRun)["emission_t_per_mwh"],
}
UNIT_SECTIONS: Mapping[str, type[Section]] = {
    **{
        kind.value: _unit_section(kind, meaning, _of_section(schema), *schema.rules)
        for kind, (schema, meaning) in _OF_FIELDS.items()
    },
    UnitKind.BIOMASS.value: _unit_section(
        UnitKind.BIOMASS,
        "A turbine on biomass: as a micro-turbine, but it earns no quota and emits nothing unless said.",
        _BIOMASS,
        *MicroTurbineSection.rules,
    ),
    **{
        kind.value: _unit_section(kind, meaning, fields_of(owner), *rules)
        for kind, (owner, meaning, rules) in _OF_UNITS.items()
    },
}
"""The section of each kind of unit, by its word."""

AnyUnit: Any = Annotated[reduce(or_, UNIT_SECTIONS.values()), Field(discriminator=KIND)]


def distinct_units(vpp: Section) -> Iterator[Broken]:
    """Ids of a VPP's units differ in more than the case of their letters: they become names of columns."""
    seen: set[str] = set()
    for unit in vpp.units:
        if unit.id.casefold() in seen:
            rule = "must have units with ids of their own"
            yield Broken("units", rule, f"{unit.id!r} again", "choose another id")
        seen.add(unit.id.casefold())


def movable_shares(vpp: Section) -> Iterator[Broken]:
    """No more load is shed and moved away than there is."""
    flexible = (UnitKind.CL.value, UnitKind.SHIFT.value)
    shares = [unit.share_of_load for unit in vpp.units if unit.kind in flexible]
    total = sum(shares, vpp.cl.share_of_load if vpp.cl else 0.0)
    if shares and total > 1.0:
        rule = "must have shares of load, of cl and shift together, of at most 1"
        yield Broken("units", rule, f"{total:g}", "shed or move less")
