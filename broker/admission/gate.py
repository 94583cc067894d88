"""Admits frames from outside: only frames of this run, from whom they say they are, and not too many of them.

Where keys are in use, a frame's sender must be the owner of the key it came with, so nobody speaks for another,
nor repeats what another said. Who looks on is no member, and a member may not look on: the tape is for the
watcher's key or, where no keys are in use, for the watching token.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from broker.admission.rate import TokenBucket
from broker.bus.addresses import TOPIC_ALL, inbox_topic, member_of, ready_topic
from broker.bus.broker_end import Arrival, Subscribed
from broker.bus.keys import WATCHER
from broker.wire.frames import Envelope, decode
from broker.wire.limits import Limits
from broker.wire.messages import Watch
from market.errors import ProtocolError, WireError


class Gate:
    """What a broker lets in, for the run with this token among these VPPs.

    watch_token : seals what those say and hear who look on without a key
    speaks_for : by owner of a key, whose nodes speak with it, where that is not its owner alone
    """

    def __init__(
        self,
        token: bytes,
        roster: Sequence[str],
        limits: Limits,
        watch_token: bytes,
        speaks_for: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._token = token
        self._watch_token = watch_token
        self._names = (*roster, WATCHER)
        self._limits = limits
        self._speaks_for = {owner: frozenset(names) for owner, names in (speaks_for or {}).items()}
        self._buckets: dict[str | int, TokenBucket] = {}

    def admit(self, arrival: Arrival, now: float) -> Envelope:
        """The envelope in a frame; WireError, or ProtocolError with reason `wrong_key`, `too_many`,
        `not_a_watcher` or `not_a_member`.
        """
        self._count(arrival.connection if arrival.user is None else arrival.user, now)
        envelope, may_watch = self._opened(arrival)
        if arrival.user is not None and envelope.sender not in self._names_of(arrival.user):
            story = f"the key of {arrival.user} speaks for {envelope.sender!r:.40}; use that one's own key"
            raise ProtocolError("wrong_key", story)
        watches = isinstance(envelope.message, Watch)
        if watches and not may_watch:
            needed = "the watching token" if arrival.user is None else "the watcher's key"
            raise ProtocolError("not_a_watcher", f"who takes part may not look on: that needs {needed}")
        if may_watch and not watches:
            had = "the watching token" if arrival.user is None else "the watcher's key"
            raise ProtocolError("not_a_member", f"{had} lets somebody look on, and do nothing else")
        return envelope

    def _opened(self, arrival: Arrival) -> tuple[Envelope, bool]:
        """The envelope, and whether it came from somebody who looks on."""
        if arrival.user is not None:
            return decode(arrival.frame, self._token), arrival.user == WATCHER
        try:
            return decode(arrival.frame, self._token), False
        except WireError as error:
            if error.reason != "wrong_token":
                raise
            return decode(arrival.frame, self._watch_token), True

    def _names_of(self, user: str) -> Collection[str]:
        """For whom the key of somebody stands."""
        return self._speaks_for.get(user) or (user,)

    def watching_token(self, *, keyed: bool) -> bytes:
        """What answers to those who look on are sealed with."""
        return self._token if keyed else self._watch_token

    def _count(self, sender: str | int, now: float) -> None:
        """One allowance for each key, or, since names prove nothing without keys, for each connection."""
        bucket = self._buckets.get(sender)
        if bucket is None:
            nodes = len(self._names_of(sender)) if isinstance(sender, str) else 1
            bucket = TokenBucket(self._limits.frames_per_s * nodes, self._limits.burst_frames * nodes)
            self._buckets[sender] = bucket
        if not bucket.take(now):
            who = f"the key of {sender}" if isinstance(sender, str) else "a connection"
            raise ProtocolError("too_many", f"{who} sends more than {self._limits.frames_per_s:g} frames a second")

    def may_hear(self, subscribed: Subscribed) -> bool:
        """Whether a topic may be subscribed to: what is for all, and what is for oneself."""
        names = self._names if subscribed.user is None else self._names_of(subscribed.user)
        if subscribed.topic == TOPIC_ALL:
            return True
        name = member_of(subscribed.topic)
        return name in names and subscribed.topic in (inbox_topic(name), ready_topic(name))
