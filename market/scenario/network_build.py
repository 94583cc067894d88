"""Converts the section `network` to `NetworkRules` and back. Checks nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from market.model.network import (
    Constant,
    Empirical,
    Latency,
    LinkConditions,
    LinkOverride,
    Links,
    NetworkRules,
    NodeCompute,
    Outage,
    Partition,
    Retransmission,
)
from market.scenario.fields import Section, plain_fields, values_of
from market.scenario.network_schema import LATENCIES, LatencyKind

Samples: TypeAlias = Mapping[str, tuple[float, ...]]

_KINDS = {latency: kind for kind, latency in LATENCIES.items()}


def network_rules(section: Section, samples: Samples) -> NetworkRules:
    """The rules of a section; `samples` holds, by name, the files it names."""
    return values_of(
        NetworkRules,
        section,
        every=values_of(LinkConditions, section, **_latency(section, samples)),
        links=tuple(
            values_of(LinkOverride, link, links=_links(link), **_latency(link, samples)) for link in section.links
        ),
        outages=tuple(values_of(Outage, outage, links=_links(outage)) for outage in section.outages),
        partitions=tuple(
            values_of(Partition, entry, groups=tuple(tuple(group) for group in entry.groups))
            for entry in section.partitions
        ),
        compute=tuple(NodeCompute(vpp, section.compute[vpp]) for vpp in sorted(section.compute)),
        retransmission=values_of(Retransmission, section),
    )


def network_fields(rules: NetworkRules) -> dict[str, Any]:
    """The fields of a section with these rules; samples are written out."""
    return {
        **_condition_fields(rules.every),
        "links": [{**_link_fields(link.links), **_condition_fields(link)} for link in rules.links],
        "outages": [{**_link_fields(outage.links), **plain_fields(outage)} for outage in rules.outages],
        "partitions": [
            {"groups": [list(group) for group in entry.groups], **plain_fields(entry)}
            for entry in rules.partitions
        ],
        "compute": {node.vpp: node.compute_s for node in rules.compute},
        **plain_fields(rules.retransmission),
        **plain_fields(rules),
    }


def _links(section: Section) -> Links:
    return Links(section.sender, section.receiver, section.vpp)


def _link_fields(links: Links) -> dict[str, object]:
    return {"from": links.sender, "to": links.receiver, "vpp": links.vpp}


def _latency(section: Section, samples: Samples) -> dict[str, Latency]:
    """The latency, if one is given, in whichever form."""
    if section.delay_s is not None:
        return {"latency": Constant(section.delay_s)}
    given = section.latency
    if given is None:
        return {}
    if given.kind is LatencyKind.EMPIRICAL:
        measured = samples[given.file] if given.file is not None else given.samples_s or ()
        return {"latency": Empirical(tuple(sorted(measured)))}
    return {"latency": values_of(LATENCIES[given.kind], given)}


def _condition_fields(conditions: LinkConditions | LinkOverride) -> dict[str, Any]:
    fields, latency = plain_fields(conditions), conditions.latency
    if latency is None:
        return fields
    return {**fields, "latency": {"kind": _KINDS[type(latency)].value, **plain_fields(latency)}}
