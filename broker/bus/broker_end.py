"""The broker's three sockets, and what can be waited for with them.

    control    ROUTER   hello, ready, heartbeats, turns, confirmations, audit
    inward     XSUB     what nodes publish
    outward    XPUB     what the broker delivers; also where nodes' ready echoes are asked for

With keys every connection is encrypted, and every frame carries the name of the key's owner. Nothing here ever
waits for a receiver: each has a bounded queue of its own, and what does not fit in is dropped for it alone and
counted, or recovered when it asks.
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from socket import AF_INET6, SHUT_RDWR, SOCK_STREAM
from socket import socket as SystemSocket
from typing import TypeAlias, TypeVar

import zmq

from broker.bus.addresses import host_in_brackets
from broker.bus.authentication import Authenticator, ConnectionWatch, Disconnected, TurnedAway
from broker.bus.callers import Callers, machine_of
from broker.bus.closing import Closing
from broker.bus.descriptors import room_for_connections
from broker.bus.keys import BrokerKeys, as_server
from broker.bus.sockets import enough_descriptors, listening, speak_to
from broker.wire.limits import MAX_MEMBER_BYTES, MAX_PARTS, MAX_SUBSCRIPTION_BYTES, connections_for
from market.errors import RunError

NOBODY = ""
"""The user of a frame that came with no key although keys are in use; there is no such VPP."""

NOWHERE = -1
"""The connection of a frame of which it is not known."""

_Answer = TypeVar("_Answer")


class BusPlane(StrEnum):
    """Where a frame came in."""

    CONTROL = "control"
    DATA = "data"
    SUBSCRIPTION = "subscription"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One frame from outside. `route` is who to answer on the control plane, empty elsewhere.

    user : the owner of the key it came with, None where no keys are in use
    connection : tells connections apart, where it is known
    """

    plane: BusPlane
    route: bytes
    frame: bytes
    user: str | None = None
    connection: int = NOWHERE


@dataclass(frozen=True, slots=True)
class Subscribed:
    """Somebody wants to hear a topic. `connection` is for `hang_up`; `user` as in `Arrival`."""

    topic: bytes
    user: str | None
    connection: int


@dataclass(frozen=True, slots=True)
class Malformed:
    """A message whose very parts are wrong, e.g. too many frames."""

    plane: BusPlane
    detail: str


@dataclass(frozen=True, slots=True)
class Signal:
    """A watched file descriptor became readable, e.g. a process has ended."""

    descriptor: int


BusEvent: TypeAlias = Arrival | Subscribed | Malformed | Signal | TurnedAway


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The three addresses the broker is bound to."""

    control: str
    inward: str
    outward: str


@dataclass(frozen=True, slots=True)
class RawMessage:
    """One message as it came: its parts, and where from."""

    parts: list[bytes]
    user: str | None
    connection: int


class BrokerEnd(Closing):
    """The broker's sockets, bound on `host`. Port 0: three free ports of the system's choice, else port…port+2.

    vpps : how many nodes are to come; so many connections can stand from any one machine, and not many more
    """

    def __init__(self, host: str, port: int = 0, keys: BrokerKeys | None = None, vpps: int = 20) -> None:
        self.dropped: Counter[str] = Counter()
        self._keys = keys
        self._most_each = connections_for(vpps)
        self._callers = Callers(self._most_each, room_for_connections(self._most_each, vpps))
        with enough_descriptors():
            self._context = zmq.Context()
        self._poller = zmq.Poller()
        self._watched: set[int] = set()
        self._watches: list[ConnectionWatch] = []
        try:
            self._authenticator = self._open_door()
            self._control = self._open(zmq.ROUTER)
            self._control.setsockopt(zmq.ROUTER_MANDATORY, 1)
            self._inward = self._open(zmq.XSUB)
            self._outward = self._open(zmq.XPUB)
            self._outward.setsockopt(zmq.XPUB_VERBOSER, 1)
            self._control.setsockopt(zmq.ROUTER_HANDOVER, 1)  # a node that reconnects takes its route with it
            self._outward.setsockopt(zmq.MAXMSGSIZE, MAX_SUBSCRIPTION_BYTES)
            self.endpoints = Endpoints(
                _bind(self._control, host, port),
                _bind(self._inward, host, port + 1 if port else 0),
                _bind(self._outward, host, port + 2 if port else 0),
            )
        except BaseException:
            self._context.destroy(linger=0)
            raise
        self._inward.send(b"\x01")  # subscribe to everything that nodes publish

    def _open_door(self) -> Authenticator | None:
        if self._keys is None:
            return None
        authenticator = Authenticator(self._context, self._keys.owners)
        self._poller.register(authenticator.socket, zmq.POLLIN)
        return authenticator

    def _open(self, kind: int) -> zmq.Socket[bytes]:
        socket = listening(self._context, kind, max(map(len, self.speaks_for.values()), default=1))
        as_server(socket, self._keys)
        self._poller.register(socket, zmq.POLLIN)
        watch = ConnectionWatch(self._context, socket, str(kind), handshakes=self.keyed)
        self._poller.register(watch.socket, zmq.POLLIN)
        self._watches.append(watch)
        return socket

    def close(self) -> None:
        """Close everything. What has not been sent is given a moment, then dropped."""
        for socket in (self._control, self._inward, self._outward):
            socket.close(linger=200)
        if self._authenticator is not None:
            self._authenticator.socket.close()
        for watch in self._watches:
            watch.socket.close()
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
        """Send on the control plane, never waiting. What a receiver does not take is counted in `dropped`.

        That is no error: a receiver that is gone, or reads nothing, is noticed by its silence.
        """
        try:
            self._control.send_multipart([*_parts_of(route), frame], zmq.NOBLOCK)
        except zmq.Again:
            self.dropped["queue_full"] += 1
        except zmq.ZMQError as error:
            if error.errno != errno.EHOSTUNREACH:
                raise
            self.dropped["unreachable"] += 1

    def publish(self, topic: bytes, *frames: bytes) -> None:
        """Publish on the data plane; several frames travel together, which spares the receivers wake-ups.

        Never waits: a subscriber whose queue is full misses this, alone, and asks for it when it notices.
        """
        self._outward.send_multipart([topic, *frames])

    def hang_up(self, connection: int) -> None:
        """End a connection that subscribes to what it may not; an honest one would connect again."""
        _ask(connection, lambda end: end.shutdown(SHUT_RDWR))

    def peer_of(self, connection: int) -> str:
        """The address at the other end of a connection; empty if it is gone."""
        return _ask(connection, lambda end: str(end.getpeername()[0])) or ""

    @property
    def keyed(self) -> bool:
        """Whether keys are in use."""
        return self._keys is not None

    @property
    def speaks_for(self) -> Mapping[str, Sequence[str]]:
        """Whose key stands for whom, where that is not its owner alone."""
        return self._keys.speaks_for if self._keys else {}

    def wait(self, timeout_s: float) -> Iterator[BusEvent]:
        """What has come in, after waiting for at most `timeout_s`; nothing if nothing came."""
        ready = dict(self._poller.poll(max(0, ceil(timeout_s * 1000))))
        for descriptor in self._watched & ready.keys():
            yield Signal(descriptor)
        yield from self._at_the_door(ready)
        if self._control in ready:
            for came in self._heard(self._control):
                yield _order(came)
        if self._inward in ready:
            for came in self._heard(self._inward):
                yield from published(came)
        if self._outward in ready:
            for came in self._heard(self._outward):
                yield from _subscription(came)

    def _heard(self, socket: zmq.Socket[bytes]) -> Iterator[RawMessage]:
        """What has come in on a socket; whoever speaks is no longer among those who only take up room."""
        for came in received_from(socket, keyed=self.keyed):
            self._callers.spoke(came.connection)
            yield came

    def _at_the_door(self, ready: Container[object]) -> Iterator[TurnedAway]:
        """Answer who knocks, and tell whom that or a failed handshake has turned away."""
        if self._authenticator is not None and self._authenticator.socket in ready:
            yield from self._authenticator.answer()
        for end, watch in enumerate(self._watches):
            if watch.socket in ready:
                yield from self._counted(end, watch)

    def _counted(self, end: int, watch: ConnectionWatch) -> Iterator[TurnedAway]:
        """Keep count of connections; one too many is ended."""
        for event in watch.events():
            if isinstance(event, TurnedAway):
                yield event
            elif isinstance(event, Disconnected):
                self._callers.left(end, event.descriptor)
            elif address := self.peer_of(event.descriptor):
                leaves = self._callers.came(end, event.descriptor, address)
                if leaves is not None:
                    self.hang_up(leaves)
                    yield TurnedAway("too_many_connections", self._too_many(address))

    def _too_many(self, address: str) -> str:
        return (
            f"connections from {machine_of(address)} beyond {self._most_each}, or too many in all; each costs one"
        )


def _ask(descriptor: int, question: Callable[[SystemSocket], _Answer]) -> _Answer | None:
    """A word with the system about one of the transport's connections; None if it is gone already.

    It stays the transport's: nothing is copied, since there may be no descriptor left, and nothing is closed.
    """
    try:
        end = SystemSocket(AF_INET6, SOCK_STREAM, 0, fileno=descriptor)  # room for either kind of address
        try:
            return question(end)
        finally:
            end.detach()
    except (OSError, ValueError):
        return None


def received(socket: zmq.Socket[bytes]) -> Iterator[RawMessage]:
    """The messages that wait on a socket; a flood on one must not starve the others."""
    for _ in range(MAX_PARTS):
        try:
            parts = socket.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            return
        yield RawMessage(parts, None, NOWHERE)


def received_from(socket: zmq.Socket[bytes], *, keyed: bool) -> Iterator[RawMessage]:
    """As `received`, and says whose key each came with, where keys are in use, and on which connection."""
    for _ in range(MAX_PARTS):
        try:
            frames = socket.recv_multipart(zmq.NOBLOCK, copy=False)
        except zmq.Again:
            return
        user = str(_property(frames[-1], "User-Id", NOBODY)) if keyed else None
        connection = int(_property(frames[-1], zmq.SRCFD, NOWHERE))
        yield RawMessage([frame.bytes for frame in frames], user, connection)


def _property(frame: zmq.Frame, name: str | int, otherwise: str | int) -> str | int:
    """What the transport noted of a frame; the end of a connection makes frames of which nothing is noted."""
    try:
        noted: str | int = frame.get(name)
        return noted
    except zmq.ZMQError:
        return otherwise


def published(came: RawMessage, route: bytes = b"") -> Iterator[Arrival | Malformed]:
    """The frames of a publication, which follow its topic. route : what is told of where they came"""
    if not 2 <= len(came.parts) <= MAX_PARTS:
        yield Malformed(
            BusPlane.DATA, f"{len(came.parts)} parts, a topic and 1 to {MAX_PARTS - 1} frames expected"
        )
        return
    for frame in came.parts[1:]:
        yield Arrival(BusPlane.DATA, route, frame, came.user, came.connection)


def _order(came: RawMessage) -> BusEvent:
    """An order's answer. Between connection and frame stands which node it is of, where several share one."""
    identity, *member = came.parts[:-1] or [b""]
    known = 2 <= len(came.parts) <= 3
    if known and all(0 < len(name) <= MAX_MEMBER_BYTES for name in member):
        return Arrival(BusPlane.CONTROL, _route(identity, *member), came.parts[-1], came.user, came.connection)
    return Malformed(BusPlane.CONTROL, f"{len(came.parts)} parts, 2 expected, or 3 of which one is a VPP")


def _route(identity: bytes, member: bytes = b"") -> bytes:
    """Where answers go: a connection, and who of those on it."""
    return bytes([len(identity)]) + identity + member


def _parts_of(route: bytes) -> list[bytes]:
    """What stands before a frame that goes there."""
    end = 1 + route[0]
    return [route[1:end], *([route[end:]] if route[end:] else [])]


def _subscription(came: RawMessage) -> Iterator[BusEvent]:
    event, topic = came.parts[0][:1], came.parts[0][1:]
    if event == b"\x01":
        yield Subscribed(topic, came.user, came.connection)
    elif event != b"\x00":
        yield Malformed(BusPlane.SUBSCRIPTION, "not a subscription")


def _bind(socket: zmq.Socket[bytes], host: str, port: int) -> str:
    address = f"tcp://{host_in_brackets(host)}:{port or '*'}"
    speak_to(socket, address)
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
