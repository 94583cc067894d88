"""The reference page of all parameters, docs/parameters.md: a table for each section."""

from __future__ import annotations

from collections.abc import Iterator

from market.scenario.catalogue import ANY_UNIT, ANY_VPP, Entry, catalogue
from market.scenario.shown_value import shown

_HEAD = f"""\
# Parameters

Printed by `vppmarket parameters`; do not edit. Each parameter is defined once, on a field of the model's
dataclasses (`rules.py`, `vpp.py`, `assets.py` and `network.py` in `market/model`). In `scenario.yaml` it stands at
its path ({ANY_VPP} is the id of a VPP, {ANY_UNIT} that of one of its units); `--set PATH=VALUE` changes it for
one command. What is no number, word or switch (`title`, `audit`, `network.links`, `network.outages` and the like)
is in the JSON Schema: `vppmarket schema`.
"""
_COLUMNS = ("field", "symbol", "unit", "bounds", "default", "meaning")


def parameter_page() -> str:
    """The page as Markdown."""
    parts = [_HEAD]
    sections: dict[str, list[tuple[str, ...]]] = {}
    for entry in catalogue():
        of_kind = f", kind `{entry.kind}`" if entry.kind else ""
        sections.setdefault(f"`{entry.path.rpartition('.')[0]}`{of_kind}", []).append(_row(entry))
    for section, rows in sections.items():
        parts.append(f"\n## {section}\n\n" + "\n".join(_table(rows)) + "\n")
    return "".join(parts)


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    for row in (_COLUMNS, ("---",) * len(_COLUMNS), *rows):
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
