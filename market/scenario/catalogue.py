"""Lists all parameters of a scenario: by path of `scenario.yaml`, with all that is said of each.

It is read off the sections; what is changed from outside, shown or printed goes by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import NoneType
from typing import Any, get_args

from market.model.parameter import Parameter
from market.model.public import PublicScenario
from market.model.vpp import Vpp
from market.scenario.faults import fields_by_name, section_in
from market.scenario.fields import OfParameter, Section
from market.scenario.scenario import Scenario
from market.scenario.schema import ScenarioFile
from market.scenario.unit_schema import UNIT_SECTIONS

ANY_VPP, ANY_UNIT = "ID", "UNIT"
UNITS = "units"
OF_MANY_DAYS = ("rolling.", "horizon.before_h", "horizon.after_h", "imbalance.settled_periods")
"""What says how many days are run, or where among them these periods are, and which of them count."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One parameter. path : such as `carbon.growth`, `vpps.ID.ess.soc_min` · default : ... where it must be given

    choices : its words, where it is one of several · switch : whether it is true or false
    kind : of the units that have it, where it is a unit's
    """

    path: str
    parameter: Parameter
    default: Any
    nullable: bool
    choices: tuple[str, ...] = ()
    switch: bool = False
    kind: str = ""

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition(".")[2]

    @property
    def label(self) -> str:
        """Name, symbol and unit, for people."""
        return self.parameter.label(self.name)


@cache
def catalogue() -> tuple[Entry, ...]:
    """Every parameter, in the order of the file; those of single links, outages and the like are left out."""
    return tuple(_entries(ScenarioFile, ""))


def entry_at(path: str) -> Entry:
    """The parameter at a path; KeyError if there is none."""
    return next(entry for entry in catalogue() if entry.path == path)


def shared_parameters() -> tuple[Entry, ...]:
    """Those that stand in a section that all VPPs share, and not below one of its fields; of one day alone.

    How forecasts are made is none of them: a scenario keeps what was made.
    """
    others = ("forecast.", *OF_MANY_DAYS)
    return tuple(e for e in catalogue() if e.path.count(".") == 1 and not e.path.startswith(others))


def known_paths(scenario: Scenario | PublicScenario) -> tuple[str, ...]:
    """The path of every parameter that this scenario has."""
    here = scenario.vpps if isinstance(scenario, Scenario) else ()
    return tuple(path for entry in catalogue() for path in _paths(entry, here))


def _paths(entry: Entry, here: Sequence[Vpp]) -> list[str]:
    first, _, below = entry.path.partition(f".{ANY_VPP}.")
    if not below:
        return [entry.path]
    if not entry.kind:
        return [f"{first}.{vpp.id}.{below}" for vpp in here]
    units = [(vpp.id, unit.id) for vpp in here for unit in vpp.units if unit.kind.value == entry.kind]
    return [f"{first}.{vpp}.{UNITS}.{unit}.{entry.name}" for vpp, unit in units]


def _entries(schema: type[Section], above: str, kind_of_unit: str = "") -> Iterator[Entry]:
    for name, field in fields_by_name(schema).items():
        path, annotation = f"{above}{name}", field.annotation
        parameter = next((each.parameter for each in field.metadata if isinstance(each, OfParameter)), None)
        if parameter is not None:
            kinds = get_args(annotation) or (annotation,)
            (kind,) = (part for part in kinds if part is not NoneType)
            words = tuple(kind) if isinstance(kind, type) and issubclass(kind, StrEnum) else ()
            default = ... if field.is_required() else field.default
            choices = tuple(word.value for word in words)
            yield Entry(path, parameter, default, NoneType in kinds, choices, kind is bool, kind_of_unit)
        elif name == UNITS:
            for word, unit in UNIT_SECTIONS.items():
                yield from _entries(unit, f"{path}.{ANY_UNIT}.", word)
        elif path == "vpps":
            below = section_in(annotation)
            yield from _entries(below, f"{path}.{ANY_VPP}.") if below else ()
        elif (below := section_in(annotation)) and not {"list", "dict"} & {*re.findall(r"\w+", str(annotation))}:
            yield from _entries(below, f"{path}.")
