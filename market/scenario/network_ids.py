"""Checks that the section `network` names only VPPs of the roster.

It looks at plain values, which may break other rules, so that all faults are reported at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from market.errors import Fault
from market.scenario.faults import Place, suggestion
from market.scenario.shown_value import shown

_ENDS = ("from", "to", "vpp")


def unknown_ids(network: object, known: Sequence[str], place: Place) -> Iterator[Fault]:
    """A fault for each id that no VPP has. `place` turns a path that begins with `network` into words."""
    for path, vpp in _mentioned(network):
        if vpp not in known:
            yield unknown_id(vpp, known, place(("network", *path)), "must be the id of a VPP")


def unknown_id(vpp: str, known: Sequence[str], place: str, rule: str) -> Fault:
    """The fault of an id that is none of the known ones."""
    return Fault(rule, shown(vpp), place, there_are(vpp, known))


def there_are(vpp: str, known: Sequence[str]) -> str:
    """The remedy for an id that is none of the known ones: the one that is meant, maybe, and the first of all."""
    return f"{suggestion(vpp, known)}there are {', '.join(known[:8])}{' …' if len(known) > 8 else ''}"


def _mentioned(network: object) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every id in the section, and where it stands."""
    for name in ("links", "outages"):
        for index, entry in enumerate(_list(_field(network, name))):
            for end in _ENDS:
                if isinstance(vpp := _field(entry, end), str):
                    yield (name, index, end), vpp
    for index, entry in enumerate(_list(_field(network, "partitions"))):
        for group, members in enumerate(_list(_field(entry, "groups"))):
            for member, vpp in enumerate(_list(members)):
                if isinstance(vpp, str):
                    yield ("partitions", index, "groups", group, member), vpp
    compute = _field(network, "compute")
    if isinstance(compute, dict):
        yield from ((("compute", vpp), vpp) for vpp in compute if isinstance(vpp, str))


def _field(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
