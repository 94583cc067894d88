"""Owns a node's side of the protocol: joining, turns, numbering, re-sending. One machine, no input/output.

`handle(event, now)` takes what came and returns what to send. Knows nothing of sockets, and nothing of the market
beyond handing each turn to the node's behaviour.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from broker.limits import NODE_JOIN_S
from broker.wire.frames import Envelope
from broker.wire.messages import (
    BROKER,
    Audit,
    Beat,
    Begin,
    Concluded,
    Declared,
    Done,
    FromNode,
    Message,
    Offer,
    Ready,
    Ref,
    Refusals,
    Refused,
    Resend,
    Selection,
    Settle,
    Stop,
    Turn,
    Welcome,
)
from market.errors import ProtocolError, RunError
from vpp_nodes.inbox import Inbox
from vpp_nodes.node import Audited, Begun, Node, NodeEvent, NodeReply, Reached, Settled

RESEND_AFTER_S = 0.5
RESEND_AT_MOST_S = 5.0
SILENCE_S = 15.0


@dataclass(frozen=True, slots=True)
class OpenData:
    """Open the data plane at the broker's ports, then report `data_open`."""

    publish_port: int
    subscribe_port: int


@dataclass(frozen=True, slots=True)
class Tell:
    """Send a control message."""

    message: FromNode
    epoch: int


@dataclass(frozen=True, slots=True)
class Say:
    """Publish a data message."""

    envelope: Envelope


Instruction: TypeAlias = OpenData | Tell | Say


class Stage(StrEnum):
    """How far a node is."""

    JOINING = "joining"
    TAKING_PART = "taking part"
    STOPPED = "stopped"


@dataclass(slots=True)
class _Held:
    """A turn that waits for messages it names."""

    epoch: int
    turn: Turn
    asked_at: float


@dataclass(slots=True)
class _Live:
    """Real time: act on whatever comes. `gaps`: when each missing message is asked for next, and after that."""

    epoch: int
    turn: int
    fresh: list[Ref] = field(default_factory=list)
    restless: bool = False
    newest: dict[str, int] = field(default_factory=dict)
    gaps: dict[Ref, tuple[float, float]] = field(default_factory=dict)

    def came(self, ref: Ref, now: float) -> None:
        """A message has come: what its sender numbered before it and has not come is a gap."""
        self.fresh.append(ref)
        self.gaps.pop(ref, None)
        for seq in range(self.newest.get(ref.sender, 0) + 1, ref.seq):
            self.gaps[Ref(ref.sender, seq)] = (now + RESEND_AFTER_S, RESEND_AFTER_S)
        self.newest[ref.sender] = max(ref.seq, self.newest.get(ref.sender, 0))

    def due(self, refs: Sequence[Ref], now: float) -> None:
        """The broker says that these should have come: ask for them at once."""
        for ref in refs:
            self.gaps[ref] = (now, RESEND_AFTER_S)
            self.newest[ref.sender] = max(ref.seq, self.newest.get(ref.sender, 0))

    def to_ask(self, now: float) -> tuple[Ref, ...]:
        """The gaps that are to be asked for now, all in one request; each is asked for again later and later."""
        asked = tuple(ref for ref, (at, _) in self.gaps.items() if now >= at)
        for ref in asked:
            wait_s = self.gaps[ref][1]
            self.gaps[ref] = (now + wait_s, min(2 * wait_s, RESEND_AT_MOST_S))
        return asked


class Client:
    """A node as its broker sees it. `peak_memory_mb` is asked for once, for the audit."""

    def __init__(self, vpp: str, node: Node, now: float) -> None:
        self.stage = Stage.JOINING
        self.refused: Counter[str] = Counter()
        self.peak_memory_mb = 0.0
        self._vpp = vpp
        self._node = node
        self._inbox = Inbox()
        self._said: list[Envelope] = []
        self._held: _Held | None = None
        self._live: _Live | None = None
        self._last_turn = 0
        self._heard_at = now
        self._since = now

    def data_open(self) -> list[Instruction]:
        """The data plane is proved open, both ways."""
        return [Tell(Ready(), 1)]

    def came(self, envelope: Envelope, *, control: bool, now: float) -> list[Instruction]:
        """A valid frame came; one that may not come is counted by reason and has no other effect."""
        try:
            if control:
                return self._control(envelope, now)
            self._data(envelope, now)
            return self._take_held(now)
        except ProtocolError as error:
            self.refused[error.reason] += 1
            return []

    def tick(self, now: float) -> list[Instruction]:
        """Some time has passed; RunError when the broker has been silent for too long."""
        if self.stage is Stage.JOINING and now - self._since > NODE_JOIN_S:
            raise RunError(
                f"{self._vpp}: no answer from the broker for {NODE_JOIN_S:g} s: refused, or not reachable?"
            )
        if now - self._heard_at > SILENCE_S:
            raise RunError(f"{self._vpp}: no sign of life from the broker for {SILENCE_S:g} s; this node ends")
        if self._live is not None:
            return self._act_live(self._live, now)
        held = self._held
        if held is None or now - held.asked_at < RESEND_AFTER_S:
            return []
        held.asked_at = now
        return [Tell(Resend(self._inbox.missing(held.turn.deliveries)), held.epoch)]

    @property
    def wants_to_act(self) -> bool:
        """Whether `tick` should be called at once: in real time something has come, or the rule goes on."""
        return self._live is not None and (bool(self._live.fresh) or self._live.restless)

    def _act_live(self, live: _Live, now: float) -> list[Instruction]:
        """One answer to everything that has come, and one request for everything that has not."""
        instructions: list[Instruction] = []
        asked = live.to_ask(now)
        if asked:
            instructions.append(Tell(Resend(asked), live.epoch))
        if live.fresh or live.restless:
            fresh, live.fresh = live.fresh, []
            instructions += self._act(live.epoch, live.turn, Reached(self._inbox.take(fresh)))
        return instructions

    # --- control plane ---

    def _control(self, envelope: Envelope, now: float) -> list[Instruction]:
        if envelope.sender != BROKER:
            raise ProtocolError("wrong_sender", f"{envelope.sender!r:.40} gives orders")
        self._heard_at = now
        message = envelope.message
        if isinstance(message, Welcome) and self.stage is Stage.JOINING:
            self.stage = Stage.TAKING_PART
            return [OpenData(message.publish_port, message.subscribe_port)]
        if isinstance(message, Refused):
            raise RunError(f"{self._vpp}: the broker refused: {message.reason}")
        if isinstance(message, Stop):
            self.stage = Stage.STOPPED
            return []
        if isinstance(message, Beat):
            if self._live is not None:
                self._live.due([ref for ref in message.due if not self._inbox.has(ref)], now)
            return []
        if isinstance(message, Resend):
            return [Say(self._said[ref.seq - 1]) for ref in message.refs if self._has_said(ref)]
        return self._order(envelope.epoch, message, now)

    def _has_said(self, ref: Ref) -> bool:
        return ref.sender == self._vpp and 0 < ref.seq <= len(self._said)

    def _order(self, epoch: int, message: Message, now: float) -> list[Instruction]:
        if not isinstance(message, Begin | Turn | Settle) or self.stage is not Stage.TAKING_PART:
            raise ProtocolError("out_of_turn", f"{type(message).__name__} while {self.stage}")
        if message.turn <= self._last_turn:
            raise ProtocolError("out_of_turn", f"turn {message.turn} after {self._last_turn}")
        self._last_turn = message.turn
        if isinstance(message, Begin):
            self._live = _Live(epoch, message.turn) if message.live else None
            return self._act(epoch, message.turn, Begun(message.roster))
        if isinstance(message, Settle):
            self._live = None
            return self._act(epoch, message.turn, Settled(message.direct))
        self._held = _Held(epoch, message, asked_at=now)
        return self._take_held(now)

    # --- data plane ---

    def _data(self, envelope: Envelope, now: float) -> None:
        message = envelope.message
        if envelope.sender == self._vpp:
            return
        if not isinstance(message, Declared | Offer | Selection | Concluded):
            raise ProtocolError("wrong_plane", f"{type(message).__name__} was published")
        ref = Ref(envelope.sender, envelope.seq)
        if not self._inbox.put(ref, message):
            raise ProtocolError("duplicate", f"message {envelope.seq} of {envelope.sender} came again")
        if self._live is not None and envelope.sender != BROKER:
            self._live.came(ref, now)

    def _take_held(self, now: float) -> list[Instruction]:
        held = self._held
        if held is None or self._inbox.missing(held.turn.deliveries):
            return []
        self._held = None
        return self._act(held.epoch, held.turn.turn, Reached(self._inbox.take(held.turn.deliveries)))

    # --- turns ---

    def _act(self, epoch: int, turn: int, event: NodeEvent) -> list[Instruction]:
        return self._reply(epoch, turn, self._node.handle(event))

    def _reply(self, epoch: int, turn: int, reply: NodeReply) -> list[Instruction]:
        if isinstance(reply, Audited):
            refused = tuple(Refusals(reason, count) for reason, count in sorted(self.refused.items()))
            return [Tell(Audit(turn, reply.before, reply.after, self.peak_memory_mb, refused), epoch)]
        fresh = []
        for message in reply.messages:
            envelope = Envelope(epoch, self._vpp, len(self._said) + 1, message)
            self._said.append(envelope)
            fresh.append(envelope)
        if self._live is not None:
            self._live.restless = bool(reply.restless)
        done = Done(turn, len(self._said), reply.seen, reply.restless)
        return [*(Say(envelope) for envelope in fresh), Tell(done, epoch)]
