"""Nodes as one process: sockets, heartbeat and signals round their clients.

A process may hold several nodes. Each stays a machine of its own; what they share is the process: one place to
wait, one thread of heartbeats, and what was decoded for one of them. Nodes with keys of their own have connections
of their own as well; those with one key, or without, share one, and what is for all comes on it once.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version

from broker.bus.addresses import TOPIC_ALL, inbox_topic, ready_topic
from broker.bus.broker_end import Arrival, BusPlane
from broker.bus.closing import Closing
from broker.bus.descriptors import ask_for_descriptors
from broker.bus.node_end import Contact, DataOpen, NodeBusEvent, NodeDesk, NodeEnd, PulseEnd
from broker.bus.node_party import MemberEnd, NodeParty
from broker.protocol.attention import Attention
from broker.wire.frames import Envelope, decode, encode
from broker.wire.messages import (
    Answer,
    Declared,
    Failure,
    FromNode,
    Heartbeat,
    Hello,
    Offer,
    Settle,
    Stop,
    Trouble,
)
from market.errors import DispatchError, MarketError, StrategyError, TradeError, WireError
from market.scenario.digest import plant_digest
from vpp_nodes.client import Client, Instruction, Note, OpenData, Say, SettledDay, Stage, Tell
from vpp_nodes.inbox import HeardByAll
from vpp_nodes.memory import peak_memory_mb
from vpp_nodes.node import Node
from vpp_nodes.plant import plant_node
from vpp_nodes.shared_frames import SharedFrames
from vpp_nodes.shared_work import SharedWork
from vpp_nodes.task import NodeTask

TICK_S, NODES_A_TICK = 0.2, 100
"""How often all are looked after, whatever comes; where there are more nodes, so much less often."""
HEARTBEAT_S, NODES_A_HEARTBEAT, MOST_HEARTBEAT_S = 1.0, 100, 3.0
"""How often a node gives a sign of life; on a shared connection so many do so as often, and more of them less."""
SWITCH_S = 0.0005
"""How soon a thread that computes lets others have a turn, where one sends the heartbeats of many nodes."""

JOINING_AT_ONCE, JOINING_S = 16, 5.0
"""So many nodes of a process ask to be let in at a time; one that is not after so long holds up no others."""

LEAVE_S = 3.0
LEAVE_AGAIN_S = 0.25
"""A node that cannot go on tells its broker so again each time that so long has passed, for LEAVE_S at most."""


@dataclass(frozen=True, slots=True)
class NodeEnding:
    """How a node's run ended: its exit code, why in words, and its day, if it came so far."""

    exit_code: int
    why: str
    day: SettledDay | None


@cache
def software() -> str:
    """The version of this package."""
    return version("vppmarket")


def _quiet(vpp: str, text: str) -> None:
    """Say nothing."""


def serve_nodes(
    tasks: Sequence[NodeTask],
    on_note: Callable[[str, str], None] = _quiet,
    on_fault: Callable[[str, str], None] = _quiet,
    on_end: Callable[[str, NodeEnding], None] = lambda vpp, ending: None,
    parent: int | None = None,
) -> dict[str, NodeEnding]:
    """Take part in one run with these nodes, none of which is the others' business; how each ended, by VPP.

    Exit codes: 0 at the run's end; 2 if a node has no plan or its strategy fails; else 4.

    on_note : told which node does what and what it waits for, for people
    on_fault : told which node cannot go on and why, in full, before the broker hears that it cannot
    on_end : told of each node that ends, when it does
    parent : a file descriptor that becomes readable when the process that started this one is gone
    Raises KeyboardInterrupt once the broker has been told.
    """
    ask_for_descriptors()
    ended: dict[str, NodeEnding] = {}

    def end(vpp: str, ending: NodeEnding) -> None:
        ended[vpp] = ending
        on_end(vpp, ending)

    with _Company(tasks, on_note, on_fault, end) as company:
        company.serve(parent)
    return ended


class _Company(Closing):
    """The nodes of one process: those that have yet to be opened, and the shells of those that are there."""

    def __init__(
        self,
        tasks: Sequence[NodeTask],
        on_note: Callable[[str, str], None],
        on_fault: Callable[[str, str], None],
        end: Callable[[str, NodeEnding], None],
    ) -> None:
        self._desk = NodeDesk()
        self._party = self._shared_connection(tasks)
        self._pulse = _Pulse(self._desk, tasks, shared=self._party is not None)
        self._heard = HeardByAll() if self._party else None
        self._frames = SharedFrames() if len(tasks) > 1 else SharedFrames(most_bytes=0)
        self._work = SharedWork()
        self._on_note = on_note
        self._on_fault = on_fault
        self._end = end
        self._to_come = deque(tasks)
        if len(tasks) > 1:  # each heartbeat waits for its turn among the threads, once at least
            sys.setswitchinterval(SWITCH_S)
        self._shells: dict[str, _Shell] = {}

    def _shared_connection(self, tasks: Sequence[NodeTask]) -> NodeParty | None:
        """One for all of these nodes, where no key tells them apart."""
        first = tasks[0]
        way = (first.keys, first.broker, first.token)
        alike = all((task.keys, task.broker, task.token) == way for task in tasks)
        return NodeParty(first.broker, first.keys, self._desk) if alike and len(tasks) > 1 else None

    def close(self) -> None:
        """Close whatever is open."""
        for shell in self._shells.values():
            shell.close()
        if self._party is not None:
            self._party.close()
        self._pulse.stop()
        self._desk.close()

    def serve(self, parent: int | None) -> None:
        """Until every node has ended. Raises KeyboardInterrupt once the broker has been told."""
        if parent is not None:
            self._desk.watch(parent)
        try:
            ready: Set[object] = frozenset()
            while parent not in ready and (self._shells or self._to_come):
                self._open_more()
                self._hear(ready)
                self._each(partial(_Shell.step, ready=ready))
                self._each(_Shell.answer)  # all have taken in what has come: their work is done together
                ready = self._desk.wait(self._patience_s())
        except KeyboardInterrupt:
            _leave(self._shells.values(), Trouble.LEFT)
            raise
        self._each(lambda shell: shell.ending(4, "the process that started this node is gone"))

    def _hear(self, ready: Set[object]) -> None:
        """Take in what has come on a shared connection: what VPPs say to all is kept once for all."""
        if self._party is None or self._heard is None:
            return
        for arrival in self._party.collect(ready):
            if not self._shells:
                return
            first, *others = self._shells.values()
            envelope = first.decoded(arrival)
            if envelope is None:
                continue
            if isinstance(envelope.message, Declared | Offer | Answer):
                if not self._heard.put(envelope, envelope.message):
                    first.refuse("duplicate")
                continue
            for shell in (first, *others):
                shell.told(envelope, control=False)

    def _open_more(self) -> None:
        """Not all at once, on their own connections: so many handshakes would take longer than any of them may."""
        joining = sum(shell.joining for shell in self._shells.values())
        while self._to_come and (joining < JOINING_AT_ONCE or self._party is not None):
            task = self._to_come.popleft()
            joining += 1
            try:
                node = plant_node(task.vpp, task.public, self._work)
            except StrategyError as error:
                self._on_fault(task.vpp.id, str(error))
                self._end(task.vpp.id, NodeEnding(2, str(error), None))
                continue
            party = self._party
            bus = party.join(task.vpp.id) if party else NodeEnd(task.broker, task.keys, self._desk)
            told = (self._on_note, self._on_fault)
            self._shells[task.vpp.id] = _Shell(task, node, bus, self._pulse, self._frames, *told, self._heard)

    def _each(self, act: Callable[[_Shell], NodeEnding | None]) -> None:
        """Let each do something; those that have ended by it are taken out."""
        for vpp in [*self._shells]:
            ending = act(self._shells[vpp])
            if ending is not None:
                self._shells.pop(vpp).close()
                self._end(vpp, ending)

    def _patience_s(self) -> float:
        shells = self._shells.values()
        return (
            0.0 if any(shell.wants_to_act for shell in shells) else TICK_S * max(1.0, len(shells) / NODES_A_TICK)
        )


def _leave(shells: Iterable[_Shell], trouble: Trouble) -> None:
    """Tell the broker that nodes end, until it has heard of each, for a moment at most; all else stays here."""
    leaving = [shell for shell in shells if shell.takes_part]
    until = time.monotonic() + LEAVE_S
    while leaving and time.monotonic() < until:
        for shell in leaving:
            shell.say_failure(trouble)
        again = time.monotonic() + LEAVE_AGAIN_S
        while leaving and time.monotonic() < again:
            leaving = [shell for shell in leaving if not shell.hears_stop(LEAVE_AGAIN_S / len(leaving))]


def _trouble(error: MarketError) -> Trouble:
    """What others are told of an error: its kind."""
    if isinstance(error, DispatchError):
        return Trouble.DISPATCH
    return Trouble.TRADE if isinstance(error, TradeError) else Trouble.ERROR


class _Shell:
    """The sockets of one node round its client."""

    def __init__(
        self,
        task: NodeTask,
        node: Node,
        bus: NodeEnd | MemberEnd,
        pulse: _Pulse,
        frames: SharedFrames,
        on_note: Callable[[str, str], None],
        on_fault: Callable[[str, str], None],
        heard: HeardByAll | None,
    ) -> None:
        self._task = task
        self._vpp = task.vpp.id
        self._bus = bus
        self._pulse = pulse
        self._frames = frames
        self._note = on_note
        self._on_fault = on_fault
        plant = plant_digest(task.vpp)
        hello = Hello(os.getpid(), task.public.digest, plant, task.scenario, software())
        self._clock = Attention(time.monotonic)
        self._opened_at = self._clock.now()
        self._client = Client(self._vpp, node, hello, self._opened_at, task.patience_s, task.audit, True, heard)

    @property
    def joining(self) -> bool:
        """Whether it is on its way in, and has not been for long."""
        return not self._client.is_in and self._clock.now() - self._opened_at < JOINING_S

    @property
    def wants_to_act(self) -> bool:
        """Whether it is to be called again at once."""
        return self._client.wants_to_act

    @property
    def takes_part(self) -> bool:
        """Whether the broker counts on it."""
        return self._client.stage is Stage.TAKING_PART

    def close(self) -> None:
        """Close its sockets."""
        self._pulse.stop_for(self._vpp)
        self._bus.close()

    def step(self, ready: Set[object]) -> NodeEnding | None:
        """Take in what waits on its sockets; how it ended, if it has."""
        try:
            for event in self._bus.came(ready):
                self._take(event)
            self._carry_out(self._client.tick(self._clock.now()))
            self._client.consider()
        except MarketError as error:
            return self._fail(error)
        return self._ended()

    def answer(self) -> NodeEnding | None:
        """Answer the turn that was taken in, if there is one; how it ended, if it has."""
        try:
            self._carry_out(self._client.answer(self._clock.now()))
        except MarketError as error:
            return self._fail(error)
        return self._ended()

    def _ended(self) -> NodeEnding | None:
        if self._client.stage is Stage.STOPPED:
            return self.ending(0 if self._client.complete else 4, self._client.why)
        return None

    def ending(self, exit_code: int, why: str) -> NodeEnding:
        """How it ends, with its day as far as there is one."""
        return NodeEnding(exit_code, why, self._client.settled)

    def _fail(self, error: MarketError) -> NodeEnding:
        """Say on both ends why this node cannot go on."""
        trouble = _trouble(error)
        self._on_fault(self._vpp, str(error))
        _leave([self], trouble)
        own = trouble is Trouble.DISPATCH or isinstance(error, StrategyError)
        return self.ending(2 if own else 4, str(error))

    def say_failure(self, trouble: Trouble) -> None:
        """Tell the broker that this node ends."""
        self._tell(Failure(trouble), epoch=1)

    def hears_stop(self, for_s: float) -> bool:
        """Whether there is nobody left to tell: the broker has taken leave, or has turned us away.

        Nothing else that it says counts any more.
        """
        heard = False
        try:
            for event in self._bus.wait(for_s):
                if isinstance(event, Arrival) and event.plane is BusPlane.CONTROL:
                    with suppress(WireError):
                        heard |= isinstance(self._decoded(event.frame, event.plane).message, Stop)
        except MarketError:
            return True
        return heard

    def _take(self, event: NodeBusEvent) -> None:
        if isinstance(event, DataOpen):
            self._carry_out(self._client.data_open())
            return
        if isinstance(event, Contact):
            self._carry_out(self._client.unreachable(event.story))
            return
        if not isinstance(event, Arrival):
            self._client.refused["malformed"] += 1
            return
        envelope = self.decoded(event)
        if envelope is not None:
            self.told(envelope, control=event.plane is BusPlane.CONTROL)

    def decoded(self, arrival: Arrival) -> Envelope | None:
        """What has come; None, and counted, if it is nothing."""
        try:
            return self._decoded(arrival.frame, arrival.plane)
        except WireError as error:
            self.refuse(error.reason)
            return None

    def refuse(self, reason: str) -> None:
        """Count something that does not count."""
        self._client.refused[reason] += 1

    def told(self, envelope: Envelope, *, control: bool) -> None:
        """Take in what has come for this node."""
        if isinstance(envelope.message, Settle):  # whose answer tells of it
            self._client.peak_memory_mb = peak_memory_mb()
        self._carry_out(self._client.came(envelope, control=control, now=self._clock.now()))

    def _carry_out(self, instructions: Sequence[Instruction]) -> None:
        said = [i.envelope for i in instructions if isinstance(i, Say)]
        if said:
            self._bus.publish(TOPIC_ALL, *(self._frames.encoded(envelope, self._task.token) for envelope in said))
        for instruction in instructions:
            if isinstance(instruction, Tell):
                self._tell(instruction.message, instruction.epoch)
            elif isinstance(instruction, OpenData):
                self._open(instruction)
            elif isinstance(instruction, Note):
                self._note(self._vpp, instruction.text)

    def _open(self, ports: OpenData) -> None:
        """Open the data plane, or have it proved anew; `DataOpen` comes when that is done."""
        self._pulse.start_for(self._vpp)
        topics = (TOPIC_ALL, inbox_topic(self._vpp))
        self._bus.connect_data(ports.publish_port, ports.subscribe_port, topics, ready_topic(self._vpp))

    def _tell(self, message: FromNode, epoch: int) -> None:
        self._bus.send(encode(Envelope(epoch, self._task.vpp.id, 0, message), self._task.token))

    def _decoded(self, frame: bytes, plane: BusPlane) -> Envelope:
        shared = plane is BusPlane.DATA
        return self._frames.decoded(frame, self._task.token) if shared else decode(frame, self._task.token)


class _Pulse(threading.Thread):
    """Heartbeats from a thread of their own: a long solve is not a death."""

    def __init__(self, desk: NodeDesk, tasks: Sequence[NodeTask], *, shared: bool) -> None:
        super().__init__(name="pulse", daemon=True)
        self._desk = desk
        self._shared = shared
        self._tasks = {task.vpp.id: task for task in tasks}
        self._beating: set[str] = set()
        self._ended = threading.Event()

    def start_for(self, vpp: str) -> None:
        """A node has been let in: let its heart beat."""
        self._beating.add(vpp)
        if not self.is_alive():
            self.start()

    def stop_for(self, vpp: str) -> None:
        """A node has ended."""
        self._beating.discard(vpp)

    def run(self) -> None:
        frames = {vpp: encode(Envelope(1, vpp, 0, Heartbeat()), task.token) for vpp, task in self._tasks.items()}
        if self._shared:
            self._beat_together(frames)
        else:
            self._beat_each(frames)

    def _beat_together(self, frames: Mapping[str, bytes]) -> None:
        """On one connection, less often the more nodes there are: an end of the process is noticed anyway."""
        every_s = min(MOST_HEARTBEAT_S, HEARTBEAT_S * max(1.0, len(frames) / NODES_A_HEARTBEAT))
        task = next(iter(self._tasks.values()))
        end = PulseEnd(self._desk, task.broker, task.keys, len(frames))
        while not self._ended.wait(every_s):
            for vpp in self._beating.copy():
                end.send(vpp.encode(), frames[vpp])
        end.close()

    def _beat_each(self, frames: Mapping[str, bytes]) -> None:
        ends: dict[str, PulseEnd] = {}
        while not self._ended.wait(HEARTBEAT_S):
            beating = self._beating.copy()
            for vpp in beating - ends.keys():
                ends[vpp] = PulseEnd(self._desk, self._tasks[vpp].broker, self._tasks[vpp].keys)
            for vpp in ends.keys() - beating:
                ends.pop(vpp).close()
            for vpp, end in ends.items():
                end.send(frames[vpp])
        for end in ends.values():
            end.close()

    def stop(self) -> None:
        """End the thread; its sockets are closed in it, before the desk can be."""
        self._ended.set()
        if self.is_alive():
            self.join()
