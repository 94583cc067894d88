"""Counts first copies that arrive, and those that come late: after a newer message of the same sender."""

from __future__ import annotations

from broker.delivery.network_log import CarriedMessage, NetworkLog


class Arrivals:
    """The arrivals of one epoch, in which every sender numbers its messages from 1."""

    def __init__(self, log: NetworkLog) -> None:
        self._log = log
        self._newest: dict[tuple[str, str], int] = {}

    def count(self, message: CarriedMessage, time_s: float) -> None:
        """A message has arrived for the first time."""
        sender, receiver = message.sender, message.receiver
        link, newest = self._log.link(sender, receiver), self.newest(sender, receiver)
        late = message.seq < newest
        link.late += late
        link.arrived(time_s - message.sent_s)
        message.arrived(time_s, late=late)
        self._newest[sender, receiver] = max(newest, message.seq)

    def newest(self, sender: str, receiver: str) -> int:
        """The number of the newest message that has arrived; 0 before there is one."""
        return self._newest.get((sender, receiver), 0)
