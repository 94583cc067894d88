"""The schema of the section `network` in the file: what it has besides the model's parameters.

That is: one mapping for a latency of any kind, its short form, links by their ends, and everything in one section.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, Strict
from pydantic_core import PydanticCustomError

from market.model.network import (
    Constant,
    Empirical,
    Latency,
    LinkConditions,
    Lognormal,
    NetworkRules,
    NodeCompute,
    Normal,
    Outage,
    Partition,
    Retransmission,
    Uniform,
    attempts,
    window,
)
from market.model.parameter import Broken
from market.scenario.fields import EachOf, FileField, Section, fields_of, is_inside, section_of, values_of


class LatencyKind(StrEnum):
    """How latency is distributed."""

    CONSTANT = "constant"
    UNIFORM = "uniform"
    NORMAL = "normal"
    LOGNORMAL = "lognormal"
    EMPIRICAL = "empirical"


LATENCIES: Mapping[LatencyKind, type[Latency]] = {
    LatencyKind.CONSTANT: Constant,
    LatencyKind.UNIFORM: Uniform,
    LatencyKind.NORMAL: Normal,
    LatencyKind.LOGNORMAL: Lognormal,
    LatencyKind.EMPIRICAL: Empirical,
}
_FIELDS = {kind: tuple(fields_of(form)) for kind, form in LATENCIES.items() if form is not Empirical}
_FIELDS[LatencyKind.EMPIRICAL] = ("file", "samples_s")
_KINDS_TOLD = ", ".join(f"{kind} ({', '.join(names)})" for kind, names in _FIELDS.items()).replace(
    "(file, ", "(file or "
)
_SAMPLE = fields_of(Empirical)["samples_s"].parameter
_TIME = fields_of(NodeCompute)["compute_s"].parameter


def _fields_of_kind(latency: Section) -> Iterator[Broken]:
    """The fields are those of the kind, and in order."""
    kind, own = latency.kind, _FIELDS[latency.kind]
    given = [name for name in latency.model_fields_set if name != "kind" and getattr(latency, name) is not None]
    remedy = f"remove it; kind {kind} takes {', '.join(own)}"
    for name in sorted(set(given) - set(own)):
        yield Broken(name, f"must not be given with kind {kind}", repr(getattr(latency, name)), remedy)
    if kind is LatencyKind.EMPIRICAL:
        yield from _samples_or_file(latency)
        return
    missing = [name for name in own if name not in given]
    yield from (Broken(name, f"must be given with kind {kind}", "nothing", "add it") for name in missing)
    if not missing and kind is LatencyKind.UNIFORM and latency.low_s > latency.high_s:
        value = f"{latency.low_s!r} above {latency.high_s!r}"
        yield Broken("low_s", "low_s must not be above high_s", value, "exchange the two")


def _samples_or_file(latency: Section) -> Iterator[Broken]:
    if (latency.file is None) == (latency.samples_s is None):
        value = "neither" if latency.file is None else "both"
        rule = "must be given with kind empirical, or samples_s in its place"
        yield Broken("file", rule, value, "give one of the two")
    elif latency.file is not None and not is_inside(latency.file):
        rule = "must be a file name inside the scenario's folder"
        remedy = "put the file into the scenario's folder and give its name there"
        yield Broken("file", rule, repr(latency.file[:60]), remedy)


LatencySection = section_of(
    "LatencySection",
    "A distribution of latency; which fields it has depends on `kind`.",
    {
        "kind": (
            Annotated[LatencyKind, Strict(False)],
            Field(description=_KINDS_TOLD),
        ),
        **{
            name: field.optional()
            for form in LATENCIES.values()
            if form is not Empirical
            for name, field in fields_of(form).items()
        },
        "file": (
            str | None,
            Field(None, description="CSV file in the scenario's folder with the column latency_s"),
        ),
        "samples_s": (
            Annotated[list[Annotated[float, Field(ge=_SAMPLE.ge, le=_SAMPLE.le)]] | None, EachOf(_SAMPLE)],
            Field(None, description=_SAMPLE.meaning, min_length=1),
        ),
    },
    _fields_of_kind,
)


def _one_latency(section: Section) -> Iterator[Broken]:
    """One way of giving the latency."""
    if section.delay_s is not None and section.latency is not None:
        rule = "must not be given together with latency"
        yield Broken("delay_s", rule, repr(section.delay_s), "keep one of the two")


def _reordering(section: Section) -> Iterator[Broken]:
    """Reordering with its time."""
    names = ("reordering", "reordering_s")
    absent = [name for name in names if getattr(section, name) is None]
    if len(absent) == 1:
        (other,) = set(names) - set(absent)
        rule, remedy = f"must be given together with {other}", f"add it, or remove {other}"
        yield Broken(absent[0], rule, "nothing", remedy)
    elif section.reordering and not section.reordering_s:
        rule, remedy = "must be above 0 where reordering is", "say by how long, or set reordering to 0"
        yield Broken("reordering_s", rule, repr(section.reordering_s), remedy)


def _inherited(field: FileField) -> FileField:
    """Left out on all links: the default; on some: as on all."""
    none = "there unlimited" if field.default is None else "where there is none, none"
    return field.optional(f"; left out: as for all links, {none}")


_DELAY = fields_of(Constant)["value_s"].parameter
_CONDITIONS: dict[str, FileField | tuple[Any, Any]] = {
    "delay_s": FileField(float, _DELAY.said("Constant latency: the short form of latency", first=True)).optional(),
    "latency": (
        LatencySection | None,
        Field(None, description="Time on the way; left out: as for all links, where there is none, none"),
    ),
    **{name: _inherited(field) for name, field in fields_of(LinkConditions).items()},
}
_RULES = (_one_latency, _reordering)
CONDITIONS = tuple(_CONDITIONS)


def _some_links(section: Section) -> Iterator[Broken]:
    """Some links are meant, and meant in one way."""
    if section.sender is None and section.receiver is None and section.vpp is None:
        rule, remedy = "must say which links: from, to or vpp", "add one; for all links, use network itself"
        yield Broken("", rule, "none of them", remedy)
    elif section.vpp is not None and (section.sender is not None or section.receiver is not None):
        rule = "must not be given together with from or to"
        yield Broken("vpp", rule, repr(section.vpp), "keep vpp, or from and to")
    elif section.sender is not None and section.sender == section.receiver:
        remedy = "name the other end of the link"
        yield Broken("to", "must be another VPP than from", repr(section.receiver), remedy)


def _something_different(section: Section) -> Iterator[Broken]:
    if all(getattr(section, name) is None for name in CONDITIONS) and not list(_some_links(section)):
        remedy = f"add one of {', '.join(CONDITIONS)}"
        yield Broken("", "must say what is different on these links", "nothing", remedy)


_SELECTION: dict[str, tuple[Any, Any]] = {
    "sender": (str | None, Field(None, alias="from", description="Id of a VPP: links from it")),
    "receiver": (str | None, Field(None, alias="to", description="Id of a VPP: links to it")),
    "vpp": (str | None, Field(None, description="Id of a VPP: links from it and links to it")),
}
LinkSection = section_of(
    "LinkSection",
    "What is different on some links.",
    {**_CONDITIONS, **_SELECTION},
    _some_links,
    *_RULES,
    _something_different,
)
OutageSection = section_of(
    "OutageSection",
    "A time in which nothing gets through on some links.",
    {**fields_of(Outage), **_SELECTION},
    _some_links,
    window,
)


def _groups(section: Section) -> Iterator[Broken]:
    """Two groups or more, not empty and apart."""
    members = [member for group in section.groups for member in group]
    repeated = sorted({member for member in members if members.count(member) > 1})
    if len(section.groups) < 2:
        remedy = "name those on the other side"
        yield Broken("groups", "must be two groups or more", str(len(section.groups)), remedy)
    if not all(section.groups):
        yield Broken("groups", "must have a VPP in each group", "an empty group", "fill it or remove it")
    if repeated:
        yield Broken("groups", "must name each VPP only once", ", ".join(repeated), "remove what is repeated")


_GROUPS = Field(description="Two groups of ids or more, none in two of them; a VPP in no group reaches everybody")
PartitionSection = section_of(
    "PartitionSection",
    "A time in which nothing passes between different groups.",
    {**fields_of(Partition), "groups": (list[list[str]], _GROUPS)},
    window,
    _groups,
)


def _compute(value: object) -> object:
    """Each entry a time; told by the name of the entry."""
    if not isinstance(value, dict):
        return value
    rule, remedy = f"must be a number {_TIME.limits}", "give the seconds that a turn of this VPP takes"
    broken = [
        Broken(str(vpp), rule, repr(time_s), remedy)
        for vpp, time_s in value.items()
        if type(time_s) not in (int, float) or not _TIME.holds(time_s)
    ]
    if broken:
        raise PydanticCustomError("rules", "rules are broken", {"broken": broken})
    return value


def _attempts(section: Section) -> Iterator[Broken]:
    """Retransmission comes to an end."""
    return attempts(values_of(Retransmission, section))


_SECONDS = Annotated[float, Field(ge=_TIME.ge, le=_TIME.le)]
NetworkSection = section_of(
    "NetworkSection",
    NetworkRules.__doc__,
    {
        **_CONDITIONS,
        "links": (
            list[LinkSection],  # type: ignore[valid-type]
            Field([], description="What is different on some links; later entries win"),
        ),
        "outages": (
            list[OutageSection],  # type: ignore[valid-type]
            Field([], description="Times in which nothing gets through on some links"),
        ),
        "partitions": (
            list[PartitionSection],  # type: ignore[valid-type]
            Field([], description="Times in which groups cannot reach each other"),
        ),
        "compute": (
            Annotated[dict[str, _SECONDS], BeforeValidator(_compute), EachOf(_TIME)],
            Field({}, description="Time a turn takes, in seconds, by id of those VPPs that differ from compute_s"),
        ),
        **fields_of(Retransmission),
        **fields_of(NetworkRules),
    },
    *_RULES,
    _attempts,
)
