"""Owns what may come in from outside: frames of this run, from whom they say they are, and not too many of them.

Knows nothing of sockets, or of who may say what when. Where keys are in use, a frame's sender must be the owner of
the key it came with, so nobody speaks for another, nor repeats what another said.
"""

from __future__ import annotations

from collections.abc import Sequence

from broker.bus.addresses import TOPIC_ALL, inbox_topic, ready_topic
from broker.bus.broker_end import Arrival, Subscribed
from broker.bus.keys import WATCHER
from broker.limits import Limits
from broker.rate import TokenBucket
from broker.wire.frames import Envelope, decode
from market.errors import ProtocolError


class Gate:
    """What a broker lets in, for the run with this token among these VPPs."""

    def __init__(self, token: bytes, roster: Sequence[str], limits: Limits) -> None:
        self._token = token
        self._names = (*roster, WATCHER)
        self._limits = limits
        self._buckets: dict[str | int, TokenBucket] = {}

    def admit(self, arrival: Arrival, now: float) -> Envelope:
        """The envelope in a frame; WireError, or ProtocolError with reason `wrong_key` or `too_many`."""
        self._count(arrival.connection if arrival.user is None else arrival.user, now)
        envelope = decode(arrival.frame, self._token)
        if arrival.user is not None and envelope.sender != arrival.user:
            story = f"the key of {arrival.user} speaks for {envelope.sender!r:.40}; use that one's own key"
            raise ProtocolError("wrong_key", story)
        return envelope

    def _count(self, sender: str | int, now: float) -> None:
        """One allowance for each key, or, since names prove nothing without keys, for each connection."""
        bucket = self._buckets.get(sender)
        if bucket is None:
            bucket = TokenBucket(self._limits.frames_per_s, self._limits.burst_frames)
            self._buckets[sender] = bucket
        if not bucket.take(now):
            who = f"the key of {sender}" if isinstance(sender, str) else "a connection"
            raise ProtocolError("too_many", f"{who} sends more than {self._limits.frames_per_s:g} frames a second")

    def may_hear(self, subscribed: Subscribed) -> bool:
        """Whether a topic may be subscribed to: what is for all, and what is for oneself."""
        names = self._names if subscribed.user is None else (subscribed.user,)
        return subscribed.topic == TOPIC_ALL or any(
            subscribed.topic in (inbox_topic(name), ready_topic(name)) for name in names
        )
