"""Owns a node's three sockets. Knows nothing of what is in a frame.

With keys every connection is encrypted, and leads to the broker whose key is known or nowhere.

control    DEALER   to the broker's ROUTER
publish    XPUB     to the broker's XSUB; an XPUB and not a PUB, since it can wait until the broker has
                    subscribed: a PUB that connects loses whatever it sends before
subscribe  SUB      to the broker's XPUB
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import zmq

from broker.bus.addresses import host_of
from broker.bus.broker_end import (
    NOWHERE,
    Arrival,
    BusEvent,
    Malformed,
    Parts,
    Plane,
    Signal,
    opened,
    published,
    received,
)
from broker.bus.closing import Closing
from broker.bus.keys import NodeKeys, as_client
from broker.bus.reception import Reception
from broker.limits import QUEUE_OUT_MESSAGES
from market.errors import RunError


@dataclass(frozen=True, slots=True)
class Hearing:
    """What came while the ready echo was awaited; it counts, and is handled next."""

    arrivals: tuple[BusEvent, ...]


class NodeEnd(Closing):
    """A node's sockets. `connect_data` is called once the broker has said where its data plane is."""

    def __init__(self, control_address: str, keys: NodeKeys | None = None) -> None:
        self._host = host_of(control_address)
        self._keys = keys
        self._context = zmq.Context()
        self._poller = zmq.Poller()
        self._watched: set[int] = set()
        self._control = self._open(zmq.DEALER, send_queue=0)  # an order's answer is never dropped here
        self._control.setsockopt(zmq.IDENTITY, b"n" + secrets.token_bytes(8))  # keeps its route when it reconnects
        self._reception = Reception(self._context, self._control, control_address, keyed=keys is not None)
        self._control.connect(control_address)
        self._poller.register(self._control, zmq.POLLIN)
        self._poller.register(self._reception.socket, zmq.POLLIN)
        self._publish: zmq.Socket[bytes] | None = None
        self._subscribe: zmq.Socket[bytes] | None = None

    def _open(self, kind: int, send_queue: int = QUEUE_OUT_MESSAGES) -> zmq.Socket[bytes]:
        socket = opened(self._context, kind, send_queue)
        as_client(socket, self._keys)
        return socket

    def close(self) -> None:
        """Close everything; what has not been sent is given a moment, then dropped."""
        for socket in (self._control, self._publish, self._subscribe):
            if socket is not None:
                socket.close(linger=200)
        self._reception.socket.close()
        self._context.term()

    def watch(self, descriptor: int) -> None:
        """Report a `Signal` when this file descriptor becomes readable."""
        self._watched.add(descriptor)
        self._poller.register(descriptor, zmq.POLLIN)

    def connect_data(
        self, publish_port: int, subscribe_port: int, topics: Sequence[bytes], echo: bytes, timeout_s: float
    ) -> Hearing:
        """Open both halves of the data plane and prove them open; RunError if that takes too long."""
        self._close_data()
        deadline = time.monotonic() + timeout_s
        publish, subscribe = self._open(zmq.XPUB), self._open(zmq.SUB)
        self._publish, self._subscribe = publish, subscribe
        publish.connect(f"tcp://{self._host}:{publish_port}")
        for topic in (*topics, echo):
            subscribe.subscribe(topic)
        subscribe.connect(f"tcp://{self._host}:{subscribe_port}")
        _await_subscription(publish, deadline)
        hearing = _await_echo(subscribe, echo, deadline)
        self._poller.register(subscribe, zmq.POLLIN)
        return hearing

    def _close_data(self) -> None:
        """Close both halves, if they are open: a broker that let us in before may be another one now."""
        if self._subscribe is not None and self._subscribe in self._poller:
            self._poller.unregister(self._subscribe)
        for socket in (self._publish, self._subscribe):
            if socket is not None:
                socket.close(linger=0)
        self._publish = self._subscribe = None

    def send(self, frame: bytes) -> None:
        """Send on the control plane; into the void when the broker has turned us away for good."""
        with suppress(zmq.Again):
            self._control.send(frame, zmq.NOBLOCK)

    def publish(self, topic: bytes, *frames: bytes) -> None:
        """Publish on the data plane (after `connect_data`); several frames travel together."""
        if self._publish is None:
            raise RunError("the data plane is not open yet")
        self._publish.send_multipart([topic, *frames])

    def wait(self, timeout_s: float) -> Iterator[BusEvent]:
        """What has come in, after waiting for at most `timeout_s`; RunError when the broker turns us away."""
        ready = dict(self._poller.poll(max(0, round(timeout_s * 1000))))
        for descriptor in self._watched & ready.keys():
            yield Signal(descriptor)
        if self._reception.socket in ready:
            self._reception.check()
        if self._subscribe is not None and self._subscribe in ready:
            for came in received(self._subscribe):
                yield from published(came)
        if self._control in ready:
            for came in received(self._control):
                yield _order(came.parts)


class PulseEnd:
    """One more control socket, for the thread that sends heartbeats (a socket belongs to one thread)."""

    def __init__(self, control_address: str, keys: NodeKeys | None = None) -> None:
        self._context = zmq.Context()
        self._socket = opened(self._context, zmq.DEALER, send_queue=8)  # old heartbeats are worth nothing
        as_client(self._socket, keys)
        self._socket.connect(control_address)

    def send(self, frame: bytes) -> None:
        """Send, or drop when nobody takes it."""
        with suppress(zmq.Again):
            self._socket.send(frame, zmq.NOBLOCK)

    def close(self) -> None:
        """Close at once."""
        self._context.destroy(linger=0)


def _order(parts: list[bytes]) -> BusEvent:
    if len(parts) == 1:
        return Arrival(Plane.CONTROL, b"", parts[0])
    return Malformed(Plane.CONTROL, f"{len(parts)} parts, 1 expected")


def _await_subscription(publish: zmq.Socket[bytes], deadline: float) -> None:
    while publish.poll(_left_ms(deadline)):
        if publish.recv()[:1] == b"\x01":
            return
    raise RunError("the broker's data plane (inward half) does not answer; is its port reachable from here?")


def _await_echo(subscribe: zmq.Socket[bytes], echo: bytes, deadline: float) -> Hearing:
    kept: list[BusEvent] = []
    while subscribe.poll(_left_ms(deadline)):
        parts = subscribe.recv_multipart()
        if parts[0] == echo:
            return Hearing(tuple(kept))
        kept.extend(published(Parts(parts, None, NOWHERE)))
    raise RunError("the broker's data plane (outward half) does not answer; is its port reachable from here?")


def _left_ms(deadline: float) -> int:
    return max(0, round((deadline - time.monotonic()) * 1000))
