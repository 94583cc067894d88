"""Claims: what is encoded is decoded again, bit for bit; nothing else is accepted; refusal is WireError only."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any, get_args

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.wire.frames import TOKEN_BYTES, WIRE_VERSION, Envelope, decode, encode
from broker.wire.limits import MAX_FRAME_BYTES
from broker.wire.messages import Message, Offer, Resend, Stop
from market.errors import WireError
from market.model.arrays import frozen
from tests.broker.strategies import messages, same, values_of
from tests.sampling import law

TOKEN = b"t" * TOKEN_BYTES
OFFER = Envelope(1, "VPP1", 3, Offer(2, (0, 5), frozen([400.0, 512.5])))


def parts_of(envelope: Envelope) -> list[Any]:
    parts: list[Any] = msgpack.unpackb(encode(envelope, TOKEN))
    return parts


def reason_of(frame: bytes) -> str:
    with pytest.raises(WireError) as caught:
        decode(frame, TOKEN)
    return caught.value.reason


@law(150)
@given(messages, st.integers(0, 100), st.text(max_size=32), st.integers(0, 2**40))
def test_every_message_survives_the_wire(message: Message, epoch: int, sender: str, seq: int) -> None:
    envelope = Envelope(epoch, sender, seq, message)
    assert same(decode(encode(envelope, TOKEN), TOKEN), envelope)


def test_doubles_travel_exactly() -> None:
    prices = frozen([0.1 + 0.2, 5e-324, 1.7976931348623157e308, -0.0])
    back = decode(encode(Envelope(1, "A", 1, Offer(1, (0, 1, 2, 3), prices)), TOKEN), TOKEN).message
    assert isinstance(back, Offer)
    assert back.price_cny_per_mwh.tobytes() == prices.tobytes()


@law(300)
@given(st.binary(max_size=300))
def test_random_bytes_raise_only_the_wire_error(noise: bytes) -> None:
    with pytest.raises(WireError):
        decode(noise, TOKEN)


@law(300)
@given(messages, st.data())
def test_a_damaged_frame_is_refused_or_still_a_message(message: Message, data: st.DataObject) -> None:
    frame = bytearray(encode(Envelope(1, "VPP1", 1, message), TOKEN))
    for _ in range(data.draw(st.integers(1, 3))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(frame[: data.draw(st.integers(0, len(frame)))]) if data.draw(st.booleans()) else bytes(frame)
    with suppress(WireError):
        assert isinstance(decode(cut, TOKEN), Envelope)


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("kind", get_args(Message), ids=lambda kind: kind.__name__)
@law(60)
@given(data=st.data())
def test_a_message_of_any_kind_with_a_part_replaced_is_refused_or_still_a_message(
    kind: type[Message], data: st.DataObject
) -> None:
    parts = parts_of(Envelope(1, "VPP1", 1, data.draw(values_of(kind))))
    node = parts
    while True:
        at = data.draw(st.integers(0, len(node) - 1))
        if not isinstance(node[at], list) or not node[at] or data.draw(st.booleans()):
            break
        node = node[at]
    node[at] = data.draw(anything)
    frame = msgpack.packb(parts)
    with suppress(WireError):
        envelope = decode(frame, TOKEN)
        assert same(decode(encode(envelope, TOKEN), TOKEN), envelope)


@law(300)
@given(st.lists(anything, max_size=9))
def test_any_list_is_refused_or_a_message(parts: list[Any]) -> None:
    with suppress(WireError):
        decode(msgpack.packb([WIRE_VERSION, TOKEN, *parts]), TOKEN)


def test_a_frame_cut_short_anywhere_is_refused() -> None:
    frame = encode(OFFER, TOKEN)
    for length in range(len(frame)):
        assert reason_of(frame[:length]) in ("not_msgpack", "wrong_shape")


@pytest.mark.parametrize(
    ("position", "value", "reason"),
    [
        (0, WIRE_VERSION + 1, "wrong_version"),
        (0, 0, "wrong_version"),
        (0, "1", "wrong_shape"),
        (1, b"x" * TOKEN_BYTES, "wrong_token"),
        (1, b"", "wrong_token"),
        (1, "t" * TOKEN_BYTES, "wrong_shape"),
        (2, -1, "bad_field"),
        (2, 1.0, "bad_field"),
        (3, 7, "bad_field"),
        (3, "x" * 5000, "bad_field"),
        (4, True, "bad_field"),
        (4, 2**60, "bad_field"),
        (5, "Order66", "unknown_kind"),
        (5, None, "unknown_kind"),
        (6, [], "bad_field"),
        (6, [1, [0, 5], b"1234567"], "bad_field"),
        (6, [1, [0, 5], frozen([math.nan]).tobytes()], "bad_field"),
        (6, [1, [0, 5], frozen([math.inf]).tobytes()], "bad_field"),
        (6, [1, "05", b""], "bad_field"),
        (6, ["1", [0, 5], b""], "bad_field"),
    ],
)
def test_each_wrong_part_is_named(position: int, value: object, reason: str) -> None:
    parts = parts_of(OFFER)
    parts[position] = value
    assert reason_of(msgpack.packb(parts)) == reason


def test_oversized_frames_are_refused_on_both_sides() -> None:
    assert reason_of(b"\x00" * (MAX_FRAME_BYTES + 1)) == "oversized"
    huge = Offer(1, (0,), frozen([1.0] * (MAX_FRAME_BYTES // 8)))
    with pytest.raises(WireError, match="oversized"):
        encode(Envelope(1, "VPP1", 1, huge), TOKEN)


@pytest.mark.parametrize(
    "frame",
    [
        b"\x91" * 100_000,  # arrays in arrays
        b"\xdd\xff\xff\xff\xff",  # an array said to hold 2^32 - 1 entries
        b"\xc6\xff\xff\xff\xff",  # bytes said to be 4 GiB
        b"\xdf\x7f\xff\xff\xff",  # a huge map
        msgpack.packb({"a": 1}),
        msgpack.packb([WIRE_VERSION]),
        msgpack.packb(None),
        encode(Envelope(1, "VPP1", 0, Stop("", complete=False)), TOKEN) + b"\x00",
    ],
)
def test_hostile_structures_are_refused(frame: bytes) -> None:
    assert reason_of(frame) in ("not_msgpack", "wrong_shape", "wrong_version")


def test_text_that_is_not_unicode_is_refused() -> None:
    frame = encode(Envelope(1, "VPP1", 0, Resend(())), TOKEN).replace(b"VPP1", b"VP\xff\xfe")
    assert reason_of(frame) == "not_msgpack"
