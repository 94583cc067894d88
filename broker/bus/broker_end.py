"""Owns the broker's three sockets and what can be waited for with them.

    control    ROUTER   hello, ready, heartbeats, turns, confirmations, audit
    inward     XSUB     what nodes publish
    outward    XPUB     what the broker delivers; also where nodes' ready echoes are asked for

Knows nothing of what is in a frame. No high-water mark drops a market message: queues are unlimited, and the
protocol bounds what can be in them (a node has one turn at a time).
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from types import TracebackType
from typing import TypeAlias

import zmq

from market.errors import RunError

HARD_FRAME_LIMIT = 16 << 20
"""Beyond this the transport itself drops the connection; the wire's own, smaller limit is counted and answered."""


AT_ONCE = 1000
"""Most messages taken from one socket before the others are looked at, and most parts of one message."""


class Plane(StrEnum):
    """Where a frame came in."""

    CONTROL = "control"
    DATA = "data"
    SUBSCRIPTION = "subscription"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One frame from outside. `route` is who to answer on the control plane, empty elsewhere."""

    plane: Plane
    route: bytes
    frame: bytes


@dataclass(frozen=True, slots=True)
class Echo:
    """A node has subscribed to its ready topic: all its other subscriptions are in."""

    topic: bytes


@dataclass(frozen=True, slots=True)
class Malformed:
    """A message whose very parts are wrong, e.g. too many frames."""

    plane: Plane
    detail: str


@dataclass(frozen=True, slots=True)
class Signal:
    """A watched file descriptor became readable, e.g. a process has ended."""

    descriptor: int


BusEvent: TypeAlias = Arrival | Echo | Malformed | Signal


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The three addresses the broker is bound to."""

    control: str
    inward: str
    outward: str


def opened(context: zmq.Context[zmq.Socket[bytes]], kind: int) -> zmq.Socket[bytes]:
    """A socket that drops nothing by itself and does not hold up the end of its process."""
    socket = context.socket(kind)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.SNDHWM, 0)
    socket.setsockopt(zmq.RCVHWM, 0)
    socket.setsockopt(zmq.MAXMSGSIZE, HARD_FRAME_LIMIT)
    return socket


class BrokerEnd:
    """The broker's sockets, bound on `host`. Port 0: three free ports of the system's choice, else port…port+2."""

    def __init__(self, host: str, port: int = 0) -> None:
        self._context = zmq.Context()
        self._poller = zmq.Poller()
        self._watched: set[int] = set()
        try:
            self._control = self._open(zmq.ROUTER)
            self._inward = self._open(zmq.XSUB)
            self._outward = self._open(zmq.XPUB)
            self._outward.setsockopt(zmq.XPUB_VERBOSER, 1)
            self._control.setsockopt(zmq.ROUTER_HANDOVER, 1)  # a node that reconnects takes its route with it
            self.endpoints = Endpoints(
                _bind(self._control, host, port),
                _bind(self._inward, host, port + 1 if port else 0),
                _bind(self._outward, host, port + 2 if port else 0),
            )
        except BaseException:
            self._context.destroy(linger=0)
            raise
        self._inward.send(b"\x01")  # subscribe to everything that nodes publish

    def _open(self, kind: int) -> zmq.Socket[bytes]:
        socket = opened(self._context, kind)
        self._poller.register(socket, zmq.POLLIN)
        return socket

    def __enter__(self) -> BrokerEnd:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close everything. What has not been sent is given a moment, then dropped."""
        for socket in (self._control, self._inward, self._outward):
            socket.close(linger=200)
        self._context.term()

    def watch(self, descriptor: int) -> None:
        """Report a `Signal` when this file descriptor becomes readable."""
        self._watched.add(descriptor)
        self._poller.register(descriptor, zmq.POLLIN)

    def unwatch(self, descriptor: int) -> None:
        """Stop watching a descriptor."""
        self._watched.discard(descriptor)
        self._poller.unregister(descriptor)

    def send(self, route: bytes, frame: bytes) -> None:
        """Send on the control plane. A route that is gone is no error: its silence is noticed elsewhere."""
        self._control.send_multipart([route, frame])

    def publish(self, topic: bytes, *frames: bytes) -> None:
        """Publish on the data plane; several frames travel together, which spares the receivers wake-ups."""
        self._outward.send_multipart([topic, *frames])

    def wait(self, timeout_s: float) -> Iterator[BusEvent]:
        """What has come in, after waiting for at most `timeout_s`; nothing if nothing came."""
        ready = dict(self._poller.poll(max(0, ceil(timeout_s * 1000))))
        for descriptor in self._watched & ready.keys():
            yield Signal(descriptor)
        if self._control in ready:
            for parts in received(self._control):
                yield from _one_frame(Plane.CONTROL, parts)
        if self._inward in ready:
            for parts in received(self._inward):
                yield from published(parts)
        if self._outward in ready:
            for parts in received(self._outward):
                yield from _subscription(parts[0])


def received(socket: zmq.Socket[bytes]) -> Iterator[list[bytes]]:
    """The messages that wait on a socket, each as its parts; a flood on one must not starve the others."""
    for _ in range(AT_ONCE):
        if not int(socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN:
            return
        yield socket.recv_multipart(zmq.NOBLOCK)


def published(parts: list[bytes]) -> Iterator[BusEvent]:
    """The frames of a publication, which follow its topic."""
    if not 2 <= len(parts) <= AT_ONCE:
        yield Malformed(Plane.DATA, f"{len(parts)} parts, a topic and 1 to {AT_ONCE - 1} frames expected")
        return
    for frame in parts[1:]:
        yield Arrival(Plane.DATA, b"", frame)


def _one_frame(plane: Plane, parts: list[bytes]) -> Iterator[BusEvent]:
    if len(parts) == 2:
        yield Arrival(plane, parts[0], parts[1])
    else:
        yield Malformed(plane, f"{len(parts)} parts, 2 expected")


def _subscription(part: bytes) -> Iterator[BusEvent]:
    if part[:2] == b"\x01\xff" and len(part) <= 64:
        yield Echo(part[1:])
    elif part[:1] not in (b"\x00", b"\x01"):
        yield Malformed(Plane.SUBSCRIPTION, "not a subscription")


def _bind(socket: zmq.Socket[bytes], host: str, port: int) -> str:
    address = f"tcp://{host}:{port or '*'}"
    try:
        socket.bind(address)
    except zmq.ZMQError as error:
        reason = {zmq.EADDRINUSE: "the port is in use", errno.EACCES: "this port needs more rights"}.get(
            error.errno or 0, error.strerror
        )
        raise RunError(
            f"the broker cannot listen on {address}: {reason}; choose another --port or --host"
        ) from None
    return socket.getsockopt_string(zmq.LAST_ENDPOINT)
