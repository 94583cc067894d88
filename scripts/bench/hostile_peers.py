"""Peers that send hostile frames: to all sockets of a broker, or from a broker to its nodes."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from itertools import cycle
from typing import Any

import zmq

from broker.bus.broker_end import BrokerEnd, BusEvent
from broker.bus.keys import NodeKeys, as_client
from scripts.bench.hostile_frames import Source

CONNECTIONS = 4  # of each kind, so that no rate stops what is to be decoded


class Attacker(threading.Thread):
    """Sends frames to all sockets of a broker, as many as it is told to, unless the broker ends first."""

    def __init__(self, source: Source, port: int, frames: int, keys: NodeKeys | None) -> None:
        super().__init__(daemon=True)
        self.sent: Counter[str] = Counter()
        self.almost_done, self.ended = threading.Event(), threading.Event()
        self._source, self._port, self._frames, self._keys = source, port, frames, keys

    def run(self) -> None:
        """Send; the last tenth while the market is at work."""
        context = zmq.Context()
        ends = [self._open(context, kind) for kind in (zmq.DEALER, zmq.XPUB) for _ in range(CONNECTIONS)]
        listening = self._open(context, zmq.XSUB)
        number = 0
        turns = cycle(ends)  # one that is cut off for a moment holds up no other
        while number < self._frames and not self.ended.is_set():
            kind, frame = self._source.frame()
            end = next(turns)
            parts = [frame] if end.type == zmq.DEALER else [b"m", frame]
            if self._source.random.random() < 0.001:
                parts = parts * self._source.random.choice([0, 2, 50]) or [b""]
            if number % 50 == 0:  # subscribe and cancel: what is subscribed comes again with every connection
                for event in (b"\x01", b"\x00"):
                    self._sent(listening, [event + frame[:400]])
            if self._sent(end, parts):
                self.sent[kind] += 1
                number += 1
            if number >= 0.9 * self._frames:
                self.almost_done.set()
        self.almost_done.set()
        context.destroy(linger=0)

    def _open(self, context: zmq.Context[zmq.Socket[bytes]], kind: zmq.SocketType) -> zmq.Socket[bytes]:
        end = context.socket(kind)
        end.setsockopt(zmq.LINGER, 0)
        end.setsockopt(zmq.RECONNECT_IVL, 1)
        end.setsockopt(zmq.SNDTIMEO, 2)
        end.setsockopt(zmq.RCVHWM, 10)
        if kind == zmq.XPUB:
            end.setsockopt(zmq.XPUB_NODROP, 1)
        as_client(end, self._keys)
        end.connect(f"tcp://127.0.0.1:{self._port + {zmq.DEALER: 0, zmq.XPUB: 1, zmq.XSUB: 2}[kind]}")
        if kind == zmq.XPUB:
            end.poll(5000)
        return end

    def _sent(self, end: zmq.Socket[bytes], parts: Sequence[bytes]) -> bool:
        try:
            while end.type == zmq.DEALER and end.poll(0):
                end.recv_multipart()  # answers: who does not take them is cut off from giving in the end
            end.send_multipart(parts)
            return True
        except zmq.Again:
            return False


class NoisyEnd(BrokerEnd):
    """A broker's sockets that send hostile frames whenever they wait, to every node that has joined."""

    source: Source
    frames = 0
    at_once = 100

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.sent: Counter[str] = Counter()
        self.routes: set[bytes] = set()

    def send(self, route: bytes, frame: bytes) -> None:
        """Send, and remember where to."""
        self.routes.add(route)
        super().send(route, frame)

    def wait(self, timeout_s: float) -> Any:
        """Some noise, then what came."""
        if self.routes and self.sent.total() < self.frames:
            for number in range(self.at_once):
                kind, frame = self.source.frame()
                if kind == "beyond the transport":  # a broker's limit is its own affair
                    continue
                self.sent[kind] += 1
                if number % 2:
                    self.publish(b"m", frame)
                else:
                    for route in self.routes:
                        super().send(route, frame)
            timeout_s = min(timeout_s, 0.004)
        return self._events(timeout_s)

    def _events(self, timeout_s: float) -> list[BusEvent]:
        return list(super().wait(timeout_s))
