"""Staleness (age of information): how old the offers were on which each new offer was based."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from broker.delivery.network_log import NetworkLog, Staleness
from broker.wire.messages import Offer, Seen


class StalenessLog:
    """When each version of each seller's offer was sent."""

    def __init__(self, log: NetworkLog) -> None:
        self._log = log
        self._sent_s: dict[str, list[float]] = {}

    def offer(self, time_s: float, seller: str, offer: Offer, seen: Sequence[Seen]) -> None:
        """A seller has offered, having consumed these versions of the others."""
        age = max((self._superseded_s(entry, time_s) for entry in seen if entry.vpp != seller), default=0.0)
        self._sent_s.setdefault(seller, []).append(time_s)
        self._log.staleness.append(Staleness(time_s, seller, offer.version, age))

    def _superseded_s(self, seen: Seen, time_s: float) -> float:
        """For how long a version has been superseded at a time; 0 while it is the newest."""
        sent_s = self._sent_s.get(seen.vpp, [])
        newer = sent_s[seen.version : bisect_right(sent_s, time_s)]
        return time_s - newer[0] if newer else 0.0
