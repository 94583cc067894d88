"""The reference page of all parameters, docs/parameters.md: a table for each section."""

from __future__ import annotations

from collections.abc import Iterator

from market.scenario.catalogue import ANY_UNIT, ANY_VPP, Entry, catalogue
from market.scenario.faults import fields_by_name, section_in
from market.scenario.fields import OfParameter, Section
from market.scenario.groups import GroupSection
from market.scenario.schema import HorizonSection, ScenarioFile
from market.scenario.series.source import SourceSection
from market.scenario.shown_value import shown

_HEAD = f"""\
# Parameters

Printed by `vppmarket parameters`; do not edit. Each parameter is defined once, on a field of the model's
dataclasses (`rules.py`, `vpp.py`, `assets.py` and `network.py` in `market/model`). In `scenario.yaml` it stands at
its path ({ANY_VPP} is the id of a VPP, {ANY_UNIT} that of one of its units); `--set PATH=VALUE` changes it for
one command. What is no number, word or switch (`title`, `audit`, `series`, `network.links` and the like) stands
behind the tables of parameters, and with all its parts in the JSON Schema: `vppmarket schema`.

A value may carry its unit, `energy_mwh: 2400 kWh`; then the name may do without: `energy: 2.4 MWh`. Money is in
the scenario's `currency`, and its names carry that: `price_max_eur_per_mwh`. Defaults that are money are amounts
of CNY; in another currency those that take effect have to be given.
"""
_OTHERS = (
    ("", ScenarioFile),
    ("horizon", HorizonSection),
    ("series", SourceSection),
    ("groups", GroupSection),
)
_OTHERS_HEAD = (
    "\n## Other fields\n\nOf `series` each entry has these fields, and `series_defaults` most of them.\n"
)
_COLUMNS = ("field", "symbol", "unit", "bounds", "default", "meaning")


def parameter_page() -> str:
    """The page as Markdown."""
    parts = [_HEAD]
    sections: dict[str, list[tuple[str, ...]]] = {}
    for entry in catalogue():
        of_kind = f", kind `{entry.kind}`" if entry.kind else ""
        sections.setdefault(f"`{entry.path.rpartition('.')[0]}`{of_kind}", []).append(_row(entry))
    for section, rows in sections.items():
        parts.append(f"\n## {section}\n\n" + "\n".join(_table(rows, _COLUMNS)) + "\n")
    parts.append(_OTHERS_HEAD)
    for section, schema in _OTHERS:
        title = f"\n### `{section}`\n\n" if section else "\n"
        parts.append(title + "\n".join(_table(list(_others(schema)), ("field", "meaning"))) + "\n")
    return "".join(parts)


def _others(schema: type[Section]) -> Iterator[tuple[str, ...]]:
    """The fields of a section that are no parameters."""
    for name, field in fields_by_name(schema).items():
        of_sections = section_in(field.annotation) is not None and name not in ("series_defaults", "roster")
        if not of_sections and not any(isinstance(each, OfParameter) for each in field.metadata):
            yield f"`{name}`", (field.description or "").replace("|", "\\|")


def _table(rows: list[tuple[str, ...]], columns: tuple[str, ...]) -> Iterator[str]:
    for row in (columns, ("---",) * len(columns), *rows):
        yield f"| {' | '.join(row)} |"


def _row(entry: Entry) -> tuple[str, ...]:
    parameter = entry.parameter
    words = ("true", "false") if entry.switch else entry.choices
    bounds = ", ".join(f"`{word}`" for word in words) or parameter.limits
    meaning = f"{parameter.meaning}; left out: {parameter.follows}" if parameter.follows else parameter.meaning
    return (f"`{entry.name}`", parameter.symbol, parameter.unit, bounds, _default(entry), meaning)


def _default(entry: Entry) -> str:
    if entry.default is ...:
        return "required"
    return "" if entry.default is None or entry.default == [] else f"`{shown(entry.default).strip(chr(39))}`"
