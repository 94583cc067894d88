"""What the nodes of one process have decoded: what all of them hear is decoded once.

It saves work and shares no knowledge: each node still looks up the very bytes that came on its own connection.
"""

from __future__ import annotations

from broker.wire.frames import Envelope, decode, encode

MOST_BYTES = 64 << 20
"""Of frames kept at a time; the oldest go first."""


class SharedFrames:
    """Frames by their bytes, with the token that opened them."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._known: dict[tuple[bytes, bytes], Envelope] = {}
        self._bytes = 0
        self._most_bytes = most_bytes

    def decoded(self, frame: bytes, token: bytes) -> Envelope:
        """The envelope in a frame, the same for equal frames; WireError as of `decode` if there is none."""
        envelope = self._known.get((token, frame))
        return envelope if envelope is not None else self._kept(frame, token, decode(frame, token))

    def encoded(self, envelope: Envelope, token: bytes) -> bytes:
        """The frame of an envelope; whoever hears it here gets this very object."""
        frame = encode(envelope, token)
        self._kept(frame, token, envelope)
        return frame

    def _kept(self, frame: bytes, token: bytes, envelope: Envelope) -> Envelope:
        self._known[token, frame] = envelope
        self._bytes += len(frame)
        while self._bytes > self._most_bytes:
            oldest = next(iter(self._known))
            del self._known[oldest]
            self._bytes -= len(oldest[1])
        return envelope
