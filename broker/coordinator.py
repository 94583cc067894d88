"""Owns a whole run on the broker's side: joining, negotiation, settlement, farewell. One machine, no input/output.

`handle(event, now)` takes what happened and the real time, and returns what is to be done, in order. Real time
is read for patience only (who has not joined, fallen silent, or owes a message); it never reaches the market.
A frame that may not come is counted by reason in `refused` and has no other effect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from broker.actions import Action, Announce, ControlCame, DataCame, Event, ProcessEnded, Send, Tick, Write
from broker.bus.broker_end import Endpoints
from broker.conditions import Conditions
from broker.epoch import Epoch, Said
from broker.membership import Membership, Patience
from broker.network_log import NetworkLog
from broker.tape import TAPE_VERSION
from broker.virtual_time import VirtualTime
from broker.wall_time import WallTime
from broker.wire.frames import WIRE_VERSION, Envelope, to_body
from broker.wire.messages import (
    BROKER,
    Audit,
    Beat,
    Concluded,
    Done,
    Failure,
    Heartbeat,
    Hello,
    Message,
    Ready,
    Resend,
    Settle,
    Stop,
)
from broker.wire.types import codec_for
from market.declaration import Declaration
from market.errors import DispatchError, ProtocolError, RunError
from market.network import NetworkRules, TimeMode
from market.outcome import PeriodResult, worst
from market.plan import DispatchPlan
from market.scenario.model import PublicRules
from market.settlement import direct_exchange

BEAT_S = 1.0
RESEND_AFTER_S = 0.5
RESEND_LIMIT = 8


class Phase(StrEnum):
    """How far a run is."""

    JOINING = "joining"
    PLANNING = "planning"
    TRADING = "trading"
    SETTLING = "settling"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Charge:
    """What a broker is asked to run: the rules, who takes part, and the conditions."""

    public: PublicRules
    scenario_digest: str
    vpps: tuple[str, ...]
    network: NetworkRules
    seed: int
    patience: Patience


@dataclass(frozen=True, slots=True)
class Proceedings:
    """Everything that a complete run leaves behind. `ended_at`: the real time at which each phase ended."""

    results: tuple[PeriodResult, ...]
    declarations: tuple[Declaration, ...]
    audits: dict[str, Audit]
    said: tuple[Said, ...]
    time_s: float
    counters: Counter[str]
    network: NetworkLog
    refused: Counter[str]
    process_ids: dict[str, int]
    ended_at: dict[str, float]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands, for people."""

    phase: Phase
    rounds: int
    unrested_periods: int
    messages: int
    time_s: float
    waiting_for: tuple[str, ...]
    waiting_s: float


class Coordinator:
    """The broker's machine."""

    def __init__(self, charge: Charge, endpoints: Endpoints, now: float) -> None:
        self.phase = Phase.JOINING
        self.refused: Counter[str] = Counter()
        self.membership = Membership(charge.vpps, charge.public.digest, endpoints, charge.patience, now)
        conditions = Conditions(charge.network, charge.vpps, charge.seed)
        self.epoch = Epoch(charge.public, charge.vpps, number=1)
        self.clockwork: VirtualTime | WallTime = (
            VirtualTime(self.epoch, conditions)
            if charge.network.time is TimeMode.VIRTUAL
            else WallTime(self.epoch, conditions)
        )
        self.audits: dict[str, Audit] = {}
        self._charge = charge
        self._settling: dict[str, int] = {}
        self._ended_at: dict[str, float] = {}
        self._beat_at = now
        self._moved_at = now
        self._asked_at = now
        self._asked = 0

    def open(self) -> list[Action]:
        """What is to be done before anything has happened: the tape gets its header."""
        charge = self._charge
        header = ["tape", TAPE_VERSION, WIRE_VERSION, charge.scenario_digest, charge.seed, list(charge.vpps)]
        return [Write(header)]

    # --- the one entry ---

    def handle(self, event: Event, now: float) -> list[Action]:
        """Take an event; RunError or DispatchError when the run cannot go on."""
        if isinstance(event, ControlCame):
            return self._guarded(lambda: self._control(event.route, event.envelope, now), now)
        if isinstance(event, DataCame):
            return self._guarded(lambda: self._data(event, now), now)
        if isinstance(event, ProcessEnded):
            return self._ended(event)
        assert isinstance(event, Tick)
        return self._tick(now)

    def refuse(self, reason: str) -> None:
        """Count a frame that is not for us."""
        self.refused[reason] += 1

    def _guarded(self, act: Callable[[], list[Action]], now: float) -> list[Action]:
        try:
            actions = act()
        except ProtocolError as error:
            self.refuse(error.reason)
            return []
        if actions:
            self._moved_at, self._asked = now, 0
        return actions + self._next_phase(now)

    # --- messages ---

    def _control(self, route: bytes, envelope: Envelope, now: float) -> list[Action]:
        vpp, message = envelope.sender, envelope.message
        if isinstance(message, Hello):
            return self.membership.hello(vpp, route, message, now)
        self.membership.heard(vpp, now)
        if isinstance(message, Heartbeat):
            return []
        self.membership.member(vpp, route)
        if isinstance(message, Ready):
            self.membership.ready(vpp, route)
            return []
        return self._from_member(vpp, message, now)

    def _from_member(self, vpp: str, message: Message, now: float) -> list[Action]:
        if isinstance(message, Failure):
            raise (DispatchError if message.kind == "dispatch" else RunError)(message.text)
        if isinstance(message, Done) and self.phase in (Phase.PLANNING, Phase.TRADING):
            return self.clockwork.done(vpp, message, now)
        if isinstance(message, Resend) and self.phase is not Phase.JOINING:
            return self.clockwork.resend(vpp, message.refs, now)
        if isinstance(message, Audit) and self._settling.get(vpp) == message.turn and vpp not in self.audits:
            self.audits[vpp] = message
            return []
        raise ProtocolError("out_of_turn", f"{type(message).__name__} from {vpp} while {self.phase}")

    def _data(self, event: DataCame, now: float) -> list[Action]:
        if self.phase not in (Phase.PLANNING, Phase.TRADING):
            raise ProtocolError("out_of_turn", f"a market message while {self.phase}")
        return self.clockwork.data(event.parcel, now)

    def _ended(self, event: ProcessEnded) -> list[Action]:
        if self.phase is Phase.OVER:
            return []
        raise RunError(
            f"{event.vpp}'s process {event.how} while {self._story()}; the market cannot go on without it"
        )

    # --- phases ---

    def _next_phase(self, now: float) -> list[Action]:
        if self.phase is Phase.JOINING and self.membership.complete:
            self.phase = Phase.PLANNING
            self._ended_at["joining"] = now
            return self.clockwork.begin(now)
        if self.phase is Phase.PLANNING and self.epoch.trading is not None:
            self.phase = Phase.TRADING
            self._ended_at["planning"] = now
        if self.phase is Phase.TRADING and self.epoch.results is not None:
            self.phase = Phase.SETTLING
            self._ended_at["trading"] = now
            return self._settle(self.epoch.results)
        if self.phase is Phase.SETTLING and len(self.audits) == len(self._settling):
            self.phase = Phase.OVER
            self._ended_at["settling"] = now
            audits = [_audit_record(vpp, self.audits[vpp]) for vpp in self._charge.vpps]
            return [*audits, Write(["end", self._verdict()]), *self.farewell("the run is complete")]
        return []

    def _settle(self, results: Sequence[PeriodResult]) -> list[Action]:
        """Announce the verdicts, and tell each member the trade that was concluded for it."""
        concluded = Concluded(tuple(result.verdict for result in results))
        time_s, epoch = self.clockwork.time_s, self.epoch.number
        actions: list[Action] = [
            Write(["message", time_s, epoch, BROKER, 1, "Concluded", to_body(concluded)]),
            Announce(Envelope(epoch, BROKER, 1, concluded)),
        ]
        for number, vpp in enumerate(self._charge.vpps, start=self.clockwork.turn + 1):
            self._settling[vpp] = number
            settle = Settle(number, direct_exchange(vpp, results, self._charge.public))
            actions += [Write(["command", number, time_s, vpp, "Settle", to_body(settle)]), Send(vpp, settle)]
        return actions

    def _verdict(self) -> str:
        assert self.epoch.results is not None
        return worst([result.verdict for result in self.epoch.results]).value

    def farewell(self, reason: str) -> list[Action]:
        """Tell every member that its run is over."""
        return [Send(vpp, Stop(reason)) for vpp in self.membership.members]

    # --- patience ---

    def _tick(self, now: float) -> list[Action]:
        if self.phase is Phase.OVER:
            return []
        self.membership.check(now)
        actions = self._ask_again(now)
        if self.phase in (Phase.PLANNING, Phase.TRADING):
            actions += self.clockwork.tick(now)
        actions += self._next_phase(now)
        if now - self._beat_at >= BEAT_S:
            self._beat_at = now
            actions += [Send(vpp, Beat(())) for vpp in self.membership.members]
        return actions

    def _ask_again(self, now: float) -> list[Action]:
        """Ask for data messages that a member says it has published and that have not come."""
        owed = self.clockwork.owed()
        if not owed or now - max(self._moved_at, self._asked_at) < RESEND_AFTER_S:
            return []
        if self._asked >= RESEND_LIMIT:
            reasons = ", ".join(f"{reason} ×{count}" for reason, count in self.refused.items()) or "nothing"
            raise RunError(f"{', '.join(owed)}: messages do not arrive or are not accepted (refused: {reasons})")
        self._asked, self._asked_at = self._asked + 1, now
        self.epoch.counters["asked_again"] += sum(len(refs) for refs in owed.values())
        return [Send(vpp, Resend(refs)) for vpp, refs in owed.items()]

    # --- for people ---

    def next_due(self) -> float | None:
        """The real time at which a tick is needed, if one is."""
        return self.clockwork.next_due() if self.phase in (Phase.PLANNING, Phase.TRADING) else None

    def progress(self, now: float) -> Progress:
        """Where the run stands."""
        trading = self.epoch.trading
        return Progress(
            phase=self.phase,
            rounds=trading.rounds() if trading else 0,
            unrested_periods=trading.residual() if trading else 0,
            messages=self.epoch.counters["sent"],
            time_s=self.clockwork.time_s,
            waiting_for=self._waiting_for(),
            waiting_s=now - self._moved_at,
        )

    def _waiting_for(self) -> tuple[str, ...]:
        if self.phase is Phase.JOINING:
            return self.membership.missing()
        if self.phase is Phase.SETTLING:
            return tuple(vpp for vpp in self._settling if vpp not in self.audits)
        return self.clockwork.waiting_for()

    def _story(self) -> str:
        waiting = ", ".join(self._waiting_for()) or "nobody"
        return f"{self.phase} (turn {self.clockwork.turn}, waiting for {waiting})"

    def proceedings(self) -> Proceedings:
        """What a complete run leaves behind (phase `over`)."""
        assert self.epoch.results is not None
        return Proceedings(
            results=self.epoch.results,
            declarations=self.epoch.declarations,
            audits=dict(self.audits),
            said=tuple(self.epoch.said),
            time_s=self.clockwork.time_s,
            counters=Counter(self.epoch.counters),
            network=self.clockwork.log,
            refused=Counter(self.refused),
            process_ids={vpp: member.process_id for vpp, member in self.membership.members.items()},
            ended_at=dict(self._ended_at),
        )


def _audit_record(vpp: str, audit: Audit) -> Write:
    plan = codec_for(DispatchPlan)
    return Write(["audit", vpp, plan.pack(audit.before), plan.pack(audit.after)])
