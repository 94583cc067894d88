"""Owns the words for a broken field: what the schema found wrong, told as rule, value, place and remedy.

Knows nothing of files; it is told how to name a place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from enum import StrEnum
from types import NoneType
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from market.errors import Fault

Place = Callable[[Sequence[str | int]], str]

_KINDS = {float: "a number", int: "a whole number", bool: "true or false"}
_TYPE_REMEDIES = {
    "float_type": "write a plain number, without quotes, units or thousands separators",
    "int_type": "write a plain whole number, without quotes and without a point",
    "bool_type": "write true or false, without quotes",
    "string_type": "put it in quotes",
}
_MOST = 200
_SIGNS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}


def schema_faults(schema: type[BaseModel], error: ValidationError, place: Place) -> list[Fault]:
    """The faults in a pydantic error. `place` turns a path of field names and indices into words."""
    details = error.errors(include_url=False)
    told = [fault for detail in details[:_MOST] for fault in _faults(schema, detail, place)]
    return told + more_faults(len(details) - _MOST, place(()))


def more_faults(count: int, place: str) -> list[Fault]:
    """One fault that stands for `count` more of the same kind; none where there are none."""
    if count <= 0:
        return []
    return [Fault("must be free of such faults", f"{count} more", place, "repair those above, then check again")]


def shown(value: object) -> str:
    """A value of the file as messages show it: short, on one line.

    >>> shown(True), shown("0.9"), shown({"a": 1})
    ('true', "'0.9'", 'a mapping')
    """
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        text = f"[{', '.join(shown(item) for item in value[:20])}]"
    else:
        text = repr(str(value) if isinstance(value, str) else value)
    return text if len(text) <= 60 else f"{text[:56]}...{text[-1]}"


def suggestion(word: str, known: Sequence[str]) -> str:
    """`did you mean ...? ` where a known word is close, else nothing."""
    close = get_close_matches(word, known[:2000], n=1, cutoff=0.6)
    return f"did you mean {close[0]}? " if close else ""


def _faults(schema: type[BaseModel], detail: ErrorDetails, place: Place) -> Iterator[Fault]:
    path, kind, value = detail["loc"], detail["type"], detail["input"]
    if kind == "rules":
        for broken in detail["ctx"]["broken"]:
            where = (*path, broken.field) if broken.field else path
            yield Fault(broken.rule, broken.value, place(where), broken.remedy)
        return
    if kind == "extra_forbidden":
        yield _unknown_field(schema, path, place)
        return
    field = _field_at(schema, path)
    domain = _domain(field, item=isinstance(path[-1], int))
    if kind == "missing":
        yield Fault(f"required, {domain}", "nothing", place(path), f"add it: {field.description}")
    else:
        yield Fault(f"must be {domain}", shown(value), place(path), _remedy(field, kind))


def _unknown_field(schema: type[BaseModel], path: tuple[str | int, ...], place: Place) -> Fault:
    name, known = str(path[-1]), tuple(_section_at(schema, path[:-1]).model_fields)
    remedy = f"{suggestion(name, known)}known here: {', '.join(known)}"
    return Fault("must be a known field", shown(name), place(path), remedy)


def _remedy(field: FieldInfo, kind: str) -> str:
    if kind in _TYPE_REMEDIES:
        return _TYPE_REMEDIES[kind]
    if field.default_factory is not None:
        return f"write its fields below it, or leave it out: {field.description}"
    if field.is_required() or field.default is None:
        return f"correct it: {field.description}"
    return f"correct it, or leave it out for the default {shown(field.default)}: {field.description}"


def _domain(field: FieldInfo, *, item: bool) -> str:
    """What a field, or an item of its list, may hold, in words and limits."""
    annotation: Any = field.annotation
    nullable = NoneType in get_args(annotation)
    if nullable:
        annotation = next(part for part in get_args(annotation) if part is not NoneType)
    limits = [
        f"{sign} {getattr(limit, name):.12g}"
        for limit in field.metadata
        for name, sign in _SIGNS.items()
        if hasattr(limit, name)
    ]
    words = " ".join([_kind(annotation, item, field.description or ""), " and ".join(limits)]).rstrip()
    return f"{words}, or null" if nullable else words


def _kind(annotation: Any, item: bool, meaning: str) -> str:
    if annotation is str:
        return f"text ({meaning})"
    if annotation in _KINDS:
        return _KINDS[annotation]
    members = ", ".join(_members(annotation))
    if getattr(annotation, "__origin__", None) is list and not item:
        return f"a list out of: {members}" if members else "a list that is not empty"
    return f"one of: {members}" if members else "a section of `name: value` lines"


def _members(annotation: Any) -> tuple[str, ...]:
    """The words of an enumeration, found inside the annotation."""
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return tuple(member.value for member in annotation)
    return next((found for part in get_args(annotation) if (found := _members(part))), ())


def _field_at(schema: type[BaseModel], path: tuple[str | int, ...]) -> FieldInfo:
    names = [index for index, part in enumerate(path) if isinstance(part, str)]
    return _section_at(schema, path[: names[-1]]).model_fields[str(path[names[-1]])]


def _section_at(schema: type[BaseModel], path: tuple[str | int, ...]) -> type[BaseModel]:
    for part in path:
        if isinstance(part, str):
            schema = _section_in(schema.model_fields[part].annotation) or schema
    return schema


def _section_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _section_in(part))), None)
