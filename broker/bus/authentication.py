"""Authenticates connections where keys are in use: answers each request of ZAP 1.0, and sees failed handshakes.

A connection that is let in carries its owner's name, and so does every frame on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import zmq
from zmq.utils import z85
from zmq.utils.monitor import recv_monitor_message

from broker.bus.sockets import Context, Socket, enough_descriptors
from broker.wire.limits import MAX_PARTS

ZAP_ADDRESS = "inproc://zeromq.zap.01"
_FAILURES = zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """A connection that did not come about: the reason for counters, and a sentence for people."""

    reason: str
    story: str


class Authenticator:
    """Answers for all sockets of a context which keys may connect, and as whom."""

    def __init__(self, context: Context, owners: Mapping[bytes, str]) -> None:
        self.socket = context.socket(zmq.REP)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.bind(ZAP_ADDRESS)
        self._owners = owners

    def answer(self) -> Iterator[TurnedAway]:
        """Answer the request that waits on the socket; says whom it turned away."""
        request = self.socket.recv_multipart()
        reply, turned_away = judged(request, self._owners)
        self.socket.send_multipart(reply)
        if turned_away is not None:
            yield turned_away


def judged(request: Sequence[bytes], owners: Mapping[bytes, str]) -> tuple[list[bytes], TurnedAway | None]:
    """The reply to one ZAP request, and who was turned away by it."""
    version, sequence, _, address, _, mechanism, *credentials = request
    owner, key = None, b""
    if mechanism == b"CURVE" and len(credentials) == 1 and len(credentials[0]) == 32:
        key = z85.encode(credentials[0])
        owner = owners.get(key)
    if owner is not None:
        return [version, sequence, b"200", b"OK", owner.encode(), b""], None
    story = f"a connection from {address.decode(errors='replace')} with the unknown key {key.decode()}"
    return [version, sequence, b"400", b"unknown key", b"", b""], TurnedAway("unknown_key", story)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A connection has been taken, on this descriptor."""

    descriptor: int


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection on this descriptor is gone."""

    descriptor: int


class ConnectionWatch:
    """Says which connections to a listening socket come, go and break off. Made before the socket listens.

    handshakes : whether to tell of those that break off before they stand
    """

    def __init__(self, context: Context, watched: Socket, name: str, *, handshakes: bool) -> None:
        events = zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED | (_FAILURES if handshakes else 0)
        self.socket = monitor_of(context, watched, name, events)

    def events(self) -> Iterator[Accepted | Disconnected | TurnedAway]:
        """What has been noticed since the last call; of very much, the rest at the next one."""
        for _ in range(MAX_PARTS):
            if not self.socket.poll(0):
                return
            message = recv_monitor_message(self.socket)
            event, value = message["event"], message["value"]
            if event == zmq.EVENT_ACCEPTED:
                yield Accepted(value)
            elif event == zmq.EVENT_DISCONNECTED:
                yield Disconnected(value)
            else:
                reason, what = _failure(event, value)
                yield TurnedAway(reason, f"a connection to {message['endpoint'].decode(errors='replace')} {what}")


def monitor_of(context: Context, watched: Socket, name: str, events: int) -> Socket:
    """A socket on which `events` of another are told. It must be unlimited: a full one stops the transport."""
    address = f"inproc://monitor-{name}"
    with enough_descriptors():
        watched.monitor(address, events)
        socket = context.socket(zmq.PAIR)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.RCVHWM, 0)
    socket.connect(address)
    return socket


def _failure(event: int, value: int) -> tuple[str, str]:
    if event == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL:
        if value == zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH:
            return "no_key", "without a key"
        if value == zmq.PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC:
            return "wrong_broker_key", "that takes another broker's key for this one's"
    return "broken_handshake", "that broke off, for want of a key or for other reasons"
