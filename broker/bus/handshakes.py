"""Monitors a node's handshake with the broker, whose failures the transport does not report by itself.

Two things are certain, and end a node: a broker that speaks with keys to a node without them, or the other way
round; and keys that do not fit. All else may pass: it is a finding in words, and the node goes on looking.
"""

from __future__ import annotations

from itertools import count

import zmq
from zmq.utils.monitor import recv_monitor_message

from broker.bus.authentication import monitor_of
from broker.bus.probe import Found, Probe
from broker.bus.sockets import Context, Socket
from broker.wire.limits import FAILED_HANDSHAKES, PROBE_AFTER_S, PROBE_EVERY_S, PROBE_SLOW_S
from market.errors import RunError

_NUMBERS = count()  # a name in a context belongs to one monitor
_FAILED = zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
_LOST = _FAILED | zmq.EVENT_DISCONNECTED | zmq.EVENT_CONNECT_RETRIED
_EVENTS = zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_AUTH | _LOST

UNKNOWN_KEY = "the broker does not know this node's key; give it the node's .key file, and start it again"
WITHOUT_KEYS = "the broker uses no keys; start it with --keys, or this node without"
WITH_KEYS = "the broker asks for a key; start this node with --keys DIR"
WRONG_KEY = "the broker has another key than the one in broker.key here; copy its broker.key anew"

_NO_CONNECTION = "a broker is there, but no connection to it comes about: is this the first of its three ports?"
STORIES = {
    Found.WITHOUT_KEYS: _NO_CONNECTION,
    Found.WITH_KEYS: _NO_CONNECTION,
    Found.HUNG_UP: "what listens there takes connections and closes them at once: a forwarder, such as an SSH "
    "tunnel, with no broker behind it?",
    Found.SILENT: "what listens there takes connections and says nothing: a broker that stands still, or a "
    "forwarder whose other end is away?",
    Found.STRANGER: "what listens there is no broker",
    Found.NOBODY: "nobody listens there: is the address right, and does the broker run?",
    Found.NO_ANSWER: "no answer from there: is the address right, and does a firewall let us through?",
    Found.NO_NAME: "no machine of this name is known here",
    Found.NO_WAY: "there is no way to this address from here",
}


class HandshakeMonitor:
    """Watches the connection of one connecting socket. Made before the socket connects.

    Which end finds a fault first is a matter of luck, and the other sees no more than that the connection broke
    off. So where none comes about for a while, a look of its own tells who is there.
    """

    def __init__(self, context: Context, watched: Socket, address: str, *, keyed: bool, now: float) -> None:
        self.socket = monitor_of(context, watched, f"handshake-{next(_NUMBERS)}", _EVENTS)
        self._address = address
        self._keyed = keyed
        self._stands = self._has_stood = False
        self._failed = 0
        self._probe: Probe | None = None
        self._probe_at = now + PROBE_SLOW_S
        self._tried = False
        self._found: Found | None = None
        self._last_story = ""

    def check(self, now: float) -> str | None:
        """What has changed since the last call: what is in the way, in words; empty once the connection stands.

        None if nothing has changed; RunError if it is certain that we shall never be let in.
        """
        while self.socket.poll(0):
            event = recv_monitor_message(self.socket)
            self._came(int(event["event"]), int(event["value"]), now)
        self._probe_if_needed(now)
        self._conclude()
        story = "" if self._stands or self._found is None else f"{self._address}: {STORIES[self._found]}"
        if story == self._last_story:
            return None
        self._last_story = story
        return story

    def _came(self, event: int, value: int, now: float) -> None:
        if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            self._stands = self._has_stood = True
            self._failed, self._found, self._tried = 0, None, False
        elif event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            raise RunError(f"{self._address}: {UNKNOWN_KEY}")
        elif event == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL and value == zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH:
            raise RunError(f"{self._address}: {WITHOUT_KEYS if self._keyed else WITH_KEYS}")
        elif event & _FAILED:
            self._failed += 1
        if event & _LOST and not self._tried:
            self._stands, self._tried, self._probe_at = False, True, now + PROBE_AFTER_S

    def _probe_if_needed(self, now: float) -> None:
        """Look who is there, where no connection stands; what was seen meanwhile is taken in."""
        if self._probe is not None and self._probe.found is not None:
            self._found = None if self._stands else self._probe.found
            self._probe = None
        if self._probe is None and not self._stands and now >= self._probe_at:
            self._probe = Probe(self._address)
            self._probe_at = now + PROBE_EVERY_S

    def _conclude(self) -> None:
        """RunError if what was seen leaves no hope."""
        if self._stands:
            return
        if self._found is Found.WITHOUT_KEYS and self._keyed:
            raise RunError(f"{self._address}: {WITHOUT_KEYS}")
        if self._found is Found.WITH_KEYS and not self._keyed:
            raise RunError(f"{self._address}: {WITH_KEYS}")
        if self._found is Found.WITH_KEYS and not self._has_stood and self._failed >= FAILED_HANDSHAKES:
            raise RunError(f"{self._address}: {WRONG_KEY}")
