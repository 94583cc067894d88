"""What a complete run leaves behind."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from broker.delivery.network_log import NetworkLog
from broker.protocol.epoch import Said
from broker.wire.messages import Audit
from market.game.result import PeriodResult
from market.model.declaration import Declaration
from market.settlement.rounds import DayRounds


@dataclass(frozen=True, slots=True)
class RunResult:
    """Everything that a complete run leaves behind, of the epoch that was settled where there were several.

    Its tape tells as much but for what has a default.
    time_s : how long the market took · settled_s : the time at which the market that was settled was over
    rounds : where the day took several, which they were
    ended_at : the real time at which each phase ended · withdrawn : who had no part in the end
    undisclosed : whose plant the market knows nothing of, not even its digest
    """

    results: tuple[PeriodResult, ...]
    declarations: tuple[Declaration, ...]
    audits: dict[str, Audit]
    said: tuple[Said, ...]
    time_s: float
    counters: Counter[str]
    network: NetworkLog
    withdrawn: tuple[str, ...]
    settled_s: float
    rounds: DayRounds | None
    refused: Counter[str] = field(default_factory=Counter)
    process_ids: dict[str, int] = field(default_factory=dict)
    ended_at: dict[str, float] = field(default_factory=dict)
    undisclosed: tuple[str, ...] = ()
