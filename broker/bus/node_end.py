"""A node's three sockets, and the fourth on which its heartbeats leave.

With keys every connection is encrypted, and leads to the broker whose key is known or nowhere.

control    DEALER   to the broker's ROUTER
publish    XPUB     to the broker's XSUB; an XPUB and not a PUB, since it can wait until the broker has
                    subscribed: a PUB that connects loses whatever it sends before
subscribe  SUB      to the broker's XPUB
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

import zmq

from broker.bus.addresses import host_of
from broker.bus.broker_end import Arrival, BusPlane, Malformed, published, received
from broker.bus.closing import Closing
from broker.bus.handshakes import HandshakeMonitor
from broker.bus.keys import NodeKeys, as_client
from broker.bus.sockets import Socket, connecting, enough_descriptors, speak_to
from broker.wire.limits import OPEN_AGAIN_S, QUEUE_OUT_MESSAGES
from market.errors import RunError


@dataclass(frozen=True, slots=True)
class DataOpen:
    """The data plane has been proved open, both ways, since `connect_data` was called last with this echo."""

    echo: bytes


@dataclass(frozen=True, slots=True)
class Contact:
    """How the way to the broker is: what is in the way, in words for people; empty once a connection stands."""

    story: str


NodeBusEvent: TypeAlias = Arrival | Malformed | DataOpen | Contact

MOST_SOCKETS = 8192
"""Of one process: each of its nodes has five."""

_PARTING_MS = 200
_CHECK_EVERY_S = 0.1
_DRAINED_EVERY = 8  # heartbeats
_NODES_A_WAIT = 20
"""Of so many nodes the echoes on one connection are waited for as long as of one, of more so much longer."""


class NodeDesk(Closing):
    """Where the ends of one process's nodes are waited for together; each node has its own sockets and keys."""

    def __init__(self) -> None:
        with enough_descriptors():
            self.context = zmq.Context()
        self.context.set(zmq.MAX_SOCKETS, MOST_SOCKETS)
        self.poller = zmq.Poller()

    def watch(self, descriptor: int) -> None:
        """Tell when this file descriptor becomes readable: `wait` then returns it."""
        self.poller.register(descriptor, zmq.POLLIN)

    def wait(self, timeout_s: float) -> Set[object]:
        """The sockets and descriptors on which something waits, after waiting for at most `timeout_s`."""
        return dict(self.poller.poll(max(0, round(timeout_s * 1000)))).keys()

    def close(self) -> None:
        """Close what all share, and whatever an end has not closed itself."""
        self.context.destroy(linger=0)


class NodeEnd(Closing):
    """A node's sockets. `connect_data` is called once the broker has said where its data plane is.

    desk : where it is waited for together with others of its process; a desk of its own where there is none
    shared : whether several nodes have it together: each names itself, and what comes says for whom by its route
    """

    def __init__(
        self,
        control_address: str,
        keys: NodeKeys | None = None,
        desk: NodeDesk | None = None,
        *,
        shared: bool = False,
    ) -> None:
        self._host = host_of(control_address)
        self._keys = keys
        self._desk = NodeDesk() if desk is None else desk
        self._alone = desk is None
        self._shared = shared
        self._poller = zmq.Poller()  # of this end's sockets alone
        self._checked_at = -math.inf
        self._control = self._open(zmq.DEALER, send_queue=0)  # an order's answer is never dropped here
        self._control.setsockopt(zmq.IDENTITY, b"n" + secrets.token_bytes(8))  # keeps its route when it reconnects
        self._handshakes = HandshakeMonitor(
            self._desk.context, self._control, control_address, keyed=keys is not None, now=time.monotonic()
        )
        speak_to(self._control, control_address)
        self._control.connect(control_address)
        self._listen_to(self._control)
        self._listen_to(self._handshakes.socket)
        self._inward: _Inward | None = None
        self._outward: _Outward | None = None
        self._to_tell: set[bytes] = set()  # the echoes on which `DataOpen` waits

    def _open(self, kind: int, send_queue: int = QUEUE_OUT_MESSAGES) -> Socket:
        socket = connecting(self._desk.context, kind, send_queue)
        as_client(socket, self._keys)
        return socket

    def _listen_to(self, socket: Socket) -> None:
        self._poller.register(socket, zmq.POLLIN)
        self._desk.poller.register(socket, zmq.POLLIN)

    def _close_socket(self, socket: Socket, linger_ms: int) -> None:
        self._poller.unregister(socket)
        self._desk.poller.unregister(socket)
        socket.close(linger=linger_ms)

    def close(self) -> None:
        """Close everything; what has not been sent is given a moment, then dropped."""
        for half in (self._inward, self._outward):
            if half is not None:
                self._close_socket(half.socket, _PARTING_MS)
        self._close_socket(self._control, _PARTING_MS)
        self._close_socket(self._handshakes.socket, 0)
        if self._alone:
            self._desk.close()

    def connect_data(self, publish_port: int, subscribe_port: int, topics: Sequence[bytes], echo: bytes) -> None:
        """Open both halves of the data plane, or have them proved anew; `wait` yields `DataOpen` when they are.

        Never waits. It may be called as often as one likes: what stands already stays as it is, and nothing that
        was published is lost by it.
        """
        publish_at, subscribe_at = (f"tcp://{self._host}:{port}" for port in (publish_port, subscribe_port))
        if self._inward is None or self._inward.address != publish_at:
            self._open_inward(publish_at)
        if self._outward is None or self._outward.address != subscribe_at:
            self._open_outward(subscribe_at, {echo: tuple(topics)})
        else:
            self._outward.listen(echo, tuple(topics))
        self._to_tell.add(echo)

    def _open_inward(self, address: str) -> None:
        self._close_half(self._inward)
        self._inward = _Inward(self._open(zmq.XPUB), address)
        self._listen_to(self._inward.socket)

    def _open_outward(self, address: str, topics: Mapping[bytes, tuple[bytes, ...]]) -> None:
        self._close_half(self._outward)
        socket = self._open(zmq.SUB, send_queue=0)  # a subscription that its queue does not hold is lost
        self._outward = _Outward(socket, address, topics)
        self._listen_to(self._outward.socket)

    def forget(self, echo: bytes) -> None:
        """One of those who share this end needs its topics no more."""
        self._to_tell.discard(echo)
        if self._outward is not None:
            self._outward.forget(echo)

    def _close_half(self, half: _Inward | _Outward | None) -> None:
        if half is not None:
            self._close_socket(half.socket, 0)

    def send(self, *parts: bytes) -> None:
        """Send a frame on the control plane, after the name of its node where this end is shared.

        Into the void when the broker has turned us away for good.
        """
        with suppress(zmq.Again):
            self._control.send_multipart(parts, zmq.NOBLOCK)

    def publish(self, topic: bytes, *frames: bytes) -> None:
        """Publish on the data plane (after `connect_data`); several frames travel together."""
        if self._inward is None:
            raise RunError("the data plane is not open yet")
        self._inward.socket.send_multipart([topic, *frames])

    def wait(self, timeout_s: float) -> Iterator[NodeBusEvent]:
        """What has come in, after waiting for at most `timeout_s`; RunError when the broker turns us away."""
        yield from self.came(dict(self._poller.poll(max(0, round(timeout_s * 1000)))).keys())

    def came(self, ready: Set[object]) -> Iterator[NodeBusEvent]:
        """What has come in on those of these sockets that are this end's; RunError as above."""
        now = time.monotonic()
        if self._handshakes.socket in ready or now >= self._checked_at + _CHECK_EVERY_S:
            self._checked_at = now
            story = self._handshakes.check(now)
            if story is not None:
                yield Contact(story)
        if self._inward is not None and self._inward.socket in ready:
            self._inward.hear()
        if self._outward is not None and self._outward.socket in ready:
            yield from self._outward.hear(shared=self._shared)
        yield from self._data_open(now)
        if self._control in ready:
            for came in received(self._control):
                yield _order(came.parts, shared=self._shared)

    def _data_open(self, now: float) -> Iterator[DataOpen]:
        """Tell that both halves are proved open; open anew what is not for too long."""
        inward, outward = self._inward, self._outward
        if not self._to_tell or inward is None or outward is None:
            return
        for echo in sorted(self._to_tell & outward.proved) if inward.proved else ():
            self._to_tell.discard(echo)
            yield DataOpen(echo)
        if not inward.proved and now >= inward.until:
            self._open_inward(inward.address)
        if not outward.proved.issuperset(outward.topics) and now >= outward.until:
            self._open_outward(outward.address, outward.topics)


class _Inward:
    """The half on which a node publishes; what it says before the broker has subscribed is lost."""

    def __init__(self, socket: Socket, address: str) -> None:
        self.socket = socket
        self.address = address
        self.proved = False
        self.until = time.monotonic() + OPEN_AGAIN_S
        speak_to(socket, address)
        socket.connect(address)

    def hear(self) -> None:
        """Take in the broker's subscriptions."""
        for came in received(self.socket):
            self.proved = self.proved or came.parts[0][:1] == b"\x01"


class _Outward:
    """The half on which a node listens; after its topics comes that of its echo.

    topics : by echo, what is listened to besides · proved : the echoes that have come
    """

    def __init__(self, socket: Socket, address: str, topics: Mapping[bytes, tuple[bytes, ...]]) -> None:
        self.socket = socket
        self.address = address
        self.topics: dict[bytes, tuple[bytes, ...]] = {}
        self.proved: set[bytes] = set()
        self._heard: set[bytes] = set()
        for echo, before in topics.items():
            self.listen(echo, before)
        speak_to(socket, address)
        socket.connect(address)

    def listen(self, echo: bytes, topics: tuple[bytes, ...]) -> None:
        """Listen to these topics, and then to an echo that proves it.

        Where that was so, ask for the echo once more, unless it is awaited already: another broker may be at the
        other end now.
        """
        if self.topics.get(echo) == topics and echo not in self.proved:
            return
        for topic in topics:
            if topic not in self._heard:
                self._heard.add(topic)
                self.socket.subscribe(topic)
        if echo in self.topics:
            self.socket.unsubscribe(echo)
        self.topics[echo] = topics
        self.proved.discard(echo)
        self.until = time.monotonic() + OPEN_AGAIN_S * max(1.0, len(self.topics) / _NODES_A_WAIT)
        self.socket.subscribe(echo)

    def forget(self, echo: bytes) -> None:
        """Listen no more to what nobody else needs of this one's topics."""
        topics = {*self.topics.pop(echo, ()), echo}
        self.proved.discard(echo)
        for topic in topics.difference(*self.topics.values()):
            self._heard.discard(topic)
            self.socket.unsubscribe(topic)

    def hear(self, *, shared: bool) -> Iterator[Arrival | Malformed]:
        """What was published for us; an echo is for one of us alone, and proves that all its topics are heard."""
        for came in received(self.socket):
            if came.parts[0] in self.topics:
                self.proved.add(came.parts[0])
            else:
                yield from published(came, came.parts[0] if shared else b"")


class PulseEnd:
    """One more control socket, for the thread that sends heartbeats (a socket belongs to one thread)."""

    def __init__(self, desk: NodeDesk, control_address: str, keys: NodeKeys | None = None, nodes: int = 1) -> None:
        self._sent = 0
        self._socket = connecting(desk.context, zmq.DEALER, 8 * nodes)  # old heartbeats are worth nothing
        as_client(self._socket, keys)
        speak_to(self._socket, control_address)
        self._socket.connect(control_address)

    def send(self, *parts: bytes) -> None:
        """Send, or drop when nobody takes it. What is answered here, nobody needs, and is taken out at times."""
        self._sent += 1
        if self._sent % _DRAINED_EVERY == 0:
            for _ in received(self._socket):
                pass
        with suppress(zmq.Again):
            self._socket.send_multipart(parts, zmq.NOBLOCK)

    def close(self) -> None:
        """Close at once."""
        self._socket.close(linger=0)


def _order(parts: list[bytes], *, shared: bool) -> Arrival | Malformed:
    if len(parts) == 1 + shared:
        return Arrival(BusPlane.CONTROL, parts[0] if shared else b"", parts[-1])
    return Malformed(BusPlane.CONTROL, f"{len(parts)} parts, {1 + shared} expected")
