"""The broker as a server: moves frames between the sockets and the coordinator, and writes the tape.

What a batch puts on the tape is on it before any of it is delivered.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Protocol

from broker.admission.gate import Gate
from broker.admission.viewers import RunStatus, Viewers
from broker.bus.addresses import TOPIC_ALL, inbox_topic, is_ready_topic
from broker.bus.authentication import TurnedAway
from broker.bus.broker_end import Arrival, BrokerEnd, BusEvent, BusPlane, Malformed, Signal, Subscribed
from broker.protocol.actions import (
    Action,
    Announce,
    ControlCame,
    DataCame,
    Event,
    Notice,
    Parcel,
    ProcessEnded,
    Publish,
    Reply,
    Send,
    Tick,
    Write,
)
from broker.protocol.attention import Attention
from broker.protocol.coordinator import Coordinator
from broker.protocol.run_progress import Phase, Progress
from broker.protocol.run_result import RunResult
from broker.tape import TapeWriter
from broker.wire.frames import TOKEN_BYTES, Envelope, encode
from broker.wire.limits import Limits
from broker.wire.messages import BROKER, Count, FromBroker, Watch, Watched
from broker.wire.refusal import ask_of, reason_for, refusal
from broker.wire.types import MAX_TEXT
from market.errors import ProtocolError, WireError

TICK_S = 0.1
SHOWN_COUNTS = ("sent", "delivered", "lost", "resent", "duplicated", "late", "undeliverable")
"""What became of messages, by the names of a link's log."""
STORIES = 100
"""Most different refusals that are told of; all are counted."""

FAREWELL_S = 3.0
"""How long members of a run that has been broken off are told so; one that ends well sees everybody off."""


TOLD_AWAY_S = 2.0
"""An absence of the broker itself is told of if it took so long."""


class ChildProcesses(Protocol):
    """Processes that we started, and descriptors that become readable when a node in one of them ends."""

    def descriptors(self) -> Set[int]:
        """What is to be watched now."""
        ...

    def ended(self, descriptor: int) -> Mapping[str, str]:
        """Whose nodes have ended, now that a descriptor is readable, and how, e.g. `was killed by signal 9`."""
        ...

    def restart(self, vpps: Sequence[str]) -> Set[str]:
        """Start the nodes of these VPPs again, together; of which that was still allowed."""
        ...


class BrokerServer:
    """One broker at work: sockets, tape and token round a coordinator.

    on_notice : told of what happens to members, and once of each connection that is turned away
    watch_token : opens the tape where no keys are in use; without one nobody can look on there
    """

    def __init__(
        self,
        coordinator: Coordinator,
        bus: BrokerEnd,
        tape: TapeWriter,
        token: bytes,
        limits: Limits | None = None,
        on_notice: Callable[[str], None] = lambda story: None,
        watch_token: bytes | None = None,
    ) -> None:
        self._coordinator = coordinator
        self._bus = bus
        self._tape = tape
        self._token = token
        self._watched: ChildProcesses | None = None
        self._sentinels: Set[int] = frozenset()
        self._gallery = Viewers(tape)
        looking_on = watch_token or secrets.token_bytes(TOKEN_BYTES)
        members = coordinator.membership.expected
        self._gate = Gate(token, members, limits or Limits(), looking_on, bus.speaks_for)
        self._on_notice = on_notice
        self._noted: set[str] = set()
        self._clock = Attention(time.monotonic)
        self._told_away_s = 0.0
        self._carry_out(coordinator.open())

    def run(self, watched: ChildProcesses | None, on_progress: Callable[[Progress], None]) -> RunResult:
        """Serve until the run is over and all know it; raises what the coordinator raises."""
        self._watched = watched
        self._watch_processes()
        self._serve(on_progress, math.inf)
        self._tape.check()
        self._see_viewers_off("")
        return self._coordinator.proceedings()

    def _serve(self, on_progress: Callable[[Progress], None], until: float) -> None:
        """Serve until everybody has taken leave, or until a moment."""
        ticked_at = self._clock.now()
        self._told_away_s = self._clock.away_s
        while (now := self._clock.now()) < until and not self._coordinator.taken_leave(now):
            for bus_event in self._bus.wait(self._patience_s()):
                self._take(bus_event)
            now = self._clock.now()
            self._tell_absence()
            due = self._coordinator.next_due()
            if now - ticked_at >= TICK_S or (due is not None and now >= due):
                self._handle(Tick(), now)
            if now - ticked_at >= TICK_S:
                ticked_at = now
                self._tape.check()
                on_progress(self._coordinator.progress(now))

    def await_viewer(self, limit_s: float) -> None:
        """Serve until somebody looks on, for at most so long."""
        end = self._clock.now() + limit_s
        while not self._gallery.visited and self._clock.now() < end:
            self._serve(lambda progress: None, min(end, self._clock.now() + TICK_S))

    def now(self) -> float:
        """The time by which this broker is patient; it stands still while the broker does."""
        return self._clock.now()

    def _tell_absence(self) -> None:
        """Say so where this process has heard nobody for long, by its own doing or its machine's."""
        away_s = self._clock.away_s - self._told_away_s
        if away_s >= TOLD_AWAY_S:
            self._told_away_s = self._clock.away_s
            story = f"the broker itself was stopped, or busy, for {away_s:.0f} s; nobody is blamed for that time"
            self._tell(Notice(story))

    def _patience_s(self) -> float:
        """How long to wait for the next event: until something of ours is due, at most one tick."""
        due = self._coordinator.next_due()
        return TICK_S if due is None else min(TICK_S, max(0.0, due - self._clock.now()))

    def farewell(self, reason: str, fault: str) -> None:
        """Tell all members to stop, and viewers what broke the run."""
        now = self._clock.now()
        self._carry_out(self._coordinator.farewell(reason[:MAX_TEXT], now, complete=False))
        self._see_viewers_off(fault)
        self._serve(lambda progress: None, now + FAREWELL_S)

    def _take(self, event: BusEvent) -> None:
        now = self._clock.now()
        if isinstance(event, Arrival):
            came = self._decoded(event, now)
            if came is not None:
                self._handle(came, now)
        elif isinstance(event, Subscribed):
            self._subscribed(event)
        elif isinstance(event, Malformed):
            self._coordinator.refuse("malformed")
        elif isinstance(event, TurnedAway):
            self._refuse(event.reason, event.story)
        elif isinstance(event, Signal) and self._watched is not None and event.descriptor in self._sentinels:
            self._nodes_ended(self._watched, event.descriptor, now)

    def _watch_processes(self) -> None:
        """Watch what is there to be watched now, and nothing else."""
        wanted = self._watched.descriptors() if self._watched else frozenset()
        for descriptor in self._sentinels - wanted:
            self._bus.unwatch(descriptor)
        for descriptor in wanted - self._sentinels:
            self._bus.watch(descriptor)
        self._sentinels = wanted

    def _nodes_ended(self, watched: ChildProcesses, descriptor: int, now: float) -> None:
        """Nodes that we started have ended; others take their places, if they may and there is still a run."""
        self._bus.unwatch(descriptor)
        self._sentinels -= {descriptor}
        ended, over = watched.ended(descriptor), self._coordinator.phase is Phase.OVER
        restarted = frozenset() if over else watched.restart(tuple(ended))
        self._watch_processes()
        alike: dict[tuple[str, bool], list[str]] = {}
        for vpp, how in ended.items():
            alike.setdefault((how, vpp in restarted), []).append(vpp)
        for (how, again), (vpp, *others) in alike.items():
            self._handle(ProcessEnded(vpp, how, restarted=again, with_it=tuple(others)), now)

    def _subscribed(self, event: Subscribed) -> None:
        """Echo a node's last subscription, which proves that all its others are in."""
        if not self._gate.may_hear(event):
            self._coordinator.refuse("foreign_topic")
            self._bus.hang_up(event.connection)
        elif is_ready_topic(event.topic):
            self._bus.publish(event.topic, b"ready")

    def _decoded(self, arrival: Arrival, now: float) -> Event | None:
        try:
            envelope = self._gate.admit(arrival, now)
        except (WireError, ProtocolError) as error:
            self._turn_away(arrival, error)
            return None
        if arrival.plane is BusPlane.CONTROL:
            if isinstance(envelope.message, Watch):
                self._show(arrival.route, envelope.message)
                return None
            return ControlCame(arrival.route, envelope)
        return DataCame(Parcel(envelope, arrival.frame), arrival.connection)

    def _turn_away(self, arrival: Arrival, error: WireError | ProtocolError) -> None:
        """Count a frame that does not count. Who asks to be let in is told why not; so are people here."""
        ask = ask_of(arrival.frame) if arrival.plane is BusPlane.CONTROL and error.reason != "too_many" else None
        if ask is not None:
            reason = reason_for(ask, error)
            self._bus.send(arrival.route, refusal(ask, reason))
            self._refuse(error.reason, f"{ask.who} at {self._bus.peer_of(arrival.connection) or '?'}: {reason}")
        elif isinstance(error, ProtocolError):
            self._refuse(error.reason, str(error))
        else:
            self._coordinator.refuse(error.reason)

    def _refuse(self, reason: str, story: str) -> None:
        """Count, and tell of each once; of so many only, since strangers can make up keys without end."""
        self._coordinator.refuse(reason)
        self._tell(Notice(f"refused: {story}", once=True))

    def _tell(self, notice: Notice) -> None:
        """What happens to members is told each time, who is refused only once."""
        if notice.once:
            if notice.text in self._noted or len(self._noted) >= STORIES:
                return
            self._noted.add(notice.text)
        self._on_notice(notice.text)

    # --- viewers ---

    def _show(self, route: bytes, watch: Watch) -> None:
        """Answer somebody who looks on; the coordinator never hears of it."""
        now = self._clock.now()
        if self._gallery.may_answer(now):
            shown = self._gallery.answer(route, watch, self._standing(now), now)
            self._bus.send(route, self._shown(shown))

    def _see_viewers_off(self, fault: str) -> None:
        now = self._clock.now()
        for route, shown in self._gallery.farewell(self._standing(now), fault[:MAX_TEXT], now):
            self._bus.send(route, self._shown(shown))

    def _shown(self, message: Watched) -> bytes:
        return self._control(message, self._gate.watching_token(keyed=self._bus.keyed))

    def _standing(self, now: float) -> RunStatus:
        progress, log = self._coordinator.progress(now), self._coordinator.clockwork.log
        counts = tuple(Count(name, log.total(name)) for name in SHOWN_COUNTS)
        return RunStatus(progress.phase.value, progress.time_s, progress.waiting_for, progress.waiting_s, counts)

    def _handle(self, event: Event, now: float) -> None:
        self._carry_out(self._coordinator.handle(event, now))

    def _carry_out(self, actions: Sequence[Action]) -> None:
        for action in actions:
            if isinstance(action, Write):
                self._tape.add(action.record)
        self._tape.flush()
        for action in actions:
            self._send(action)

    def _send(self, action: Action) -> None:
        if isinstance(action, Send):
            member = self._coordinator.membership.members.get(action.vpp)
            if member is not None:  # one that is lost is told when it comes back
                self._bus.send(member.route, self._control(action.message))
        elif isinstance(action, Reply):
            self._bus.send(action.route, self._control(action.message))
        elif isinstance(action, Publish):
            turns = (self._control(action.turns),) if action.turns else ()
            for topic in _topics(action.receivers):
                self._bus.publish(topic, *action.frames, *turns)
        elif isinstance(action, Announce):
            self._bus.publish(TOPIC_ALL, encode(action.envelope, self._token))
        elif isinstance(action, Notice):
            self._tell(action)

    def _control(self, message: FromBroker | Watched, token: bytes | None = None) -> bytes:
        return encode(Envelope(self._coordinator.epoch.number, BROKER, 0, message), token or self._token)


def _topics(receivers: Iterable[str] | None) -> list[bytes]:
    return [TOPIC_ALL] if receivers is None else [inbox_topic(vpp) for vpp in receivers]
