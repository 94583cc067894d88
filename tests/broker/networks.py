"""Small networks for tests of conditions: three plants and a message among them."""

from __future__ import annotations

from broker.network import AttemptKey, Conditions
from market.model.network import (
    LinkConditions,
    LinkOverride,
    Links,
    Lognormal,
    NetworkRules,
    Normal,
    Outage,
    Partition,
)

VPPS = ("A", "B", "C")
COUNT = 10_000  # draws of which statistics are taken

# Every condition but bandwidth, all at once.
EVERYTHING = NetworkRules(
    every=LinkConditions(Lognormal(0.05, 1.0), 0.03, 0.3, 0.2, 0.2, 0.4),
    links=(LinkOverride(Links(vpp="C"), latency=Normal(0.5, 0.1), loss=0.5),),
    outages=(Outage(Links(sender="A"), 2.0, 4.0),),
    partitions=(Partition((("A", "B"), ("C",)), 5.0, 6.0),),
)


def network(rules: NetworkRules | None = None, seed: int = 7) -> Conditions:
    """These rules, the perfect network by default, among the three plants."""
    return Conditions(rules or NetworkRules(), VPPS, seed)


def link(conditions: LinkConditions, seed: int = 7) -> Conditions:
    """The same conditions everywhere."""
    return network(NetworkRules(every=conditions), seed)


def a_to_b(seq: int = 1, attempt: int = 1) -> AttemptKey:
    """An attempt to carry a message from A to B."""
    return AttemptKey(1, "A", "B", seq, attempt)


def delays_s(conditions: Conditions) -> list[float]:
    """Delays of the first arrivals of many messages."""
    return [conditions.attempt(a_to_b(seq), 0.0).delays_s[0] for seq in range(COUNT)]
