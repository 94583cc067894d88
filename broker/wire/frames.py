"""Encodes and decodes frames: one envelope per frame, version and token first, size limited both ways.

Layout (msgpack, positional): `[version, token, epoch, sender, seq, kind, body]`, the body being the message's
fields in order. `seq` numbers a sender's data messages from 1 and is 0 on the control plane.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any, get_args

import msgpack

from broker.wire import messages
from broker.wire.limits import MAX_FRAME_BYTES
from broker.wire.messages import Message
from broker.wire.types import codec_for
from market.errors import WireError

WIRE_VERSION = 10
TOKEN_BYTES = 16
_MAX_DEPTH_ITEMS = 200_000

_KINDS: dict[str, type[Message]] = {kind.__name__: kind for kind in get_args(messages.Message)}

_INTEGER, _TEXT = codec_for(int), codec_for(str)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message with who sent it, in which epoch, and its number (0 on the control plane)."""

    epoch: int
    sender: str
    seq: int
    message: Message


def make_codecs() -> None:
    """Make the codec of each kind of message now, not when the first of it comes."""
    kinds: list[Any] = [*_KINDS.values()]
    for kind in kinds:
        codec_for(kind)


def to_body(message: Message) -> list[Any]:
    """The message's fields as plain data."""
    kind: Any = type(message)
    body: list[Any] = codec_for(kind).pack(message)
    return body


def from_body(kind: object, body: object) -> Message:
    """The message of a kind and plain data; WireError `unknown_kind` or `bad_field`."""
    if not isinstance(kind, str) or kind not in _KINDS:
        raise WireError("unknown_kind", f"{kind!r:.40} is not a message")
    wanted: Any = _KINDS[kind]
    message: Message = codec_for(wanted).unpack(body, kind)
    return message


def encode(envelope: Envelope, token: bytes) -> bytes:
    """The frame of an envelope; WireError `oversized` if it would not be accepted on the other side."""
    message = envelope.message
    parts = [WIRE_VERSION, token, envelope.epoch, envelope.sender, envelope.seq, type(message).__name__]
    frame: bytes = msgpack.packb([*parts, to_body(message)], use_bin_type=True)
    if len(frame) > MAX_FRAME_BYTES:
        raise WireError("oversized", f"{type(message).__name__} of {len(frame)} bytes, {MAX_FRAME_BYTES} allowed")
    return frame


def decode(frame: bytes, token: bytes) -> Envelope:
    """The envelope in a frame.

    Raises WireError and nothing else, with reason `oversized`, `not_msgpack`, `wrong_shape`, `wrong_version`,
    `wrong_token`, `unknown_kind` or `bad_field`.
    """
    if len(frame) > MAX_FRAME_BYTES:
        raise WireError("oversized", f"{len(frame)} bytes, {MAX_FRAME_BYTES} allowed")
    parts = unpacked(frame)
    if type(parts) is not list or not parts or type(parts[0]) is not int:
        raise WireError("wrong_shape", "not an envelope")
    if parts[0] != WIRE_VERSION:
        raise WireError("wrong_version", f"version {parts[0]}, this side speaks {WIRE_VERSION}")
    if len(parts) != 7 or type(parts[1]) is not bytes:
        raise WireError("wrong_shape", "not an envelope")
    if not hmac.compare_digest(parts[1], token):
        raise WireError("wrong_token", "the token is not this run's")
    _, _, epoch, sender, seq, kind, body = parts
    return Envelope(
        _INTEGER.unpack(epoch, "epoch"),
        _TEXT.unpack(sender, "sender"),
        _INTEGER.unpack(seq, "seq"),
        from_body(kind, body),
    )


def unpacked(frame: bytes) -> object:
    """What bytes of msgpack stand for, within limits; WireError `not_msgpack` if they are none."""
    try:
        return msgpack.unpackb(
            frame,
            raw=False,
            strict_map_key=True,
            max_array_len=_MAX_DEPTH_ITEMS,
            max_map_len=0,
            max_ext_len=0,
            max_bin_len=MAX_FRAME_BYTES,
            max_str_len=MAX_FRAME_BYTES,
        )
    except (ValueError, msgpack.UnpackException, RecursionError) as error:
        raise WireError("not_msgpack", f"{type(error).__name__}: {error!s:.60}") from None
