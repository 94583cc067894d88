"""Makes the sockets of the bus: queues, heartbeats of the transport, dead connections that are replaced.

A connection can die without a word: a cable, a firewall that forgets, a machine that is gone. So the connecting
end sends a sign of life over each connection, which the other answers by itself, however busy its program is;
without an answer in time it gives the connection up and makes a new one. Each sign says how long it is good for.

The listening end sends none. libzmq 4.3.5 ends the whole process (an assertion in `out_event`) when such a sign
falls due on a connection that its other end has closed while messages of it wait here to be read, or can never be,
because another connection has taken its name: whoever reaches the port could end the broker so.

For the same reason no end has a bound on what waits to be read. Where there is one, reading stops at it; a
connection that is reset then keeps what came before, and the first sign of life in it is answered into nothing,
which is the same assertion: a node killed while its broker is busy, or a stranger's few bytes, would be enough.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

import zmq

from broker.wire.limits import (
    CONNECT_WITHIN_S,
    HANDSHAKE_WITHIN_S,
    KEPT_ALIVE_AFTER_S,
    KEPT_ALIVE_EVERY_S,
    KEPT_ALIVE_TRIES,
    LIFE_SIGN_EVERY_S,
    LIFE_SIGN_WITHIN_S,
    MAX_TRANSPORT_BYTES,
    QUEUE_OUT_MESSAGES,
    RECONNECT_AFTER_S,
    RECONNECT_AT_MOST_S,
)
from market.errors import RunError

Socket: TypeAlias = "zmq.Socket[bytes]"
Context: TypeAlias = "zmq.Context[zmq.Socket[bytes]]"


def listening(context: Context, kind: int, nodes_a_connection: int = 1) -> Socket:
    """A socket that others connect to, so many nodes at most on one connection."""
    socket = _made(context, kind, QUEUE_OUT_MESSAGES * nodes_a_connection)
    socket.setsockopt(zmq.TCP_KEEPALIVE, 1)  # what is dead and never said how long it lives is found in the end
    socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, KEPT_ALIVE_AFTER_S)
    socket.setsockopt(zmq.TCP_KEEPALIVE_INTVL, KEPT_ALIVE_EVERY_S)
    socket.setsockopt(zmq.TCP_KEEPALIVE_CNT, KEPT_ALIVE_TRIES)
    return socket


def connecting(context: Context, kind: int, send_queue: int = QUEUE_OUT_MESSAGES) -> Socket:
    """A socket that connects, and connects again whenever its connection is lost.

    What bounds its receiving queue is the broker, which keeps so many messages for a receiver.
    """
    socket = _made(context, kind, send_queue)
    socket.setsockopt(zmq.HEARTBEAT_IVL, _ms(LIFE_SIGN_EVERY_S))
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, _ms(LIFE_SIGN_WITHIN_S))
    socket.setsockopt(zmq.HEARTBEAT_TTL, _ms(LIFE_SIGN_EVERY_S + LIFE_SIGN_WITHIN_S))
    socket.setsockopt(zmq.CONNECT_TIMEOUT, _ms(CONNECT_WITHIN_S))
    socket.setsockopt(zmq.RECONNECT_IVL, _ms(RECONNECT_AFTER_S))
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, _ms(RECONNECT_AT_MOST_S))
    return socket


def speak_to(socket: Socket, address: str) -> None:
    """Before a socket binds or connects there: an IPv6 address has brackets."""
    if "[" in address:
        socket.setsockopt(zmq.IPV6, 1)


def _made(context: Context, kind: int, send_queue: int) -> Socket:
    """With bounds on what it sends and on each message, and no hold on the end of its process."""
    with enough_descriptors():
        socket = context.socket(kind)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.SNDHWM, send_queue)
    socket.setsockopt(zmq.RCVHWM, 0)
    socket.setsockopt(zmq.MAXMSGSIZE, MAX_TRANSPORT_BYTES)
    socket.setsockopt(zmq.HANDSHAKE_IVL, _ms(HANDSHAKE_WITHIN_S))
    return socket


@contextmanager
def enough_descriptors() -> Iterator[None]:
    """RunError where the system gives this process no more file descriptors."""
    try:
        yield
    except (OSError, zmq.ZMQError) as error:
        if error.errno not in (errno.EMFILE, errno.ENFILE):
            raise
        raise RunError("too few file descriptors are allowed here; raise the limit: ulimit -n 4096") from None


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
