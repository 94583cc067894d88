"""Owns what every section of `scenario.yaml` is made of: the base of sections, and kinds of fields.

Knows nothing of which sections there are.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

ID_PATTERN = r"^[A-Za-z][A-Za-z0-9_-]{0,31}$"
RESERVED_IDS = ("broker", "system", "watcher")
MAX_TEXT = 200
_NO_TEXT = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"
_TEXT_PATTERN = rf"^[^{_NO_TEXT}]*$"


class Broken(NamedTuple):
    """A rule between fields of one section that does not hold; `field` is where to look, below the section."""

    field: str
    rule: str
    value: str
    remedy: str


class Section(BaseModel):
    """A part of `scenario.yaml`: no unknown fields, and numbers are numbers."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)

    def broken(self) -> list[Broken]:
        """The rules between fields that do not hold."""
        return []

    def _one_way(self, short: str, *long: str) -> list[Broken]:
        """A shorthand and what it stands for are not both given."""
        both = [name for name in long if name in self.model_fields_set]
        if getattr(self, short) is None or not both:
            return []
        rule = f"must not be given together with {' or '.join(both)}"
        return [Broken(short, rule, repr(getattr(self, short)), f"keep {short} or {' and '.join(both)}")]

    @model_validator(mode="after")
    def _rules_hold(self) -> Self:
        if broken := self.broken():
            raise PydanticCustomError("rules", "rules between fields are broken", {"broken": broken})
        return self


def quantity(
    unit: str,
    meaning: str,
    default: Any = ...,
    *,
    gt: float | None = None,
    ge: float | None = None,
    lt: float | None = None,
    le: float | None = None,
) -> Any:
    """A number field: its description ends with the unit, which the JSON Schema also holds as `unit`."""
    description = f"{meaning} [{unit}]"
    return Field(default, description=description, gt=gt, ge=ge, lt=lt, le=le, json_schema_extra={"unit": unit})


def share(meaning: str, default: Any = ...) -> Any:
    """A number field from 0 to 1."""
    return quantity("share", meaning, default, ge=0, le=1)


def section(schema: type[Section], meaning: str) -> Any:
    """A section field; left out, it has its own defaults."""
    return Field(default_factory=schema, description=meaning)


def text(meaning: str) -> Any:
    """A one-line text field, empty by default."""
    return Field("", description=meaning, max_length=MAX_TEXT, pattern=_TEXT_PATTERN)


def plain_text(words: str) -> str:
    """Words as a text field can hold them: the name of a folder, for one, may be of letters that are none."""
    return re.sub(rf"[{_NO_TEXT}\ud800-\udfff]", "?", words)[:MAX_TEXT]


def is_inside(name: str) -> bool:
    """Whether a profile's name stays inside the scenario's folder and is plain enough to print."""
    plain = re.fullmatch(_TEXT_PATTERN, name) is not None and "\\" not in name and ":" not in name
    return plain and 0 < len(name) <= MAX_TEXT and not any(part in ("", ".", "..") for part in name.split("/"))


def is_reserved(vpp_id: str) -> bool:
    """Whether an id is one that the market itself uses."""
    return vpp_id.casefold() in RESERVED_IDS


def inside(name: str) -> str:
    """The name of a file inside the scenario's folder; a broken rule for any other."""
    if is_inside(name):
        return name
    remedy = "put the file into the scenario's folder and give its name there"
    broken = Broken("", "must be a file name inside the scenario's folder", repr(name[:60]), remedy)
    raise PydanticCustomError("rules", "rules are broken", {"broken": [broken]})
