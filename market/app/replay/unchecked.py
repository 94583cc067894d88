"""What of a tape a replay cannot check: what is neither computed again nor in a manifest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from broker.tape import Opened, Record, Shared
from market.app.replay.replay import Replay
from market.errors import TapeError
from market.model.network import Constant, LinkConditions, LinkOverride, NetworkRules, TimeMode


def unchecked(records: Sequence[Record]) -> Iterator[str]:
    """By name, what the tape alone cannot vouch for."""
    shared = next((record.scenario for record in records[1:2] if isinstance(record, Shared)), None)
    if shared is None:
        return
    if not _shows_seed(records, shared.network):
        yield "seed"
    yield "scenario's name"
    if shared.network.time is TimeMode.WALL:
        yield "times"
    yield "how processes ended"


def _shows_seed(records: Sequence[Record], rules: NetworkRules) -> bool:
    """Whether with another seed the tape would be another: what was drawn shows in when messages arrived.

    In real time a tape does not tell when messages arrive.
    """
    if rules.time is TimeMode.WALL or not _is_random(rules):
        return False
    replay = Replay()
    try:
        for record in records:
            other = replace(record, seed=record.seed ^ 1) if isinstance(record, Opened) else record
            if any(decision.differs for decision in replay.take(other)):
                return True
    except TapeError:
        return True
    return False


def _is_random(rules: NetworkRules) -> bool:
    """Whether anything is drawn."""
    parts: tuple[LinkConditions | LinkOverride, ...] = (rules.every, *rules.links)
    return any(
        part.loss or part.duplication or part.reordering or part.jitter_s or not _is_fixed(part.latency)
        for part in parts
    )


def _is_fixed(latency: object) -> bool:
    return latency is None or isinstance(latency, Constant)
