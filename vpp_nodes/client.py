"""A node's side of the protocol: joining, turns, numbering, re-sending. One machine, no input/output.

`handle(event, now)` takes what arrived and returns what to send; each turn is handed to the node's behaviour.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from broker.wire.frames import Envelope
from broker.wire.limits import MOST_AHEAD
from broker.wire.messages import (
    BROKER,
    Answer,
    Audit,
    Beat,
    Begin,
    Bye,
    Concluded,
    Declared,
    Done,
    FromNode,
    Hello,
    Message,
    Offer,
    Ready,
    Ref,
    Refusals,
    Refused,
    Resend,
    Reviewed,
    RoundOver,
    Seen,
    Selection,
    Settle,
    Stop,
    Turns,
    Welcome,
    Withdrawn,
)
from market.errors import ProtocolError, RunError
from market.model.declaration import Role
from market.model.disclosure import Disclosure, least
from vpp_nodes.inbox import HeardByAll, Inbox
from vpp_nodes.node import Audited, Begun, Confirmed, Node, NodeEvent, OwnPlans, Reached, Settled
from vpp_nodes.patience import PATIENCE_S
from vpp_nodes.plan_rounds import ReviewedRound, RoundEnd

RESEND_AFTER_S = 0.5
RESEND_AT_MOST_S = 5.0
HELLO_AGAIN_S, HELLO_AT_MOST_S = 1.0, 16.0
"""When a node asks again that has no answer; each time after twice as long: its broker may have much to do."""
QUIET_S = 3.0
"""After this long without a word from the broker, which speaks every second, a node asks if it is still there."""
_LAST_PORT = 65535


@dataclass(frozen=True, slots=True)
class OpenData:
    """Open the data plane at the broker's ports, afresh, then report `data_open`."""

    publish_port: int
    subscribe_port: int


@dataclass(frozen=True, slots=True)
class Note:
    """Tell whoever looks at this node why it waits."""

    text: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Send a control message."""

    message: FromNode
    epoch: int


@dataclass(frozen=True, slots=True)
class Say:
    """Publish a data message."""

    envelope: Envelope


Instruction: TypeAlias = OpenData | Tell | Say | Note


@dataclass(frozen=True, slots=True)
class SettledDay:
    """A node's day once its trade is concluded: its plans, and the order that told it of the trade."""

    plans: OwnPlans
    order: Settle


class Stage(StrEnum):
    """How far a node is."""

    JOINING = "joining"
    TAKING_PART = "taking part"
    STOPPED = "stopped"


@dataclass(slots=True)
class _PendingTurn:
    """A turn that waits for messages it names."""

    turn: int
    deliveries: tuple[Ref, ...]
    asked_at: float
    closing: bool


@dataclass(slots=True)
class _Live:
    """Real time: act on whatever comes.

    confirmations : all that were made, in order, until the broker says which have come
    missing : when each missing message is asked for next, and after that
    """

    confirmations: list[Done] = field(default_factory=list)
    confirmed: int = 0
    told_at: float = -math.inf
    fresh: list[Ref] = field(default_factory=list)
    pending: bool = False
    newest: dict[str, int] = field(default_factory=dict)
    missing: dict[Ref, tuple[float, float]] = field(default_factory=dict)

    def came(self, ref: Ref, now: float) -> None:
        """A message has come: what its sender numbered before it and has not come is missing."""
        self.fresh.append(ref)
        self.missing.pop(ref, None)
        self._expect_before(ref, now + RESEND_AFTER_S)

    def due(self, refs: Sequence[Ref], now: float) -> None:
        """The broker says that these should have come, and so what was before them: ask for them at once."""
        for ref in refs:
            self._expect_before(ref, now)
            if len(self.missing) < MOST_AHEAD:
                self.missing.setdefault(ref, (now, RESEND_AFTER_S))

    def _expect_before(self, ref: Ref, ask_at: float) -> None:
        """What a sender numbered between its newest and this one is missing; of very many, the first ones."""
        newest = self.newest.get(ref.sender, 0)
        unseen = range(newest + 1, ref.seq)
        asked = unseen[: MOST_AHEAD - len(self.missing)]
        for seq in asked:
            self.missing[Ref(ref.sender, seq)] = (ask_at, RESEND_AFTER_S)
        self.newest[ref.sender] = max(ref.seq, newest) if len(asked) == len(unseen) else newest + len(asked)

    def to_ask(self, now: float) -> tuple[Ref, ...]:
        """The missing messages to ask for now, all in one request; each is asked for again later and later."""
        asked = tuple(ref for ref, (at, _) in self.missing.items() if now >= at)
        for ref in asked:
            wait_s = self.missing[ref][1]
            self.missing[ref] = (now + wait_s, min(2 * wait_s, RESEND_AT_MOST_S))
        return asked


@dataclass(slots=True)
class _Epoch:
    """Where a node is in one epoch: what it has said, what has come, the turn it takes."""

    number: int
    inbox: Inbox = field(default_factory=Inbox)
    said: list[Envelope] = field(default_factory=list)
    confirmed: dict[str, int] = field(default_factory=dict)  # what a turn of ours has confirmed, by VPP
    pending_turn: _PendingTurn | None = None
    live: _Live | None = None
    last_turn: int = 0
    considered: _PendingTurn | None = None  # whose messages have been taken, and that is not answered yet
    answer: Done | Reviewed | Audit | None = None  # to the newest turn: said again whenever the order comes again


class Client:
    """A node as its broker sees it.

    hello : how it introduces itself · patience_s : how long it looks for its broker · audit : the most it shows
    waits_for_others : whether turns are taken by `consider` and `answer`, together with other nodes of its process
    heard : what has come to all of these, which is not given to `came`
    peak_memory_mb : goes into the audit · complete, why : whether the run came to its end, and the broker's words
    """

    def __init__(
        self,
        vpp: str,
        node: Node,
        hello: Hello,
        now: float,
        patience_s: float = PATIENCE_S,
        audit: Disclosure = Disclosure.FULL,
        waits_for_others: bool = False,
        heard: HeardByAll | None = None,
    ) -> None:
        self.stage = Stage.JOINING
        self.refused: Counter[str] = node.refused  # one count, of what we refuse and of what our node does
        self.peak_memory_mb = 0.0
        self.complete = False
        self.why = ""
        self.settled: SettledDay | None = None
        self._patience_s = patience_s
        self._waits_for_others = waits_for_others
        self._audit = audit
        self._session = 0
        self._open = False
        self._last_seen = ""
        self._told_seen = ""
        self._vpp = vpp
        self._node = node
        self._hello = hello
        self._heard = heard
        self._epoch = self._new_epoch(0)
        self._next = self._new_epoch(0)  # what comes of an epoch before we are told that it has begun
        self._heard_at = now
        self._asked_at = -math.inf
        self._ask_again_s = HELLO_AGAIN_S
        self._refusal = ""
        self._refused_at = -math.inf

    def _new_epoch(self, number: int) -> _Epoch:
        return _Epoch(number, Inbox(self._heard.of(number)) if self._heard and number else Inbox())

    @property
    def is_in(self) -> bool:
        """Whether it has been let in, with its data plane proved open, or is past that."""
        return self._open or self.stage is Stage.STOPPED

    def data_open(self) -> list[Instruction]:
        """The data plane is proved open, both ways."""
        self._open = True
        return [Tell(Ready(self._session), 1)]

    def unreachable(self, story: str) -> list[Instruction]:
        """The transport has found out why the broker does not answer; it goes on looking."""
        self._last_seen = story
        if story in ("", self._told_seen):
            return []  # a connection that stands for a moment, and falls again, is no news
        self._told_seen = story
        return [Note(f"{self._vpp} looks for its broker: {story}")]

    def came(self, envelope: Envelope, *, control: bool, now: float) -> list[Instruction]:
        """A valid frame came; one that may not come is counted by reason and has no other effect."""
        try:
            if control or isinstance(envelope.message, Turns):
                return self._control(envelope, now)
            self._data(envelope, now)
            return self._take_pending(now)
        except ProtocolError as error:
            self.refused[error.reason] += 1
            return []

    def tick(self, now: float) -> list[Instruction]:
        """Some time has passed; RunError when the broker has been silent for too long."""
        if now - self._heard_at > self._patience_s:
            raise RunError(f"{self._vpp}: {self._silence(now)}; this node ends")
        quiet = self.stage is Stage.JOINING or now - self._heard_at > QUIET_S
        if quiet and now - self._asked_at >= self._ask_again_s:
            self._asked_at, self._ask_again_s = now, min(2.0 * self._ask_again_s, HELLO_AT_MOST_S)
            return [Tell(self._hello, 1), *self._go_on(now)]
        return self._go_on(now)

    def _silence(self, now: float) -> str:
        for_s = f"for {self._patience_s:g} s"
        seen = f"; last seen: {self._last_seen}" if self._last_seen else ""
        if self._refusal and now - self._refused_at > QUIET_S:
            silent_s = now - self._refused_at
            return f"no answer from the broker for {silent_s:.0f} s{seen}; before, it refused: {self._refusal}"
        if self._refusal:
            return f"the broker refused {for_s}: {self._refusal}"
        if self.stage is Stage.JOINING:
            return f"no answer from the broker {for_s}{seen or ': is it running, and reachable from here?'}"
        shown = "; our audit was sent, whether it arrived is not known" if self.settled else ""
        return f"no sign of life from the broker {for_s}{shown}{seen}"

    @property
    def wants_to_act(self) -> bool:
        """Whether `tick` should be called at once: in real time something has come, or the rule goes on."""
        live = self._epoch.live
        return live is not None and (bool(live.fresh) or live.pending)

    def _go_on(self, now: float) -> list[Instruction]:
        """Act on what has come, or ask again for what has not."""
        epoch = self._epoch
        if epoch.live is not None:
            return self._act_live(epoch.live, now)
        if epoch.pending_turn is None or now - epoch.pending_turn.asked_at < RESEND_AFTER_S:
            return []
        epoch.pending_turn.asked_at = now
        return [Tell(Resend(epoch.inbox.missing(epoch.pending_turn.deliveries)), epoch.number)]

    def _act_live(self, live: _Live, now: float) -> list[Instruction]:
        """One answer to everything that has come, and one request for everything that has not."""
        instructions: list[Instruction] = []
        asked = live.to_ask(now)
        if asked:
            instructions.append(Tell(Resend(asked), self._epoch.number))
        if live.fresh or live.pending:
            fresh, live.fresh = live.fresh, []
            instructions += self._act(0, Reached(self._epoch.inbox.take(fresh)), now)
        return instructions

    # --- control plane ---

    def _control(self, envelope: Envelope, now: float) -> list[Instruction]:
        if envelope.sender != BROKER:
            raise ProtocolError("wrong_sender", f"{envelope.sender!r:.40} gives orders")
        message = envelope.message
        if isinstance(message, Refused):
            return self._refused(message, now)
        self._heard_at, self._last_seen, self._told_seen = now, "", ""
        self._ask_again_s = HELLO_AGAIN_S
        if isinstance(message, Stop):
            return self._stopped(message)
        if self.stage is Stage.STOPPED:
            return []  # whatever was under way: this node has taken leave
        if isinstance(message, Welcome):
            return self._welcomed(message)
        if isinstance(message, Beat):
            return self._beaten(message, now)
        if isinstance(message, Resend):
            said = self._epoch.said
            return [Say(said[ref.seq - 1]) for ref in dict.fromkeys(message.refs) if self._has_said(ref)]
        return self._order(envelope.epoch, message, now)

    def _refused(self, message: Refused, now: float) -> list[Instruction]:
        if self.stage is Stage.STOPPED:
            return []
        if not message.later:
            raise RunError(f"{self._vpp}: the broker refused: {message.reason}")
        self._refused_at = now
        known, self._refusal = self._refusal, message.reason
        return [] if known == message.reason else [Note(f"{self._vpp} waits: {message.reason}")]

    def _welcomed(self, message: Welcome) -> list[Instruction]:
        """Let in, for the first time or again; by another broker, what was before counts no more.

        The same one may have missed that our data plane is open, or has given us up and takes us back.
        """
        ports = (message.publish_port, message.subscribe_port)
        if not all(0 < port <= _LAST_PORT for port in ports):
            raise ProtocolError("bad_content", f"a data plane at ports {ports}")
        if self.stage is Stage.JOINING or message.session != self._session:
            self.stage, self._refusal, self._session, self._open = Stage.TAKING_PART, "", message.session, False
            self._epoch, self._next = self._new_epoch(0), self._new_epoch(0)
            let_in = Note(f"{self._vpp} is let in by the broker")
            return [let_in, OpenData(message.publish_port, message.subscribe_port)]
        self._refusal = ""
        if not self._open:
            return [OpenData(message.publish_port, message.subscribe_port)]
        return [Tell(Ready(self._session), 1)]

    def _stopped(self, message: Stop) -> list[Instruction]:
        """The run is over; whoever looks on is told once, of a run that broke off by what ends this node."""
        bye = Tell(Bye(), self._epoch.number or 1)
        if self.stage is Stage.STOPPED:
            return [bye]
        self.stage, self.complete, self.why = (
            Stage.STOPPED,
            message.complete,
            f"{self._vpp} ends: {message.reason}",
        )
        if self._refusal:
            self.complete = False
            self.why += "; this node had no part in it: its place was another node's"
        return [bye, Note(self.why)] if self.complete else [bye]

    def _beaten(self, message: Beat, now: float) -> list[Instruction]:
        """The broker is here; what it tells us to have missed is asked for, what it has missed is said again."""
        live = self._epoch.live
        if live is None:
            return []
        live.due([ref for ref in message.due if not self._epoch.inbox.has(ref)], now)
        live.confirmed = max(live.confirmed, min(message.confirmed, len(live.confirmations)))
        return self._confirm_again(live, now)

    def _confirm_again(self, live: _Live, now: float) -> list[Instruction]:
        """The confirmations that have not come, in order; not those that have just been made."""
        if now - live.told_at < RESEND_AFTER_S:
            return []
        return [Tell(done, self._epoch.number) for done in live.confirmations[live.confirmed :]]

    def _has_said(self, ref: Ref) -> bool:
        return ref.sender == self._vpp and 0 < ref.seq <= len(self._epoch.said)

    def _order(self, number: int, message: Message, now: float) -> list[Instruction]:
        if not isinstance(message, Begin | Turns | RoundOver | Settle) or self.stage is not Stage.TAKING_PART:
            raise ProtocolError("out_of_turn", f"{type(message).__name__} while {self.stage}")
        if isinstance(message, Turns):
            return self._turn(message, now) if number == self._epoch.number else []
        if isinstance(message, Begin):
            return self._begin(message, number, now)
        if self._epoch.number == 0 and isinstance(message, Settle):
            self._epoch = self._new_epoch(number)  # let in again when all is settled but our part
        return self._after_trading(message, number, now)

    def _after_trading(self, message: RoundOver | Settle, number: int, now: float) -> list[Instruction]:
        """The market is over: review the round, or settle."""
        known = number == self._epoch.number and message.turn < self._epoch.last_turn
        if number < self._epoch.number or (known and isinstance(message, RoundOver)):
            return []
        if number != self._epoch.number or known:
            raise ProtocolError("out_of_turn", f"turn {message.turn} after {self._epoch.last_turn}")
        if message.turn == self._epoch.last_turn:
            return self._again(message.turn)
        reply = self._act(message.turn, self._event_of(message), now)
        self._epoch.last_turn, self._epoch.live = message.turn, None
        if isinstance(message, Settle) and self._node.plans is not None:
            self.settled = SettledDay(self._node.plans, message)
            periods = len({trade.period for trade in message.trades})
            return [Note(f"{self._vpp} settles: it trades in {periods} periods, and has planned them in"), *reply]
        return reply

    def _event_of(self, message: RoundOver | Settle) -> NodeEvent:
        if isinstance(message, RoundOver):
            return RoundEnd(message.round, message.direct, message.trades, message.left_open)
        audit = least(message.audit, self._audit)
        return Settled(message.direct, audit, message.trades, message.round, message.transfer_cny)

    def _again(self, turn: int) -> list[Instruction]:
        """The answer to an order that comes again, if it is the newest one's; what has been left is left."""
        answer = self._epoch.answer
        return [] if answer is None or answer.turn != turn else [Tell(answer, self._epoch.number)]

    def _begin(self, message: Begin, number: int, now: float) -> list[Instruction]:
        if 0 < number == self._epoch.number and message.turn <= self._epoch.last_turn:
            live = self._epoch.live
            return self._again(message.turn) if live is None else self._confirm_again(live, now)
        if 0 < number < self._epoch.number:
            return []
        if number <= self._epoch.number or message.turn < 1:
            raise ProtocolError("out_of_turn", f"epoch {number} begins after {self._epoch.number}")
        if self._vpp not in message.roster or len({*message.roster}) < len(message.roster):
            raise ProtocolError("bad_content", f"a roster in which {self._vpp} is not, or somebody twice")
        self._epoch = epoch = self._next if self._next.number == number else self._new_epoch(number)
        epoch.last_turn = message.turn
        if message.live:
            epoch.live = _Live()
            for ref in epoch.inbox.waiting():
                epoch.live.came(ref, now)
        note = Note(f"{self._vpp} plans its day, in epoch {number} with {', '.join(message.roster)}")
        begun = Begun(message.roster, message.round, message.live, message.choose_last)
        acted = self._act(message.turn, begun, now)
        return [note, *(Note(told) for told in self._planned(acted, message.round)), *acted]

    def _planned(self, acted: Sequence[Instruction], round: int) -> Iterator[str]:
        """What the day comes to that has just been declared, for the first time."""
        said = (step.envelope.message for step in acted if isinstance(step, Say))
        for declaration in (
            message.declaration for message in said if isinstance(message, Declared) and not round
        ):
            sells, buys = (declaration.roles.count(role) for role in (Role.SELLER, Role.BUYER))
            yield f"{self._vpp} has planned its day and trades: it can sell in {sells} periods and buy in {buys}"

    def _turn(self, turns: Turns, now: float) -> list[Instruction]:
        """Take our turn; one that we have had already is only said again."""
        turn = turns.of(self._vpp)
        epoch = self._epoch
        if turn is not None and turn.turn == epoch.last_turn and epoch.pending_turn is None:
            return self._again(turn.turn)
        if turn is None or turn.turn <= epoch.last_turn:
            return []
        if not epoch.last_turn or epoch.live is not None:
            raise ProtocolError("out_of_turn", f"turn {turn.turn} in an epoch without turns")
        deliveries = turns.deliveries(turn)
        if len({*deliveries}) < len(deliveries):
            raise ProtocolError("bad_content", f"turn {turn.turn} gives a message twice")
        epoch.last_turn = turn.turn
        epoch.pending_turn = _PendingTurn(turn.turn, deliveries, asked_at=now, closing=turns.closing)
        return self._take_pending(now)

    # --- data plane ---

    def _data(self, envelope: Envelope, now: float) -> None:
        message = envelope.message
        if envelope.sender == self._vpp or isinstance(message, Withdrawn):
            return
        if not isinstance(message, Declared | Offer | Selection | Answer | Concluded):
            raise ProtocolError("wrong_plane", f"{type(message).__name__} was published")
        epoch = self._of(envelope.epoch)
        if epoch is None:
            return
        ref = Ref(envelope.sender, envelope.seq)
        if not epoch.inbox.put(ref, message):
            raise ProtocolError("duplicate", f"message {envelope.seq} of {envelope.sender} came again")
        if epoch.live is not None and envelope.sender != BROKER:
            epoch.live.came(ref, now)

    def _of(self, number: int) -> _Epoch | None:
        """The epoch of that number, ours or one that is to come; None for one that is over."""
        if number == self._epoch.number:
            return self._epoch
        if number > self._next.number and number > self._epoch.number:
            self._next = self._new_epoch(number)
        return self._next if number == self._next.number else None

    def _take_pending(self, now: float) -> list[Instruction]:
        if self._waits_for_others:
            return []
        self.consider()
        return self.answer(now)

    def consider(self) -> None:
        """Take the messages of the turn that is open, if all are here; `answer` answers it."""
        epoch = self._epoch
        waiting = epoch.pending_turn
        if waiting is None or epoch.inbox.missing(waiting.deliveries):
            return
        epoch.pending_turn, epoch.considered = None, waiting
        self._node.consider(epoch.inbox.take(waiting.deliveries))

    def answer(self, now: float) -> list[Instruction]:
        """The answer to the turn that has been considered, if there is one."""
        turn, self._epoch.considered = self._epoch.considered, None
        return [] if turn is None else self._act(turn.turn, Reached((), turn.closing), now)

    # --- turns ---

    def _act(self, turn: int, event: NodeEvent, now: float) -> list[Instruction]:
        reply = self._node.handle(event)
        if isinstance(reply, Audited):
            return self._shown(turn, reply)
        if isinstance(reply, ReviewedRound):
            self._epoch.answer = Reviewed(turn, reply.regret_cny, reply.no_loss)
            return [Tell(self._epoch.answer, self._epoch.number)]
        return self._confirm(turn, reply, now)

    def _shown(self, turn: int, reply: Audited) -> list[Instruction]:
        refused = tuple(Refusals(reason, count) for reason, count in sorted(self.refused.items()))
        shown = (reply.before, reply.after, self.peak_memory_mb, refused, reply.planned, reply.regret)
        self._epoch.answer = Audit(turn, *shown, reply.reality)
        return [Tell(self._epoch.answer, self._epoch.number)]

    def _confirm(self, turn: int, reply: Confirmed, now: float) -> list[Instruction]:
        """Say what there is to say, then that this is all. In real time confirmations are counted."""
        epoch = self._epoch
        fresh = []
        for message in reply.messages:
            envelope = Envelope(epoch.number, self._vpp, len(epoch.said) + 1, message)
            epoch.said.append(envelope)
            fresh.append(envelope)
        live = epoch.live
        number = turn if live is None else len(live.confirmations) + 1
        seen = reply.seen if live is not None else self._newly_seen(reply.seen)
        done = Done(number, len(epoch.said), seen, reply.pending)
        if live is None:
            epoch.answer = done
        else:
            live.confirmations.append(done)
            live.pending, live.told_at = bool(reply.pending), now
        return [*(Say(envelope) for envelope in fresh), Tell(done, epoch.number)]

    def _newly_seen(self, seen: Sequence[Seen]) -> tuple[Seen, ...]:
        """What has been consumed since the turn before: the broker keeps the rest."""
        confirmed = self._epoch.confirmed
        fresh = tuple(entry for entry in seen if confirmed.get(entry.vpp) != entry.version)
        confirmed.update((entry.vpp, entry.version) for entry in fresh)
        return fresh
