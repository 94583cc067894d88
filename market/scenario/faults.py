"""Words the faults that a schema finds in a scenario: rule, value, place and remedy of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from market.errors import Fault
from market.model.vpp import UnitKind
from market.scenario.fields import Section, plain_id
from market.scenario.shown_value import shown

Place = Callable[[Sequence[str | int]], str]

_KINDS = {float: "a number", int: "a whole number", bool: "true or false"}
_TYPE_REMEDIES = {
    "float_type": "write a plain number, without quotes, units or thousands separators",
    "int_type": "write a plain whole number, without quotes and without a point",
    "bool_type": "write true or false, without quotes",
    "string_type": "put it in quotes",
}
_UNION_PART = re.compile(r"str|int|float|bool|list\[.*\]")
_KEY = "[key]"
_MOST = 200
_LENGTHS = {0: "", 1: " that is not empty"}
_SIGNS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}


def schema_faults(
    schema: type[Section],
    error: ValidationError,
    place: Place,
    *,
    in_file: bool = True,
    told: Collection[tuple[str | int, ...]] = (),
) -> list[Fault]:
    """The faults in a pydantic error. `place` turns a path of field names and indices into words.

    in_file : whether a field that is left out has its default; where it is changed from outside it stays as it was
    told : paths whose faults have been told already
    """
    details = _told_once([each for each in error.errors(include_url=False) if not _is_told(schema, each, told)])
    found = [fault for detail in details[:_MOST] for fault in _faults_of(schema, detail, place, in_file)]
    return found + more_faults(len(details) - _MOST, place(()))


def _is_told(schema: type[Section], detail: ErrorDetails, told: Collection[tuple[str | int, ...]]) -> bool:
    """Whether a fault of its place has been told; pydantic names the kind of a unit as well."""
    return bool(told) and (detail["loc"] in told or _in_file(schema, detail["loc"])[0] in told)


def _told_once(details: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Of a value that is of none of the kinds that a field may have, pydantic tells each; here it is one."""
    kept: dict[Any, ErrorDetails] = {}
    for number, detail in enumerate(details):
        *above, last = detail["loc"] or ("",)
        kind = isinstance(last, str) and _UNION_PART.fullmatch(last) and detail["type"].endswith("_type")
        kept.setdefault((*above, id(detail["input"])) if kind else number, detail)
    return list(kept.values())


def more_faults(count: int, place: str) -> list[Fault]:
    """One fault that stands for `count` more of the same kind; none where there are none."""
    if count <= 0:
        return []
    return [Fault("must be free of such faults", f"{count} more", place, "repair those above, then check again")]


def suggestion(word: str, known: Sequence[str]) -> str:
    """`did you mean ...? ` where a known word is close, else nothing."""
    close = get_close_matches(word, known[:2000], n=1, cutoff=0.6)
    return f"did you mean {close[0]}? " if close else ""


def _faults_of(schema: type[Section], detail: ErrorDetails, place: Place, in_file: bool) -> Iterator[Fault]:
    path, kind, value = detail["loc"], detail["type"], detail["input"]
    path, holder, depth = _in_file(schema, path)
    if kind == "rules":
        for broken in detail["ctx"]["broken"]:
            where = (*path, *broken.field.split(".")) if broken.field else path
            yield Fault(broken.rule, broken.value, place(where), broken.remedy)
        return
    if kind == "extra_forbidden":
        yield _unknown_field(holder, path, place)
        return
    if kind.startswith("union_tag"):
        yield _unknown_kind(detail, path, place)
        return
    field = fields_by_name(holder)[str(path[-1 - depth])]
    domain = _domain(field, depth)
    if kind == "missing":
        yield Fault(f"required, {domain}", "nothing", place(path), f"add it: {field.description}")
    else:
        of_kinds = value is None or _is_union(_plain(field.annotation))
        remedy = _remedy(field, "" if of_kinds else kind, in_file)
        if kind == "enum" and isinstance(value, str):
            remedy = f"{suggestion(value, _members(field.annotation))}{remedy}"
        if (
            path[:1] == ("vpps",)
            and path[-1:] == ("id",)
            and isinstance(value, str | int)
            and not isinstance(value, bool)
            and (plain := plain_id(str(value)))
        ):
            remedy = f"write {plain}, say, and keep {shown(value)} as its `label`, which may have any letters"
        yield Fault(f"must be {domain}", shown(value), place(path), f"{_percent(field, kind, value)}{remedy}")


def _percent(field: FieldInfo, kind: str, value: object) -> str:
    """A hint where a share above 1 looks like so many per cent."""
    is_share = (field.description or "").endswith("[share]")
    if is_share and kind.startswith("less_than") and isinstance(value, int | float) and 1 < value <= 100:
        return f"if {value:g} % is meant, write {value / 100:g}; "
    return ""


def _in_file(
    schema: type[Section], loc: tuple[str | int, ...]
) -> tuple[tuple[str | int, ...], type[Section], int]:
    """A place of pydantic's as a path in the file, the section that its last field belongs to, and how many
    places of lists and keys of mappings follow the field's name.

    Of what may be of several kinds pydantic names the kind as well, which is no part of a path.
    """
    path: list[str | int] = []
    holder, inside, kinds = schema, schema, dict[str, type[Section]]()
    field: FieldInfo | None = None
    depth = 0
    for part in loc:
        if isinstance(part, str) and kinds:
            inside, kinds, field = kinds[part], {}, None
        elif field is not None and inside is holder and isinstance(part, str) and not _is_mapping(field):
            continue
        elif field is not None and (not isinstance(part, str) or inside is holder):
            if part != _KEY:
                path.append(part)
                depth += 1
        else:
            path.append(part)
            holder, depth = inside, 0
            field = fields_by_name(holder).get(str(part))
            if field is not None:
                kinds = kinds_in(field.annotation)
                inside = section_in(field.annotation) or holder
    return tuple(path), holder, depth


def _is_mapping(field: FieldInfo) -> bool:
    """Whether a field holds values by names of the user's."""
    return get_origin(_plain(field.annotation)) in (dict, Mapping)


def kinds_in(annotation: Any) -> dict[str, type[Section]]:
    """The sections of a list of several kinds, by the word for each; none for anything else."""
    for part in get_args(annotation):
        sections = [each for each in get_args(part) if isinstance(each, type) and issubclass(each, Section)]
        if len(sections) > 1:
            return {get_args(each.model_fields["kind"].annotation)[0]: each for each in sections}
        if found := kinds_in(part):
            return found
    return {}


def _unknown_kind(detail: ErrorDetails, path: tuple[str | int, ...], place: Place) -> Fault:
    value, known = detail["input"], str(detail.get("ctx", {}).get("expected_tags", "")).replace("'", "")
    if not isinstance(value, dict):
        rule = "must be a section of `name: value` lines, with its kind"
        return Fault(rule, shown(value), place(path), "write for instance {id: B1, kind: ess, …}")
    found = shown(value["kind"]) if "kind" in value else "nothing"
    words = known.split(", ") if known else list(_ALL_KINDS)
    meant = suggestion(str(value.get("kind", "")), words)
    return Fault(
        f"must be one of {', '.join(words)}", found, place((*path, "kind")), f"{meant}say what the unit is"
    )


_ALL_KINDS = tuple(kind.value for kind in UnitKind)


def _unknown_field(holder: type[Section], path: tuple[str | int, ...], place: Place) -> Fault:
    name, known = str(path[-1]), tuple(fields_by_name(holder))
    remedy = f"{suggestion(name, known)}known here: {', '.join(known)}"
    return Fault("must be a known field", shown(name), place(path), remedy)


def _remedy(field: FieldInfo, kind: str, in_file: bool) -> str:
    if kind in _TYPE_REMEDIES:
        return _TYPE_REMEDIES[kind]
    if kind == "list_type":
        return f"write each entry on a line of its own that begins with `- `: {field.description}"
    if field.default_factory is not None:
        return f"write its fields below it, or leave it out: {field.description}"
    if field.is_required() or field.default is None:
        return f"correct it: {field.description}"
    if not in_file:
        return f"correct it, or leave it out: {field.description}"
    return f"correct it, or leave it out for the default {shown(field.default)}: {field.description}"


def _domain(field: FieldInfo, depth: int) -> str:
    """What a field may hold, in words and limits; or, `depth` lists down, an item of it."""
    annotation, metadata = _plain(field.annotation), list(field.metadata)
    nullable = depth == 0 and NoneType in get_args(field.annotation)
    for _ in range(depth):
        if _is_union(annotation):
            annotation = next((part for part in get_args(annotation) if get_origin(part)), annotation)
        item = (get_args(annotation) or (str,))[-1]
        metadata = [part for note in getattr(item, "__metadata__", ()) for part in getattr(note, "metadata", ())]
        annotation = getattr(item, "__origin__", item) if hasattr(item, "__metadata__") else item
    limits = [
        f"{sign} {getattr(limit, name):.12g}"
        for limit in metadata
        for name, sign in _SIGNS.items()
        if hasattr(limit, name)
    ]
    least = max((getattr(limit, "min_length", 0) for limit in metadata), default=0)
    words = " ".join([_kind(annotation, field.description or "", least), " and ".join(limits)]).rstrip()
    return f"{words}, or null" if nullable else words


def _plain(annotation: Any) -> Any:
    """The annotation without `| None`."""
    if NoneType not in get_args(annotation):
        return annotation
    return Union[tuple(part for part in get_args(annotation) if part is not NoneType)]  # noqa: UP007 parts at run time


def _is_union(annotation: Any) -> bool:
    return isinstance(annotation, UnionType) or get_origin(annotation) is Union


def _kind(annotation: Any, meaning: str, least: int) -> str:
    if annotation is str:
        return f"text ({meaning})"
    if annotation in _KINDS:
        return _KINDS[annotation]
    if hasattr(annotation, "__metadata__"):
        annotation = annotation.__origin__
    if _is_union(annotation):
        kinds = [_kind(part, "", least).removesuffix(" ()") for part in get_args(annotation)]
        return f"{' or '.join(kinds)} ({meaning})"
    members = ", ".join(_members(annotation))
    if getattr(annotation, "__origin__", None) is list:
        long = _LENGTHS.get(least, f" of {least} or more")
        return f"a list out of: {members}" if members else f"a list{long}"
    return f"one of: {members}" if members else "a section of `name: value` lines"


def _members(annotation: Any) -> tuple[str, ...]:
    """The words of an enumeration, found inside the annotation."""
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return tuple(member.value for member in annotation)
    return next((found for part in get_args(annotation) if (found := _members(part))), ())


def fields_by_name(schema: type[Section]) -> dict[str, FieldInfo]:
    """The fields of a section by the names they have in the file."""
    return {field.alias or name: field for name, field in schema.model_fields.items()}


def section_in(annotation: Any) -> type[Section] | None:
    """The section inside an annotation, if there is one."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next((found for part in get_args(annotation) if (found := section_in(part))), None)
