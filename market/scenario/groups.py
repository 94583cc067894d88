"""Plants behind one transformer: what may pass it is parted among them by fixed shares, (M21).

A share follows from weights that are said, or from the number of plants, so it tells nothing of anybody's plant;
a plant's own file has its own share alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated

from pydantic import Field

from market.model.parameter import Broken
from market.model.vpp import Exchange, Vpp
from market.scenario.fields import ID_PATTERN, Section, fields_of, number_of_file, section_of

_LIMITS = ("import_max_mw", "export_max_mw")
_WAYS = {"import_max_mw": "taken from above", "export_max_mw": "given to above"}


def _as_many_weights(group: Section) -> Iterator[Broken]:
    """A weight for each member, and a limit to part."""
    if group.weights is not None and len(group.weights) != len(group.members):
        rule, value = "must have a weight for each member", f"{len(group.weights)} for {len(group.members)}"
        yield Broken("weights", rule, value, "make them as many, or leave weights out: equal shares")
    if all(getattr(group, name) is None for name in _LIMITS):
        yield Broken(
            "import_max_mw", "must have a limit to part", "nothing", "give import_max, export_max or both"
        )


GroupSection = section_of(
    "GroupSection",
    "Plants behind one transformer, each with its share of what may pass it.",
    {
        "id": (str, Field(description="What the transformer is called", pattern=ID_PATTERN)),
        "members": (list[str], Field(description="Ids of the plants behind it", min_length=2)),
        **{
            name: number_of_file(
                fields_of(Exchange)[name].parameter.said(f"Most power {way} through it, by all together")
            )
            for name, way in _WAYS.items()
        },
        "weights": (
            list[Annotated[float, Field(gt=0, le=1e6)]] | None,
            Field(
                None,
                description="A weight for each member: its share is that over their sum; left out: all equal [1]",
                json_schema_extra={"unit": "1"},
            ),
        ),
    },
    _as_many_weights,
)


def known_members(file: Section) -> Iterator[Broken]:
    """Members are plants of the market, each behind one transformer only; no two are called alike."""
    known = {vpp.id for vpp in file.vpps} | {entry.id for entry in getattr(file, "roster", None) or ()}
    members = Counter(member for group in file.groups for member in group.members)
    for member, count in members.items():
        if member not in known:
            yield Broken("groups", "must have plants of the market as members", repr(member), "correct the id")
        elif count > 1:
            yield Broken(
                "groups", "must have each plant once", f"{member!r} {count} times", "take it out of the others"
            )
    for name, count in Counter(group.id for group in file.groups).items():
        if count > 1:
            yield Broken("groups", "must have ids of their own", f"{name!r} again", "choose another id")


def with_shares(vpp: Vpp, file: Section) -> Vpp:
    """The plant with its share of its group's limits, or with its own where those are narrower."""
    limits = {name: getattr(vpp.exchange, name) for name in _LIMITS}
    for group in file.groups:
        if vpp.id not in group.members:
            continue
        weights = group.weights or [1.0] * len(group.members)
        share = weights[group.members.index(vpp.id)] / sum(weights)
        for name in _LIMITS:
            if getattr(group, name) is not None:
                limits[name] = min(limits[name], share * getattr(group, name))
    return replace(vpp, exchange=replace(vpp.exchange, **limits))
