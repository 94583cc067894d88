"""Derives the sections of `scenario.yaml` from the model's dataclasses, and the model's values back from them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, fields
from enum import StrEnum
from functools import cache
from math import inf
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    NamedTuple,
    Self,
    TypeAlias,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import BaseModel, ConfigDict, Field, Strict, create_model, model_validator
from pydantic_core import PydanticCustomError

from market.model.arrays import Array
from market.model.parameter import Broken, Parameter, counts, parameters_of

ID_PATTERN = r"^[A-Za-z][A-Za-z0-9_-]{0,31}$"
ID_RULE = "a letter of A to Z, then up to 31 letters, digits, _ or -"
RESERVED_IDS = ("broker", "system", "watcher")
MAX_TEXT = 200
_NO_TEXT = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"
_TEXT_PATTERN = rf"^[^{_NO_TEXT}]*$"

_Owner = TypeVar("_Owner")
Rule: TypeAlias = Callable[[Any], Iterable[Broken]]


class Section(BaseModel):
    """A part of `scenario.yaml`: no unknown fields, and numbers are numbers. `rules` are those between fields."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)
    rules: ClassVar[tuple[Rule, ...]] = ()

    if TYPE_CHECKING:  # what is derived from the model's dataclasses

        def __getattr__(self, name: str) -> Any: ...

    @model_validator(mode="after")
    def _rules_hold(self) -> Self:
        if broken := [fault for rule in self.rules for fault in rule(self)]:
            raise PydanticCustomError("rules", "rules between fields are broken", {"broken": broken})
        return self


class FileField(NamedTuple):
    """A field of `scenario.yaml` that is a parameter: its type, what is said of it, and its default."""

    hint: Any
    parameter: Parameter
    default: Any = ...

    def optional(self, note: str = "") -> FileField:
        """The same where it may be left out or null; `note` says more of that."""
        return FileField(self.hint | None, self.parameter.said(self.parameter.meaning + note), None)


Fields: TypeAlias = Mapping[str, FileField | tuple[Any, Any]]


def fields_of(owner: type) -> dict[str, FileField]:
    """The parameters of a dataclass as fields of the file; what follows another or is no limit may be left out."""
    hints = _hints(owner)
    found = {}
    for defined in parameters_of(owner):
        field = FileField(hints[defined.name], defined.parameter, defined.default)
        if defined.default is MISSING:
            field = field._replace(default=...)
        elif defined.parameter.follows or defined.default == inf:
            field = field.optional()
        if not is_series(field.hint):
            found[defined.in_file] = field
    return found


def values_of(owner: type[_Owner], section: Section, **others: Any) -> _Owner:
    """The dataclass with what a section has of it; what is left out takes its default; `others` besides."""
    given = {defined.name: getattr(section, defined.in_file, None) for defined in parameters_of(owner)}
    told = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    return owner(**{name: value for name, value in told.items() if value is not None} | others)


def is_series(hint: Any) -> bool:
    """Whether a parameter of this type is a column of the profiles rather than a field of the file."""
    return hint == Array or Array in get_args(hint)


def plain_fields(value: Any) -> dict[str, Any]:
    """The parameters of a dataclass as the file has them: plain words for choices, nothing for no limit."""
    owner: Any = type(value)
    return {in_file: _plain(getattr(value, name)) for name, in_file in _fields_in_file(owner)}


_hints = cache(get_type_hints)
"""What the fields of a dataclass hold, by name; worked out once of each: it takes as long as all else here."""


@cache
def _fields_in_file(owner: type) -> tuple[tuple[str, str], ...]:
    """The parameters of a dataclass that the file has as fields: what each is called here, and there."""
    hints = _hints(owner)
    return tuple((each.name, each.in_file) for each in parameters_of(owner) if not is_series(hints[each.name]))


def untold_fields(value: Any) -> frozenset[str]:
    """The fields of a dataclass, as the file calls them, that came later and have their defaults."""
    called = {defined.name: defined.in_file for defined in parameters_of(value)}
    return frozenset(
        called.get(part.name, part.name) for part in fields(value) if not counts(part, getattr(value, part.name))
    )


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple):
        return list(value)
    return None if value == inf else value


def section_of(name: str, meaning: str | None, fields: Fields, *rules: Rule) -> type[Section]:
    """A section of these fields, in this order; `meaning` is what a docstring would say."""
    made: dict[str, Any] = {
        key: _for_pydantic(field) if isinstance(field, FileField) else field for key, field in fields.items()
    }
    schema: type[Section] = create_model(name, __base__=Section, __doc__=_first_line(meaning), **made)
    schema.rules = rules
    return schema


def _first_line(text: str | None) -> str:
    return (text or "").partition("\n")[0]


def _for_pydantic(field: FileField) -> tuple[Any, Any]:
    hint, parameter = field.hint, field.parameter
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        hint = Annotated[hint, Strict(False)]
    unit: Any = {"unit": parameter.unit} if parameter.unit else None
    limits = {name: getattr(parameter, name) for name in ("gt", "ge", "lt", "le")}
    if get_origin(hint) is tuple:
        item: Any = Annotated[get_args(hint)[0], Field(**limits)]
        info = Field(list(field.default), description=parameter.description, json_schema_extra=unit)
        return Annotated[list[item], OfParameter(parameter)], info
    info = Field(field.default, description=parameter.description, json_schema_extra=unit, **limits)
    return Annotated[hint, OfParameter(parameter)], info


class OfParameter(NamedTuple):
    """What is said of a field, kept beside what pydantic knows of it."""

    parameter: Parameter


class EachOf(NamedTuple):
    """What is said of a number that stands in a file, and is no parameter of the model; or of each of several."""

    parameter: Parameter


def number_of_file(parameter: Parameter) -> tuple[Any, Any]:
    """A field for such a number, which may be left out."""
    limits = {name: getattr(parameter, name) for name in ("gt", "ge", "lt", "le")}
    info = Field(None, description=parameter.description, json_schema_extra={"unit": parameter.unit}, **limits)
    return Annotated[float | None, EachOf(parameter)], info


def one_way(short: str, *long: str) -> Rule:
    """A shorthand and what it stands for are not both given."""

    def broken(section: Section) -> Iterator[Broken]:
        both = [name for name in long if name in section.model_fields_set]
        if getattr(section, short) is not None and both:
            rule = f"must not be given together with {' or '.join(both)}"
            yield Broken(short, rule, repr(getattr(section, short)), f"keep {short} or {' and '.join(both)}")

    return broken


def section(schema: type[Section], meaning: str) -> Any:
    """A section field; left out, it has its own defaults."""
    return Field(default_factory=schema, description=meaning)


def text(meaning: str) -> Any:
    """A one-line text field, empty by default."""
    return Field("", description=meaning, max_length=MAX_TEXT, pattern=_TEXT_PATTERN)


def plain_text(words: str) -> str:
    """Words as a text field can hold them: the name of a folder, for one, may be of letters that are none."""
    return re.sub(rf"[{_NO_TEXT}\ud800-\udfff]", "?", words)[:MAX_TEXT]


def plain_id(text: str) -> str:
    """An id that is like a text with letters or signs that no id has; empty where nothing is left of it.

    >>> plain_id("Müller & Söhne"), plain_id("3 Höfe"), plain_id("水")
    ('Muller_Sohne', 'V3_Hofe', '')
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9_-]+", "_", plain).strip("_-")
    known = f"V{words}" if words and not words[0].isalpha() else words
    return "" if is_reserved(known) else known[:32]


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
