"""How the page tells a market: money by its currency, periods with what the clocks show."""

from __future__ import annotations

from market.app.history.snapshot import Snapshot
from market.app.results.telling import Telling, telling_of


def told_of(view: Snapshot) -> Telling:
    """How what is looked at is told; plainly until its scenario is known."""
    return Telling() if view.scenario is None else telling_of(view.scenario)
