"""Claims: a sender above its rate is refused and no other is; nobody speaks, or listens, for another; and
who takes part may not look on, nor who looks on take part.
"""

from __future__ import annotations

from collections import Counter

import pytest

from broker.admission.gate import Gate
from broker.admission.rate import TokenBucket
from broker.bus.addresses import TOPIC_ALL, inbox_topic, ready_topic
from broker.bus.broker_end import NOBODY, Arrival, BusPlane, Subscribed
from broker.bus.keys import WATCHER
from broker.wire.frames import Envelope, encode
from broker.wire.limits import Limits
from broker.wire.messages import Heartbeat, Message, Watch
from market.errors import MarketError, ProtocolError, WireError

TOKEN, WATCH_TOKEN = b"g" * 16, b"w" * 16
HEARTBEAT, WATCH = Heartbeat(), Watch(0)
LIMITS = Limits(frames_per_s=10.0, burst_frames=5)


def gate() -> Gate:
    return Gate(TOKEN, ("A", "B"), LIMITS, WATCH_TOKEN)


def arrival(
    sender: str,
    user: str | None = None,
    connection: int = 1,
    message: Message = HEARTBEAT,
    token: bytes = TOKEN,
    plane: BusPlane = BusPlane.CONTROL,
) -> Arrival:
    return Arrival(plane, b"r", encode(Envelope(1, sender, 0, message), token), user, connection)


def reason_of(error: pytest.ExceptionInfo[MarketError]) -> str:
    assert isinstance(error.value, ProtocolError | WireError)
    return error.value.reason


# --- the rate ---


def taken(bucket: TokenBucket, times: list[float]) -> list[bool]:
    return [bucket.take(now) for now in times]


def test_a_burst_passes_and_then_the_rate_rules() -> None:
    bucket = TokenBucket(rate_per_s=2.0, burst=3)
    assert taken(bucket, [0.0] * 4) == [True, True, True, False]
    assert taken(bucket, [0.4, 0.5, 0.9, 1.0]) == [False, True, False, True]


def test_what_is_saved_up_is_bounded_by_the_burst() -> None:
    bucket = TokenBucket(rate_per_s=2.0, burst=3)
    bucket.take(0.0)
    assert taken(bucket, [1e6] * 4) == [True, True, True, False]


def test_in_the_long_run_the_rate_passes_whatever_is_tried() -> None:
    bucket = TokenBucket(rate_per_s=10.0, burst=5)
    passed = sum(bucket.take(tick / 1000) for tick in range(100_000))
    assert passed == pytest.approx(5 + 10.0 * 100, abs=1)


def test_a_clock_that_goes_back_gives_nothing() -> None:
    bucket = TokenBucket(rate_per_s=1.0, burst=1)
    assert taken(bucket, [10.0, 5.0, 5.5, 6.0]) == [True, False, False, True]


def test_who_sends_too_much_is_refused_and_nobody_else() -> None:
    door, counts = gate(), Counter[str]()
    for user in ("A", "B", "A", "A", "A", "A", "A", "A", "B"):
        try:
            door.admit(arrival(user, user), now=0.0)
            counts[user] += 1
        except ProtocolError as error:
            counts[f"{user} {error.reason}"] += 1
    assert counts == {"A": 5, "A too_many": 2, "B": 2}
    assert door.admit(arrival("A", "A"), now=0.1).sender == "A"


def test_without_keys_a_name_borrowed_on_another_connection_costs_its_owner_nothing() -> None:
    door = gate()
    for _ in range(5):
        door.admit(arrival("A", connection=7), now=0.0)
    with pytest.raises(ProtocolError) as caught:
        door.admit(arrival("A", connection=7), now=0.0)
    assert reason_of(caught) == "too_many"
    assert door.admit(arrival("A", connection=8), now=0.0).sender == "A"


def test_frames_that_are_none_count_as_well() -> None:
    door = gate()
    noise = Arrival(BusPlane.DATA, b"", b"noise", None, 3)
    for _ in range(5):
        with pytest.raises(WireError):
            door.admit(noise, now=0.0)
    with pytest.raises(ProtocolError) as caught:
        door.admit(noise, now=0.0)
    assert reason_of(caught) == "too_many"


def test_the_defaults_leave_room_for_any_honest_node() -> None:
    """A node answers what has come with a message and a Done, and a round trip takes 50 µs at the very least."""
    assert Limits().frames_per_s >= 10_000
    assert Limits().burst_frames >= Limits().frames_per_s


# --- names ---


def test_a_key_speaks_for_its_owner_alone() -> None:
    door = gate()
    assert door.admit(arrival("A", "A"), now=0.0).sender == "A"
    for sender, user in (("A", "B"), ("B", "A"), ("broker", "A"), ("A", "watcher"), ("A", NOBODY)):
        with pytest.raises(ProtocolError) as caught:
            door.admit(arrival(sender, user), now=0.0)
        assert reason_of(caught) == "wrong_key"


@pytest.mark.parametrize(
    ("user", "sender", "message", "token", "reason"),
    [
        (None, "A", HEARTBEAT, TOKEN, ""),
        (None, WATCHER, WATCH, WATCH_TOKEN, ""),
        (None, "A", WATCH, WATCH_TOKEN, ""),  # without keys a name proves nothing; the token does
        (None, WATCHER, WATCH, TOKEN, "not_a_watcher"),
        (None, "A", WATCH, TOKEN, "not_a_watcher"),
        (None, "A", HEARTBEAT, WATCH_TOKEN, "not_a_member"),
        (None, WATCHER, HEARTBEAT, WATCH_TOKEN, "not_a_member"),
        (None, "A", HEARTBEAT, b"?" * 16, "wrong_token"),
        (None, WATCHER, WATCH, b"?" * 16, "wrong_token"),
        (WATCHER, WATCHER, WATCH, TOKEN, ""),
        (WATCHER, WATCHER, HEARTBEAT, TOKEN, "not_a_member"),
        (WATCHER, "A", WATCH, TOKEN, "wrong_key"),
        (WATCHER, WATCHER, WATCH, WATCH_TOKEN, "wrong_token"),
        ("A", "A", WATCH, TOKEN, "not_a_watcher"),
        ("A", WATCHER, WATCH, TOKEN, "wrong_key"),
        ("A", "A", WATCH, WATCH_TOKEN, "wrong_token"),
        (NOBODY, WATCHER, WATCH, WATCH_TOKEN, "wrong_token"),
    ],
)
@pytest.mark.parametrize("plane", [BusPlane.CONTROL, BusPlane.DATA])
def test_a_member_is_no_watcher_and_a_watcher_no_member(
    user: str | None, sender: str, message: Message, token: bytes, reason: str, plane: BusPlane
) -> None:
    """With the run's token, or a VPP's key, the tape stays shut; with the watching token nothing else opens."""
    door, came = gate(), arrival(sender, user, 1, message, token, plane)
    if not reason:
        assert door.admit(came, now=0.0).message == message
        return
    with pytest.raises(MarketError) as caught:
        door.admit(came, now=0.0)
    assert reason_of(caught) == reason


@pytest.mark.parametrize(
    ("user", "topic", "allowed"),
    [
        ("A", TOPIC_ALL, True),
        ("A", inbox_topic("A"), True),
        ("A", ready_topic("A"), True),
        ("A", inbox_topic("B"), False),
        ("A", ready_topic("B"), False),
        ("watcher", TOPIC_ALL, True),
        ("watcher", ready_topic("watcher"), True),
        ("watcher", inbox_topic("A"), False),
        ("A", b"", False),
        ("A", b"@", False),
        (NOBODY, inbox_topic("A"), False),
        (None, inbox_topic("B"), True),
        (None, ready_topic("watcher"), True),
        (None, inbox_topic("C"), False),
        (None, b"", False),
        (None, b"\xff" * 60, False),
    ],
)
def test_what_may_be_listened_to(user: str | None, topic: bytes, allowed: bool) -> None:
    assert gate().may_hear(Subscribed(topic, user, 1)) is allowed
