"""What a way of running a day reports beside the market's outcome: durations, processes, network, refusals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from market.app.results.blocks import Trace, no_trace

if TYPE_CHECKING:
    from broker.delivery.network_log import NetworkLog


@dataclass(frozen=True, slots=True)
class RunMetadata:
    """How a day was run.

    time_mode : `virtual`, `wall`, or `none` where no time passes · process_ids : by who (`broker`, VPP ids)
    endpoints : the bus's addresses by name · counters, refused : messages by what became of them at the broker
    refused_by_nodes : the same at each node that refused anything
    tape, tape_sha256 : file name in the run folder, and the digest of all its bytes
    rest_time_s : time of the run until the market came to rest
    network : each link's log, None without one
    durations_s : real time of each stage · peak_memory_mb : resident, by who
    withdrawn : the VPPs that were lost and had no part in the end
    undisclosed : the VPPs whose plants nobody could hold against the scenario's
    possible_saving_cny : what all would save together if they planned as one, None where it was not worked out
    trace : how prices and selections came about, made when it is asked for
    """

    time_mode: str
    process_ids: Mapping[str, int]
    endpoints: Mapping[str, str] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)
    refused_by_nodes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    tape: str | None = None
    tape_sha256: str | None = None
    rest_time_s: float | None = None
    network: NetworkLog | None = None
    durations_s: Mapping[str, float] = field(default_factory=dict)
    peak_memory_mb: Mapping[str, float] = field(default_factory=dict)
    withdrawn: tuple[str, ...] = ()
    undisclosed: tuple[str, ...] = ()
    possible_saving_cny: float | None = None
    trace: Trace = no_trace


@dataclass(frozen=True, slots=True)
class RunProgress:
    """Where a run stands, for people.

    stage : what is being done · rounds : most offers any seller has published · unrested_periods : the residual
    messages : sent so far · waiting_for : who owes an answer, and for how long
    """

    stage: str
    rounds: int = 0
    unrested_periods: int | None = None
    messages: int = 0
    waiting_for: tuple[str, ...] = ()
    waiting_s: float = 0.0


OnProgress: TypeAlias = Callable[[RunProgress], None]
