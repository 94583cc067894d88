"""Plants behind one transformer: what may pass it is parted among them by fixed shares, (M21).

A share follows from weights that are said, or from the number of plants, so it tells nothing of anybody's plant;
a plant's own file has its own share alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from typing import Annotated, Any

from pydantic import Field

from market.model.group import CONNECTION, Group
from market.model.parameter import Broken, parameters_of
from market.model.vpp import Vpp
from market.scenario.fields import ID_PATTERN, ID_RULE, Section, number_of_file, section_of
from market.scenario.network_ids import there_are

_SAID = {defined.name: defined.parameter for defined in parameters_of(Group)}


def _as_many_weights(group: Section) -> Iterator[Broken]:
    """A weight for each member, and a limit to part."""
    if group.weights is not None and len(group.weights) != len(group.members):
        rule, value = "must have a weight for each member", f"{len(group.weights)} for {len(group.members)}"
        yield Broken("weights", rule, value, "make them as many, or leave weights out: equal shares")
    if all(getattr(group, name) is None for name in CONNECTION):
        yield Broken(
            "import_max_mw", "must have a limit to part", "nothing", "give import_max, export_max or both"
        )


GroupSection = section_of(
    "GroupSection",
    "Plants behind one transformer, each with its share of what may pass it.",
    {
        "id": (str, Field(description=f"What the transformer is called: {ID_RULE}", pattern=ID_PATTERN)),
        "members": (list[str], Field(description="Ids of the plants behind it, two or more", min_length=2)),
        **{name: number_of_file(_SAID[name]) for name in CONNECTION},
        "weights": (
            list[Annotated[float, Field(gt=_SAID["weights"].gt, le=_SAID["weights"].le)]] | None,
            Field(
                None,
                description=_SAID["weights"].description,
                json_schema_extra={"unit": "1"},
            ),
        ),
    },
    _as_many_weights,
)


def known_members(file: Section) -> Iterator[Broken]:
    """Members are plants of the market, each behind one transformer only; no two are called alike."""
    known = [entry.id for entry in file.roster or file.vpps]
    members = Counter(member for group in file.groups for member in group.members)
    for member, count in members.items():
        if member not in known:
            rule = "must have plants of the market as members"
            yield Broken("groups", rule, repr(member), there_are(member, known))
        elif count > 1:
            yield Broken(
                "groups", "must have each plant once", f"{member!r} {count} times", "take it out of the others"
            )
    for name, count in Counter(group.id for group in file.groups).items():
        if count > 1:
            yield Broken("groups", "must have ids of their own", f"{name!r} again", "choose another id")


def with_shares(vpp: Vpp, file: Section) -> Vpp:
    """The plant with its share of its group's limits, or with its own where those are narrower."""
    section = next((group for group in file.groups if vpp.id in group.members), None)
    if section is None:
        return vpp
    limits = {name: getattr(section, name) for name in CONNECTION}
    group = Group(section.id, tuple(section.members), **limits, weights=tuple(section.weights or ()))
    shares = group.limits_of(vpp.id).items()
    narrower = {name: min(getattr(vpp.exchange, name), share) for name, share in shares}
    return replace(vpp, exchange=replace(vpp.exchange, **narrower), group=group)


def group_fields(vpps: Iterable[Vpp]) -> list[dict[str, Any]]:
    """The groups that plants have shares of, each once, as the file has them."""
    groups = dict.fromkeys(vpp.group for vpp in vpps if vpp.group is not None)
    return [
        {**asdict(group), "members": list(group.members), "weights": list(group.weights) or None}
        for group in groups
    ]
