"""A market that runs elsewhere as a queue of its records, which one waits for."""

from __future__ import annotations

import time
from collections import deque
from threading import Condition

from broker.tape import Record
from market.app.feeds.feed import State
from market.app.feeds.watcher import Watcher
from market.app.feeds.whereabouts import Whereabouts
from market.errors import RunError

LOOK_EVERY_S = 0.05
PATIENCE_S = 10.0
"""For how long a broker that does not answer is asked again."""


class FollowedMarket:
    """The records of a market that runs elsewhere, from its first on, whenever one begins to look."""

    def __init__(self, where: Whereabouts) -> None:
        self._records: deque[Record] = deque()
        self._came = Condition()
        self._watcher = Watcher(where, self._take)
        self.release = self._watcher.release
        self.close = self._watcher.close

    def _take(self, records: list[Record]) -> None:
        with self._came:
            self._records.extend(records)
            self._came.notify_all()

    def more(self) -> list[Record]:
        """The records that come next, after waiting for one; none once the market is over.

        RunError where it broke off, or where its broker is not there, does not answer or refuses.
        """
        asked_at = time.monotonic()
        with self._came:
            while not self._records:
                status = self._watcher.status()
                if status.state is State.ENDED:
                    return []
                silent = status.fault and status.state is not State.GOING_ON
                if silent and (self._watcher.over or time.monotonic() - asked_at > PATIENCE_S):
                    raise RunError(status.fault)
                self._came.wait(LOOK_EVERY_S)
            records = list(self._records)
            self._records.clear()
        return records
