"""Staleness (age of information): how old the offers were on which each new offer was based."""

from __future__ import annotations

from collections.abc import Sequence

from broker.delivery.network_log import NetworkLog, Staleness
from broker.wire.messages import Offer, Seen


class StalenessLog:
    """When each version of each seller's offer was sent."""

    def __init__(self, log: NetworkLog) -> None:
        self._log = log
        self._sent_s: dict[str, list[float]] = {}
        self._used: dict[str, dict[str, int]] = {}

    def used(self, vpp: str, seen: Sequence[Seen]) -> None:
        """A VPP has consumed these versions, beside what it has consumed before of others."""
        used = self._used.setdefault(vpp, {})
        for other, version in seen:
            if version > used.get(other, 0):  # what comes late is no longer used
                used[other] = version

    def offer(self, time_s: float, seller: str, offer: Offer, seen: Sequence[Seen] = ()) -> None:
        """A seller has offered, having consumed these versions of the others, beside those of before."""
        self.used(seller, seen)
        used = self._used[seller].items()
        age = max(
            (self._superseded_s(vpp, version, time_s) for vpp, version in used if vpp != seller), default=0.0
        )
        self._sent_s.setdefault(seller, []).append(time_s)
        self._log.staleness.append(Staleness(time_s, seller, offer.version, age))

    def _superseded_s(self, vpp: str, version: int, time_s: float) -> float:
        """For how long a version has been superseded at a time; 0 while it is the newest."""
        sent_s = self._sent_s.get(vpp, ())
        superseded = version < len(sent_s) and sent_s[version] <= time_s
        return time_s - sent_s[version] if superseded else 0.0
