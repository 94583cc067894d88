"""Owns every limit that the bus keeps, in one place. Knows nothing of who enforces which.

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

MAX_PARTS = 1000
"""Most parts of one message, and most messages taken from one socket before the others are looked at."""

QUEUE_IN_MESSAGES = 64
"""Messages of one connection that wait here to be read; further ones wait at their sender."""

QUEUE_OUT_MESSAGES = 1000
"""Messages that wait for one receiver; further ones are dropped for it alone, and sent again when it asks."""

MOST_AHEAD = 10_000
"""Most messages that a node may say it has published and that have not come; more is refused."""

MOST_A_TURN = 16
"""Most messages of a node in one turn of virtual time, four of which it needs; further ones are refused."""

NODE_OPEN_S = 2.0
"""How long the two halves of a node's data plane may take to be proved open, before they are opened afresh."""

FAILED_HANDSHAKES = 10
"""Handshakes in a row that the other side breaks off before a node gives up; they take about two seconds."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a broker may choose for itself.

    vpps : most VPPs of one market that runs as processes
    frames_per_s, burst_frames : what one sender may send, sustained and at once; what exceeds it is refused
    """

    vpps: int = 1000
    frames_per_s: float = 10_000.0
    burst_frames: int = 20_000
