"""What the JSON Schema allows besides the plain form of fields: values with units, names without, other money."""

from __future__ import annotations

from typing import Any

from market.model.currency import is_money
from market.model.units import is_known
from market.scenario.faults import fields_by_name, kinds_in, section_in
from market.scenario.fields import Section
from market.scenario.spoken import parameter_in, spoken_names

_WITH_UNIT = r"^\s*[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?\s*[A-Za-zµ€%¥£].*$"


def with_spoken_forms(schema: dict[str, Any], top: type[Section]) -> None:
    """Let every section of a JSON Schema take what `spoken` takes back to the plain form. Changes it in place."""
    sections = {found.__name__: found for found in _sections(top)}
    for name, definition in ({"": schema} | schema.get("$defs", {})).items():
        section = top if name == "" else sections.get(name)
        if section is not None and "properties" in definition:
            _spoken(definition, section)


def _sections(section: type[Section]) -> set[type[Section]]:
    found = {section}
    for field in section.model_fields.values():
        kinds, one = kinds_in(field.annotation), section_in(field.annotation)
        for below in kinds.values() if kinds else (one,):
            if below is not None and below not in found:
                found |= _sections(below)
    return found


def _spoken(definition: dict[str, Any], section: type[Section]) -> None:
    properties, patterns = definition["properties"], dict[str, Any]()
    required = definition.get("required", [])
    instead: list[dict[str, Any]] = []
    for name, field in fields_by_name(section).items():
        parameter, plain = parameter_in(field), properties.get(name)
        if parameter is None or plain is None or not is_known(parameter.unit):
            continue
        _take_text(plain)
        bare = spoken_names(section).get(name)
        if bare is None:
            continue
        said = f"{plain.get('description', parameter.description)}, as a value with its unit"
        several = "array" in str(plain)
        properties.setdefault(bare, {"description": said} if several else _text(said))
        ways: list[dict[str, Any]] = [{"required": [name]}, {"required": [bare]}]
        if is_money(parameter.unit):
            before, _, after = name.partition("_cny")
            pattern = f"^{before}_[a-z]{{3}}{after}$"
            patterns[pattern] = plain
            ways.append({"not": {"propertyNames": {"not": {"pattern": pattern}}}})
        if name in required:
            required.remove(name)
            instead.append({"anyOf": ways})
    if patterns:
        definition["patternProperties"] = patterns
    if instead:
        definition["allOf"] = instead


def _take_text(plain: dict[str, Any]) -> None:
    """Let a number be a text with its unit as well."""
    options = plain.get("anyOf")
    if options is not None:
        if any(option.get("type") in ("number", "integer") for option in options):
            options.append({"type": "string", "pattern": _WITH_UNIT})
        return
    limits = ("type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
    if plain.get("type") in ("number", "integer"):
        number = {name: plain.pop(name) for name in limits if name in plain}
        plain["anyOf"] = [number, {"type": "string", "pattern": _WITH_UNIT}]


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "pattern": _WITH_UNIT, "description": description}
