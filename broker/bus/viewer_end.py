"""A viewer's socket: one DEALER to the broker's ROUTER."""

from __future__ import annotations

from contextlib import suppress

import zmq
from zmq.utils.monitor import recv_monitor_message

from broker.bus.addresses import host_of
from broker.bus.closing import Closing
from broker.bus.keys import NodeKeys, as_client
from broker.bus.sockets import connecting, enough_descriptors, speak_to

_FAILURES = (
    zmq.EVENT_HANDSHAKE_FAILED_AUTH,
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL,
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL,
)
_EVENTS = zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED | _FAILURES[0] | _FAILURES[1] | _FAILURES[2]


class ViewerEnd(Closing):
    """A viewer's connection. `connected`: whether a broker is at the other end now; `refused`: whether one was
    there and the handshake failed, as it does when keys are wrong or missing.

    Requests that nobody takes are dropped beyond a few. (`zmq.IMMEDIATE` would drop all of them, but what the
    broker has sent before it closes would be lost as well.)
    """

    def __init__(self, control_address: str, keys: NodeKeys | None = None) -> None:
        host_of(control_address)
        with enough_descriptors():
            self._context = zmq.Context()
        self._socket = connecting(self._context, zmq.DEALER, send_queue=2)
        as_client(self._socket, keys)
        self.connected = self.refused = False
        self._monitor = self._socket.get_monitor_socket(_EVENTS)
        speak_to(self._socket, control_address)
        self._socket.connect(control_address)

    def close(self) -> None:
        """Close at once."""
        self._socket.disable_monitor()
        self._context.destroy(linger=0)

    def ask(self, frame: bytes) -> None:
        """Send a request, or drop it when nobody takes it."""
        with suppress(zmq.Again):
            self._socket.send(frame, zmq.NOBLOCK)

    def wait(self, timeout_s: float) -> list[bytes]:
        """The frames that have come, after waiting for at most `timeout_s`."""
        frames: list[bytes] = []
        while self._socket.poll(0 if frames else max(0, round(timeout_s * 1000))):
            frames += self._socket.recv_multipart()
        while self._monitor.poll(0):
            event = recv_monitor_message(self._monitor)["event"]
            self.connected = event == zmq.EVENT_HANDSHAKE_SUCCEEDED
            self.refused = event in _FAILURES or (self.refused and not self.connected)
        return frames
