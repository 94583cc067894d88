"""Where a model's records come from: this process, a process for each plant, or a market that runs elsewhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from broker.tape import Record
from market.app.runs.local_market import LocalMarket
from market.app.runs.system import need_linux
from market.scenario.scenario import Scenario


class RecordSource(Protocol):
    """A market day under way."""

    def more(self) -> list[Record]:
        """The records that come next, after waiting for one; none once the day is over.

        MarketError if it breaks off.
        """
        ...

    def release(self) -> None:
        """Let go of it; returns at once."""
        ...

    def close(self) -> None:
        """Let go of it, and wait until nothing of it is left."""
        ...


def own_market(scenario: Scenario, seed: int, *, processes: bool) -> RecordSource:
    """A market of our own. RunError where no process can be started."""
    if not processes:
        return LocalMarket(scenario, seed)
    need_linux("processes=True", "leave it out: the agents are then in this process")
    from market.app.runs.background import BackgroundMarket

    return BackgroundMarket(scenario, seed)


def market_at(address: str, keys: str | Path | None, token_file: str | Path | None) -> RecordSource:
    """A market that runs elsewhere. ScenarioError where address, keys or token cannot be."""
    need_linux(address, "look on from a machine with Linux")
    from market.app.feeds.followed import FollowedMarket
    from market.app.feeds.whereabouts import whereabouts
    from market.app.runs.tokens import WATCHING

    folder, file = (Path(path) if path is not None else None for path in (keys, token_file))
    return FollowedMarket(whereabouts(address, folder, os.environ.get(WATCHING.variable), file))
