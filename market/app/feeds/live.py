"""A market that runs elsewhere as a source: what its broker hands out of the tape, with its history."""

from __future__ import annotations

from collections.abc import Callable

from market.app.feeds.feed import Status
from market.app.feeds.watcher import Watcher
from market.app.feeds.whereabouts import Whereabouts
from market.app.history.timeline import Timeline
from market.scenario.scenario import Scenario


class LiveFeed:
    """The market at an address. `on_status` gets what a terminal should show: each state in words, once."""

    def __init__(self, where: Whereabouts, on_status: Callable[[str], None]) -> None:
        self.name = where.address
        self.timeline = Timeline()
        self.scenario: Scenario | None = None  # plants stay where they are
        self._watcher = Watcher(where, self.timeline.extend, on_status)

    def close(self) -> None:
        """Stop looking on."""
        self._watcher.close()

    def status(self) -> Status:
        """Searching, going on, ended, or broken; a fault says what to do."""
        return self._watcher.status()
