"""A node as a process: sockets, heartbeat and signals round the client."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version

from broker.bus.addresses import TOPIC_ALL, inbox_topic, ready_topic
from broker.bus.broker_end import Arrival, BusPlane, Signal
from broker.bus.node_end import Contact, DataOpen, NodeBusEvent, NodeEnd, PulseEnd
from broker.protocol.attention import Attention
from broker.wire.frames import Envelope, decode, encode
from broker.wire.messages import Failure, FromNode, Heartbeat, Hello, Stop, Trouble
from market.errors import DispatchError, MarketError, StrategyError, TradeError, WireError
from market.scenario.digest import plant_digest
from vpp_nodes.client import Client, Instruction, Note, OpenData, Say, SettledDay, Stage, Tell
from vpp_nodes.memory import peak_memory_mb
from vpp_nodes.node import Node
from vpp_nodes.plant import plant_node
from vpp_nodes.task import NodeTask

TICK_S = 0.2
HEARTBEAT_S = 1.0
LEAVE_S = 3.0
LEAVE_AGAIN_S = 0.25
"""A node that cannot go on tells its broker so again each time that so long has passed, for LEAVE_S at most."""


@dataclass(frozen=True, slots=True)
class NodeEnding:
    """How a node's run ended: its exit code, why in words, and its day, if it came so far."""

    exit_code: int
    why: str
    day: SettledDay | None


def _quiet(text: str) -> None:
    """Say nothing."""


def serve_node(
    task: NodeTask,
    on_note: Callable[[str], None],
    on_fault: Callable[[str], None] = _quiet,
    parent: int | None = None,
) -> NodeEnding:
    """Take part in one run. Exit codes: 0 at its end; 2 if it has no plan or its strategy fails; else 4.

    on_note : told what the node does and what it waits for, for people
    on_fault : told why the node cannot go on, in full, before the broker hears that it cannot
    parent : a file descriptor that becomes readable when the process that started this one is gone
    Raises KeyboardInterrupt once the broker has been told.
    """
    try:
        node = plant_node(task.vpp, task.public)
    except StrategyError as error:
        on_fault(str(error))
        return NodeEnding(2, str(error), None)
    with NodeEnd(task.broker, task.keys) as bus:
        pulse = _Pulse(task)
        shell = _Shell(task, node, bus, pulse, on_note, on_fault, parent)
        try:
            return shell.run()
        except MarketError as error:
            return shell.fail(error)
        except KeyboardInterrupt:
            shell.leave(Trouble.LEFT)
            raise
        finally:
            pulse.stop()


def _trouble(error: MarketError) -> Trouble:
    """What others are told of an error: its kind."""
    if isinstance(error, DispatchError):
        return Trouble.DISPATCH
    return Trouble.TRADE if isinstance(error, TradeError) else Trouble.ERROR


class _Shell:
    def __init__(
        self,
        task: NodeTask,
        node: Node,
        bus: NodeEnd,
        pulse: _Pulse,
        on_note: Callable[[str], None],
        on_fault: Callable[[str], None],
        parent: int | None,
    ) -> None:
        self._task = task
        self._bus = bus
        self._pulse = pulse
        self._note = on_note
        self._on_fault = on_fault
        plant = plant_digest(task.vpp)
        software = version("vppmarket")
        hello = Hello(os.getpid(), task.public.digest, plant, task.scenario, software)
        self._clock = Attention(time.monotonic)
        self._client = Client(task.vpp.id, node, hello, self._clock.now(), task.patience_s, task.audit)
        if parent is not None:
            bus.watch(parent)

    def run(self) -> NodeEnding:
        self._carry_out(self._client.tick(self._clock.now()))
        while self._client.stage is not Stage.STOPPED:
            for event in self._bus.wait(0.0 if self._client.wants_to_act else TICK_S):
                if isinstance(event, Signal):
                    return self._ending(4, "the process that started this node is gone")
                self._take(event)
            self._carry_out(self._client.tick(self._clock.now()))
        return self._ending(0 if self._client.complete else 4, self._client.why)

    def _ending(self, exit_code: int, why: str) -> NodeEnding:
        return NodeEnding(exit_code, why, self._client.settled)

    def fail(self, error: MarketError) -> NodeEnding:
        """Say on both ends why this node cannot go on."""
        trouble = _trouble(error)
        self._on_fault(str(error))
        self.leave(trouble)
        own = trouble is Trouble.DISPATCH or isinstance(error, StrategyError)
        return self._ending(2 if own else 4, str(error))

    def leave(self, trouble: Trouble) -> None:
        """Tell the broker that this node ends, until it has heard, for a moment at most; all else stays here."""
        if self._client.stage is not Stage.TAKING_PART:
            return
        until = self._clock.now() + LEAVE_S
        with suppress(MarketError):  # turned away: then there is nobody to tell
            while self._clock.now() < until:
                self._tell(Failure(trouble), epoch=1)
                if self._hears_stop(LEAVE_AGAIN_S):
                    return

    def _hears_stop(self, for_s: float) -> bool:
        """Whether the broker has taken leave; nothing else that it says counts any more."""
        heard = False
        for event in self._bus.wait(for_s):
            if isinstance(event, Arrival) and event.plane is BusPlane.CONTROL:
                with suppress(WireError):
                    heard |= isinstance(decode(event.frame, self._task.token).message, Stop)
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
        try:
            envelope = decode(event.frame, self._task.token)
        except WireError as error:
            self._client.refused[error.reason] += 1
            return
        self._client.peak_memory_mb = peak_memory_mb()
        control = event.plane is BusPlane.CONTROL
        self._carry_out(self._client.came(envelope, control=control, now=self._clock.now()))

    def _carry_out(self, instructions: Sequence[Instruction]) -> None:
        said = [i.envelope for i in instructions if isinstance(i, Say)]
        if said:
            self._bus.publish(TOPIC_ALL, *(encode(envelope, self._task.token) for envelope in said))
        for instruction in instructions:
            if isinstance(instruction, Tell):
                self._tell(instruction.message, instruction.epoch)
            elif isinstance(instruction, OpenData):
                self._open(instruction)
            elif isinstance(instruction, Note):
                self._note(instruction.text)

    def _open(self, ports: OpenData) -> None:
        """Open the data plane, or have it proved anew; `DataOpen` comes when that is done."""
        if not self._pulse.is_alive():
            self._pulse.start()
        vpp = self._task.vpp.id
        topics = (TOPIC_ALL, inbox_topic(vpp))
        self._bus.connect_data(ports.publish_port, ports.subscribe_port, topics, ready_topic(vpp))

    def _tell(self, message: FromNode, epoch: int) -> None:
        self._bus.send(encode(Envelope(epoch, self._task.vpp.id, 0, message), self._task.token))


class _Pulse(threading.Thread):
    """Heartbeats from a thread of their own: a long solve is not a death."""

    def __init__(self, task: NodeTask) -> None:
        super().__init__(name="pulse", daemon=True)
        self._address = task.broker
        self._keys = task.keys
        self._frame = encode(Envelope(1, task.vpp.id, 0, Heartbeat()), task.token)
        self._ended = threading.Event()

    def run(self) -> None:
        end = PulseEnd(self._address, self._keys)
        while not self._ended.wait(HEARTBEAT_S):
            end.send(self._frame)
        end.close()

    def stop(self) -> None:
        self._ended.set()
        if self.is_alive():
            self.join(timeout=2 * HEARTBEAT_S)
