"""Owns the step between the section `network` and `NetworkRules`, both ways. Checks nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypeAlias

from market.network import (
    Constant,
    Empirical,
    Latency,
    LinkConditions,
    LinkOverride,
    Links,
    Lognormal,
    NetworkRules,
    NodeCompute,
    Normal,
    Outage,
    Partition,
    Retransmission,
    Uniform,
)
from market.scenario.network_schema import (
    ConditionsSection,
    LatencyKind,
    LatencySection,
    NetworkSection,
    SelectionSection,
)

Samples: TypeAlias = Mapping[str, tuple[float, ...]]

_LATENCIES: Mapping[LatencyKind, type[Latency]] = {
    LatencyKind.CONSTANT: Constant,
    LatencyKind.UNIFORM: Uniform,
    LatencyKind.NORMAL: Normal,
    LatencyKind.LOGNORMAL: Lognormal,
}
_CONDITIONS = tuple(name for name in LinkConditions.__dataclass_fields__ if name != "latency")
_KINDS = {latency: kind for kind, latency in _LATENCIES.items()} | {Empirical: LatencyKind.EMPIRICAL}


def network_rules(section: NetworkSection, samples: Samples) -> NetworkRules:
    """The rules of a section; `samples` holds, by name, the files it names."""
    return NetworkRules(
        every=LinkConditions(**_conditions(section, samples)),
        links=tuple(LinkOverride(_links(link), **_conditions(link, samples)) for link in section.links),
        outages=tuple(Outage(_links(outage), outage.start_s, outage.end_s) for outage in section.outages),
        partitions=tuple(
            Partition(tuple(tuple(group) for group in entry.groups), entry.start_s, entry.end_s)
            for entry in section.partitions
        ),
        compute_s=section.compute_s,
        compute=tuple(NodeCompute(vpp, section.compute[vpp]) for vpp in sorted(section.compute)),
        retransmission=Retransmission(
            section.retransmit_after_s,
            section.retransmit_backoff,
            section.retransmit_max_s,
            section.give_up_after_s,
        ),
        stall_after_s=section.stall_after_s,
        time=section.time,
        on_loss=section.on_loss,
        silence_s=section.silence_s,
        wait_s=section.wait_s,
        answer_s=section.answer_s,
    )


def network_fields(rules: NetworkRules) -> dict[str, object]:
    """The fields of a section with these rules; samples are written out."""
    again = rules.retransmission
    return {
        **_condition_fields(rules.every),
        "links": [{**_link_fields(link.links), **_condition_fields(link)} for link in rules.links],
        "outages": [
            {**_link_fields(outage.links), "start_s": outage.start_s, "end_s": outage.end_s}
            for outage in rules.outages
        ],
        "partitions": [
            {"groups": [list(group) for group in entry.groups], "start_s": entry.start_s, "end_s": entry.end_s}
            for entry in rules.partitions
        ],
        "compute_s": rules.compute_s,
        "compute": {node.vpp: node.compute_s for node in rules.compute},
        "retransmit_after_s": again.after_s,
        "retransmit_backoff": again.backoff,
        "retransmit_max_s": again.max_s,
        "give_up_after_s": again.give_up_after_s,
        "stall_after_s": rules.stall_after_s,
        "time": rules.time.value,
        "on_loss": rules.on_loss.value,
        "silence_s": rules.silence_s,
        "wait_s": rules.wait_s,
        "answer_s": rules.answer_s,
    }


def _links(section: SelectionSection) -> Links:
    return Links(section.sender, section.receiver, section.vpp)


def _link_fields(links: Links) -> dict[str, object]:
    return {"from": links.sender, "to": links.receiver, "vpp": links.vpp}


def _conditions(section: ConditionsSection, samples: Samples) -> dict[str, Any]:
    """What is given of the conditions."""
    given = {name: value for name in _CONDITIONS if (value := getattr(section, name)) is not None}
    if section.delay_s is not None:
        given["latency"] = Constant(section.delay_s)
    if section.latency is not None:
        given["latency"] = _latency(section.latency, samples)
    return given


def _latency(section: LatencySection, samples: Samples) -> Latency:
    if section.kind is LatencyKind.EMPIRICAL:
        measured = samples[section.file] if section.file is not None else section.samples_s or ()
        return Empirical(tuple(sorted(measured)))
    kind = _LATENCIES[section.kind]
    return kind(**{name: getattr(section, name) for name in kind.__dataclass_fields__})


def _condition_fields(conditions: LinkConditions | LinkOverride) -> dict[str, object]:
    fields: dict[str, object] = {name: getattr(conditions, name) for name in _CONDITIONS}
    latency = conditions.latency
    if latency is None:
        return fields
    values = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(latency).items()}
    return {**fields, "latency": {"kind": _KINDS[type(latency)].value, **values}}
