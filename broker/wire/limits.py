"""The limits that the bus keeps, all in one place.

What both sides of a connection must agree on is fixed; what a broker may choose for itself is in `Limits`.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_FRAME_BYTES = 1 << 20
"""Largest frame; a larger one is refused and counted as `oversized`."""

MAX_TRANSPORT_BYTES = 2 * MAX_FRAME_BYTES
"""Beyond this the transport itself drops the connection, before it takes memory for the message."""

MAX_SUBSCRIPTION_BYTES = 512
"""Largest message where nodes listen, handshake included; a larger one costs its sender the connection."""

MAX_MEMBER_BYTES = 256
"""Longest name of a VPP before a frame of its own, where several share a connection."""

MAX_PARTS = 1000
"""Most parts of one message, and most messages taken from one socket before the others are looked at."""

QUEUE_OUT_MESSAGES = 1000
"""Messages that wait for one receiver; further ones are dropped for it alone, and sent again when it asks."""

MOST_AHEAD = 10_000
"""Most messages that a node may say it has published and that have not come; more is refused."""

MOST_A_TURN = 16
"""Most messages of a node in one turn of virtual time, four of which it needs; further ones are refused."""

LIFE_SIGN_EVERY_S = 1.5
"""How often a node asks for a sign of life on each of its connections; the broker's transport answers it."""

LIFE_SIGN_WITHIN_S = 6.0
"""How long the answer may take: four repetitions of a lost packet fit in, and with the interval it stays below the
10 s after which a node is given up, so that a dead connection is replaced before its node is missed."""

KEPT_ALIVE_AFTER_S, KEPT_ALIVE_EVERY_S, KEPT_ALIVE_TRIES = 10, 2, 5
"""When the broker's system asks whether a connection on which nothing passes is still there, and how often."""

CONNECT_WITHIN_S = 5.0
"""How long a connection may take to come about before another is tried: two repetitions of its first packet."""

HANDSHAKE_WITHIN_S = 8.0
"""How long a connection may stand without a handshake: three exchanges with keys, each over a stall of 2 s."""

RECONNECT_AFTER_S, RECONNECT_AT_MOST_S = 0.1, 2.0
"""When a lost connection is tried anew, and how long at most between tries while nobody listens: a broker that is
started again is found within this time, and one that stays away costs nothing."""

OPEN_AGAIN_S = 10.0
"""When a half of a node's data plane that has not been proved open is opened anew; no handshake takes as long."""

FAILED_HANDSHAKES = 10
"""Handshakes in a row that the other side breaks off, with a broker that speaks with keys there, before a node
concludes that it takes another key for the broker's."""

PROBE_AFTER_S, PROBE_SLOW_S, PROBE_EVERY_S, PROBE_WITHIN_S = 1.0, 5.0, 5.0, 2.0
"""When a node looks by itself at who is there: so long after a try to connect has failed, or, since a busy machine
is slow, after it began to try and nothing has come of it; how often again; and how long a look may take."""

CONNECTIONS_A_VPP = 4
"""Connections that a node has: orders, signs of life, and one for each way of the data plane."""

CONNECTIONS_TO_SPARE = 64
"""Connections from one machine beyond those of its nodes: viewers, and connections that are being replaced."""


def connections_for(vpps: int) -> int:
    """Most connections from one machine to a broker of so many VPPs, all of which may be on it."""
    return CONNECTIONS_A_VPP * vpps + CONNECTIONS_TO_SPARE


@dataclass(frozen=True, slots=True)
class Limits:
    """What a broker may choose for itself.

    vpps : most VPPs of one market that runs as processes
    frames_per_s, burst_frames : what one sender may send, sustained and at once; what exceeds it is refused
    """

    vpps: int = 1000
    frames_per_s: float = 10_000.0
    burst_frames: int = 20_000
