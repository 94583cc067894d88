"""Owns what a node finds out when its broker turns it away: the transport says nothing of it by itself.

Knows nothing of what is said once the connection stands.
"""

from __future__ import annotations

import zmq
from zmq.utils.monitor import recv_monitor_message

from broker.bus.doorkeeper import monitor_of
from broker.limits import FAILED_HANDSHAKES
from market.errors import RunError

_EVENTS = (
    zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
)


class Reception:
    """Watches the handshakes of one connecting socket. Made before the socket connects.

    Which end finds the fault first is a matter of luck, and the other end sees no more than that it broke off.
    """

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        watched: zmq.Socket[bytes],
        address: str,
        *,
        keyed: bool,
    ) -> None:
        self.socket = monitor_of(context, watched, "reception", _EVENTS)
        self._address = address
        self._keyed = keyed
        self._failed = 0

    def check(self) -> None:
        """Look at what has happened since the last call; RunError, saying why, if we are turned away."""
        while self.socket.poll(0):
            event = recv_monitor_message(self.socket)
            story = self._story(int(event["event"]), int(event["value"]))
            if story:
                raise RunError(f"{self._address}: {story}")

    def _story(self, event: int, value: int) -> str:
        if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            self._failed = 0
        elif event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            return "the broker does not know this node's key; give it the node's .key file, and start it again"
        elif event == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL and value == zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH:
            if self._keyed:
                return "the broker uses no keys; start it with --keys, or this node without"
            return "the broker asks for a key; start this node with --keys DIR"
        else:
            self._failed += 1
        if self._failed < FAILED_HANDSHAKES:
            return ""
        if self._keyed:
            return "the broker breaks off: it uses no keys, or another key than the one in broker.key here"
        return "the broker breaks off: it asks for a key; start this node with --keys DIR"
