"""Totals of a run's network, in a few numbers: the manifest's `network`.

`published` counts what was said, `sent` what was to be brought to a receiver; of that, what is neither `delivered`
nor `undeliverable` was under way when the market came to its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from market.app.results.columns import LINK_COUNTS
from market.app.results.run_metadata import RunMetadata
from market.game.result import Verdict
from market.model.network import LinkConditions, NetworkRules

if TYPE_CHECKING:
    from broker.delivery.network_log import NetworkLog

AT_REST = (Verdict.EQUILIBRIUM, Verdict.NO_TRADE, Verdict.CLEARED)


def network_document(facts: RunMetadata, verdict: Verdict) -> dict[str, Any] | None:
    """The totals, ready for JSON; None where there is no network. Delays and staleness null if there were none."""
    log = facts.network
    if log is None:
        return None
    from statistics import fmean  # late: it imports decimals and fractions

    return {
        "time_to_equilibrium_s": facts.rest_time_s if verdict in AT_REST else None,
        "published": facts.counters.get("sent", 0),
        **{name: log.total(name) for name in LINK_COUNTS},
        "largest_in_flight": max((moment.in_flight for moment in log.moments), default=0),
        "largest_queue": max((moment.queued for moment in log.moments), default=0),
        **_delays(log),
        "mean_staleness_s": fmean(entry.staleness_s for entry in log.staleness) if log.staleness else None,
        "largest_staleness_s": max((entry.staleness_s for entry in log.staleness), default=None),
    }


def _delays(log: NetworkLog) -> dict[str, float | None]:
    used = log.delays()
    delivered = sum(link.delivered for link in used)
    return {
        "delay_min_s": min((link.delay_min_s for link in used), default=None),
        "delay_mean_s": sum(link.delay_sum_s for link in used) / delivered if used else None,
        "delay_max_s": max((link.delay_max_s for link in used), default=None),
    }


def is_perfect(rules: NetworkRules) -> bool:
    """Whether nothing delays, loses or interrupts anything, and nodes take no time."""
    slow = rules.pause_s or rules.compute_s or any(node.compute_s for node in rules.compute)
    return rules.every == LinkConditions() and not (rules.links or rules.outages or rules.partitions or slow)
