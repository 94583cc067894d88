"""Claim: no connection that is reset ends the broker's process, however much of it waits to be read.

The other end is a stranger of bytes alone: it greets, says more than any queue would hold, asks for a life sign,
and is reset before anything of it is read.
"""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
import time

import pytest
import zmq

from broker.bus.sockets import listening

GREETING = b"\xff" + b"\0" * 8 + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + b"\0" * 32
MESSAGE = b"\x00\x01x"
BROKER = """\
import sys, time
from tests.broker.test_reset_queue import survived
print(survived(getattr(__import__("zmq"), sys.argv[1]), int(sys.argv[2])))
"""


def command(name: bytes, body: bytes) -> bytes:
    """A command of ZMTP 3."""
    told = bytes([len(name)]) + name + body
    return b"\x04" + bytes([len(told)]) + told


def kind_of_peer(name: bytes) -> bytes:
    key = b"Socket-Type"
    return bytes([len(key)]) + key + struct.pack(">I", len(name)) + name


def survived(kind: int, messages: int) -> int:
    """How many messages a listening socket reads of a peer that was reset before any was read."""
    peer = {zmq.ROUTER: b"DEALER", zmq.SUB: b"PUB"}[zmq.SocketType(kind)]
    context = zmq.Context()
    bound = listening(context, kind)
    if kind == zmq.SUB:
        bound.setsockopt(zmq.SUBSCRIBE, b"")
    port = bound.bind_to_random_port("tcp://127.0.0.1")
    with socket.create_connection(("127.0.0.1", port)) as stranger:
        stranger.sendall(GREETING)
        stranger.recv(64)
        stranger.sendall(command(b"READY", kind_of_peer(peer)))
        time.sleep(0.3)
        stranger.sendall(MESSAGE * messages + command(b"PING", b"\x00\x64") + MESSAGE)
        time.sleep(0.5)
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    time.sleep(0.5)
    read = 0
    while bound.poll(500):
        bound.recv_multipart()
        read += 1
    bound.close()
    context.term()
    return read


@pytest.mark.sampled(4)
@pytest.mark.parametrize("messages", [1, 64, 65, 100, 2000])
@pytest.mark.parametrize("kind", ["ROUTER", "SUB"])
def test_a_reset_behind_a_backlog_ends_nothing(kind: str, messages: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BROKER, kind, str(messages)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0
