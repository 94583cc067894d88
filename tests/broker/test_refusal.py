"""Claims: who asks to be let in with a wrong token or version is told so in what it can read, and nothing else."""

from __future__ import annotations

import random

import msgpack
import pytest

from broker.wire import frames
from broker.wire.frames import WIRE_VERSION, Envelope, decode, encode
from broker.wire.messages import BROKER, Heartbeat, Hello, Message, Refused, Watch
from broker.wire.refusal import ask_of, reason_for, refusal_of
from market.errors import WireError

OURS, THEIRS = b"o" * 16, b"t" * 16
HELLO = Hello(1, "digest", "plant", "scenario", "software")


def frame(message: Message, token: bytes = THEIRS) -> bytes:
    return encode(Envelope(1, "A", 0, message), token)


def refused(asked: bytes) -> tuple[str, bytes]:
    """The reason by which a frame is refused here, and the answer to it."""
    with pytest.raises(WireError) as caught:
        decode(asked, OURS)
    ask = ask_of(asked)
    assert ask is not None
    answer = refusal_of(asked, reason_for(ask, caught.value))
    assert answer is not None
    return caught.value.reason, answer


@pytest.mark.parametrize(("message", "called"), [(HELLO, "the token"), (Watch(0), "the watching token")])
def test_a_wrong_token_is_told_under_that_token(message: Message, called: str) -> None:
    reason, answer = refused(frame(message))
    assert reason == "wrong_token"
    told = decode(answer, THEIRS)
    assert told.sender == BROKER
    assert isinstance(told.message, Refused)
    assert told.message.reason.startswith(f"{called} is not this run's")
    assert not told.message.later
    assert OURS not in answer


@pytest.mark.parametrize("version", [1, 3, WIRE_VERSION + 1, 99])
def test_a_wrong_version_is_told_in_that_version(version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As their side reads it: an envelope of its own version, with its own token."""
    parts = msgpack.unpackb(frame(HELLO, OURS))
    reason, answer = refused(msgpack.packb([version, *parts[1:]]))
    assert reason == "wrong_version"
    with monkeypatch.context() as theirs:
        theirs.setattr(frames, "WIRE_VERSION", version)
        told = decode(answer, OURS).message
    assert isinstance(told, Refused)
    assert f"speaks version {WIRE_VERSION} of the protocol, and you version {version}" in told.reason


def test_a_wrong_version_of_a_message_that_has_changed_since_is_told_as_well() -> None:
    old = msgpack.packb([2, THEIRS, 1, "A", 0, "Hello", [1, "digest", "software"]])
    assert refused(old)[0] == "wrong_version"


@pytest.mark.parametrize(
    "asked",
    [
        b"",
        b"noise",
        b"\xc1" * 40,
        frame(Heartbeat()),
        msgpack.packb([WIRE_VERSION, b"short", 1, "A", 0, "Hello", []]),
        msgpack.packb([WIRE_VERSION, "x" * 16, 1, "A", 0, "Hello", []]),
        msgpack.packb(["3", THEIRS, 1, "A", 0, "Hello", []]),
        msgpack.packb([WIRE_VERSION, THEIRS, 1, 7, 0, "Hello", []]),
        msgpack.packb([WIRE_VERSION, THEIRS, 1, "A", 0, ["Hello"], []]),
        msgpack.packb([WIRE_VERSION, THEIRS, 1, "A", 0, "Hello"]),
        msgpack.packb({"version": WIRE_VERSION}),
        msgpack.packb([WIRE_VERSION, THEIRS, 1, "A", 0, "Hello", [b"." * (1 << 20)]]),
    ],
)
def test_nothing_else_is_answered(asked: bytes) -> None:
    assert refusal_of(asked, "why") is None


def test_whatever_comes_is_answered_under_its_own_seal_or_not_at_all() -> None:
    source = random.Random(1)
    good = frame(HELLO)
    for _ in range(5000):
        spoilt = bytearray(good)
        for _ in range(source.randrange(1, 4)):
            spoilt[source.randrange(len(spoilt))] = source.randrange(256)
        answer = refusal_of(bytes(spoilt), "why")
        if answer is not None:
            assert OURS not in answer
            assert len(answer) < 100
            assert answer[1:20] == bytes(spoilt)[1:20]
