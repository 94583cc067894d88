"""Takes what people write in `scenario.yaml` back to the plain form: names and numbers in the units of the model.

People may leave the unit out of a field's name and put it behind the value (`energy: 2.4 MWh`), put it behind
the value all the same (`energy_mwh: 2400 kWh`), and name money after the currency (`price_max_eur_per_mwh`).
Inside there is one name for each field, in which `cny` stands for the scenario's currency.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias

from market.errors import Fault
from market.model.currency import DEFAULT_CURRENCY, is_money, spoken_name, spoken_text
from market.model.parameter import Parameter, unit_in_name
from market.model.units import BadUnit, in_unit, is_known
from market.scenario.faults import fields_by_name, kinds_in, section_in
from market.scenario.fields import EachOf, OfParameter, Section
from market.scenario.shown_value import shown

Path: TypeAlias = tuple[str | int, ...]
_WITH_UNIT = re.compile(
    r"\s*[-+]?[.,]?\d[\d.,]*([eE][-+]?\d+)?\s*[^\W\d_€%].*|\s*[-+]?[\d.,]+\s*[%€¥£].*", re.DOTALL
)


@dataclass(slots=True)
class Plain:
    """A mapping in the plain form. written : what each path was called by whoever wrote it, where that is another

    faults : by path, of the plain form
    """

    values: dict[str, object]
    written: dict[Path, str] = field(default_factory=dict)
    faults: list[tuple[Path, Fault]] = field(default_factory=list)

    def as_written(self, path: Sequence[str | int]) -> Path:
        """A path of the plain form as it stands in the file."""
        return tuple(self.written.get(tuple(path[: end + 1]), part) for end, part in enumerate(path))


def plain(schema: type[Section], values: Mapping[str, object], currency: str) -> Plain:
    """The values of a section, and of those below it, in the plain form. What has no meaning is left as it is."""
    found = Plain({})
    found.values = _section(schema, values, (), currency, found)
    return found


def plain_path(
    schema: type[Section], path: str, value: object, currency: str, units: Mapping[str, Mapping[str, str]]
) -> tuple[str, object, list[Fault]]:
    """The path of a field in the plain form, plants and units by their ids, and the value it is to have there.

    Names of the model stand for themselves, in any currency. units : by VPP and unit what kind of unit it is
    """
    known: Any = schema
    kinds: Mapping[str, type[Section]] = {}
    parts, done = path.split("."), list[str]()
    parameter: Parameter | None = None
    bare = False
    for place, part in enumerate(parts):
        names = fields_by_name(known) if known is not None else {}
        if place == 1 and parts[0] == "vpps":
            done.append(part)
            continue
        if kinds:
            known, kinds = kinds.get(units.get(parts[1], {}).get(part, "")), {}
            done.append(part)
            continue
        name = part if part in names else _names(known, currency).get(part, part) if known is not None else part
        bare = name != part and spoken_names(known).get(name) == part
        parameter = parameter_in(names[name]) if name in names else None
        known = section_in(names[name].annotation) if name in names else None
        kinds = kinds_in(names[name].annotation) if name in names else {}
        done.append(name)
    found = Plain({})
    where = tuple(done)
    if known is not None:
        items = value if isinstance(value, list) else [value]
        made = [
            _section(known, item, where, currency, found) if isinstance(item, Mapping) else item for item in items
        ]
        value = made if isinstance(value, list) else made[0]
    elif parameter is not None:
        value = _value(parameter, value, where, currency, found, bare)
    return ".".join(done), value, [fault for _, fault in found.faults]


def spoken_fault(fault: Fault, currency: str) -> Fault:
    """A fault told in the scenario's currency; what was found stays as it was written."""
    return Fault(
        spoken_text(fault.rule, currency),
        fault.value,
        spoken_text(fault.place, currency),
        spoken_text(fault.remedy, currency),
    )


def parameter_in(field: Any) -> Parameter | None:
    """The parameter that a field of a section is, or holds several of."""
    return next((each.parameter for each in field.metadata if isinstance(each, OfParameter | EachOf)), None)


@cache
def spoken_names(schema: type[Section]) -> Mapping[str, str]:
    """The fields of a section whose names end with a unit: by that name, the name without it.

    Where two would be called alike, each keeps its unit.
    """
    found: dict[str, str] = {}
    for name, info in fields_by_name(schema).items():
        parameter = parameter_in(info)
        ending = f"_{unit_in_name(parameter.unit)}" if parameter and is_known(parameter.unit) else ""
        if ending and name.endswith(ending) and name.removesuffix(ending) not in fields_by_name(schema):
            found[name] = name.removesuffix(ending)
    shared = Counter(found.values())
    return {name: bare for name, bare in found.items() if shared[bare] == 1}


@cache
def _names(schema: type[Section], currency: str) -> Mapping[str, str]:
    """What else a section's fields may be called: by that, the name of the model."""
    bare = {short: name for name, short in spoken_names(schema).items()}
    money = {spoken_name(name, currency): name for name in fields_by_name(schema)}
    return {spoken: name for spoken, name in {**bare, **money}.items() if spoken not in fields_by_name(schema)}


def _section(
    schema: type[Section], values: Mapping[str, object], above: Path, currency: str, found: Plain
) -> dict[str, object]:
    """The values of one section; faults and names go to `found`."""
    fields, others = fields_by_name(schema), _names(schema, currency)
    made: dict[str, object] = {}
    for written, value in values.items():
        name = written if written in fields else others.get(written, written)
        path = (*above, name)
        if name in made or (name != written and name in values):
            remedy = f"keep {written} or {found.written.get(path, name)}"
            found.faults.append((path, Fault("must be given only once", f"{written} as well", "", remedy)))
            continue
        if name != written:
            found.written[path] = written
        elif name in fields and currency != DEFAULT_CURRENCY and spoken_name(name, currency) != name:
            rule, remedy = (
                f"must be named after the currency, {currency}",
                f"call it {spoken_name(name, currency)}",
            )
            found.faults.append((path, Fault(rule, written, "", remedy)))
        bare = name != written and spoken_names(schema).get(name) == written
        made[name] = _below(fields.get(name), value, path, currency, found, bare)
    return made


def _below(field: Any, value: object, path: Path, currency: str, found: Plain, bare: bool) -> object:
    """What stands behind a name: a number, a section, or a list of them. bare : the name has no unit"""
    if field is None:
        return value
    if parameter := parameter_in(field):
        return _value(parameter, value, path, currency, found, bare)
    schema = section_in(field.annotation)
    if schema is None:
        return value
    if isinstance(value, Mapping):
        return _section(schema, value, path, currency, found)
    if isinstance(value, list):
        kinds = kinds_in(field.annotation)
        return [
            _item(_schema_of(item, kinds) if kinds else schema, item, (*path, place), currency, found)
            for place, item in enumerate(value)
        ]
    return value


def _schema_of(item: object, kinds: Mapping[str, type[Section]]) -> type[Section] | None:
    """The section of an item of a list of several kinds; none where it does not say of which it is."""
    kind = item.get("kind") if isinstance(item, Mapping) else None
    return kinds.get(kind) if isinstance(kind, str) else None


def _item(schema: type[Section] | None, item: object, path: Path, currency: str, found: Plain) -> object:
    if schema is None or not isinstance(item, Mapping):
        return item
    return _section(schema, item, path, currency, found)


def _value(parameter: Parameter, value: object, path: Path, currency: str, found: Plain, bare: bool) -> object:
    """A number with its unit as the number that it is; what has none, and needs none, as it is."""
    if isinstance(value, list):
        return [_value(parameter, item, (*path, place), currency, found, bare) for place, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {key: _value(parameter, item, (*path, key), currency, found, bare) for key, item in value.items()}
    unit = parameter.unit
    if isinstance(value, str) and is_known(unit) and _WITH_UNIT.fullmatch(value):
        try:
            return in_unit(value, unit, currency)
        except BadUnit as error:
            found.faults.append((path, Fault(error.rule, error.found, "", error.remedy)))
    elif bare and isinstance(value, int | float) and not isinstance(value, bool) and value != 0:
        told = unit.replace(DEFAULT_CURRENCY, currency) if is_money(unit) else unit
        remedy = f"write {shown(value)} {told}, or another unit of the same kind"
        rule = "must have its unit, since the name of the field has none"
        found.faults.append((path, Fault(rule, shown(value), "", remedy)))
    return value
