"""Counts first copies that arrive, and those that come late: after a newer message of the same sender."""

from __future__ import annotations

from broker.delivery.network_log import NetworkLog
from broker.wire.messages import Ref


class Arrivals:
    """The arrivals of one epoch, in which every sender numbers its messages from 1."""

    def __init__(self, log: NetworkLog) -> None:
        self._log = log
        self._newest: dict[tuple[str, str], int] = {}

    def count(self, ref: Ref, receiver: str, delay_s: float) -> None:
        """A message has arrived for the first time, `delay_s` after it was sent."""
        link, newest = self._log.link(ref.sender, receiver), self.newest(ref.sender, receiver)
        link.late += ref.seq < newest
        link.arrived(delay_s)
        self._newest[ref.sender, receiver] = max(newest, ref.seq)

    def newest(self, sender: str, receiver: str) -> int:
        """The number of the newest message that has arrived; 0 before there is one."""
        return self._newest.get((sender, receiver), 0)
