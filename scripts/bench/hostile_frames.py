"""Makes hostile frames of every kind.

Noise, mutated and restructured frames of every kind of message, replays of what the market really said, wrong
identities, wrong versions, oversized and deeply nested ones, and huge declared lengths.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from random import Random
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgpack

from broker.wire.frames import TOKEN_BYTES, WIRE_VERSION, Envelope, encode
from broker.wire.limits import MAX_FRAME_BYTES, MAX_TRANSPORT_BYTES
from broker.wire.messages import Message
from market.model.arrays import Array, frozen

POOL = 3000  # different valid frames that others are made from


def sample(hint: Any, random: Random) -> Any:
    """A value of a wire type."""
    plain: dict[Any, Callable[[], Any]] = {
        float: lambda: random.choice([0.0, 500.0, -1.0, 1e300, random.uniform(0, 1000)]),
        int: lambda: random.choice([0, 1, 2, 7, 2**53, random.randrange(100)]),
        str: lambda: random.choice(["", "VPP1", "VPP2", "broker", "x" * 4096, "\u2028"]),
        bool: lambda: random.random() < 0.5,
        bytes: lambda: random.randbytes(random.choice([0, 1, 8, 5000])),
        NoneType: lambda: None,
    }
    if hint in plain:
        return plain[hint]()
    if hint == Array:
        return frozen([random.uniform(-1, 1000) for _ in range(random.choice([0, 1, 24, 500]))])
    if get_origin(hint) in (Union, UnionType):
        return sample(random.choice(get_args(hint)), random)
    if get_origin(hint) is tuple:
        return tuple(sample(get_args(hint)[0], random) for _ in range(random.choice([0, 1, 3, 24])))
    if issubclass(hint, StrEnum):
        return random.choice(list(hint))
    return hint(*(sample(part, random) for part in get_type_hints(hint).values()))


@dataclass(frozen=True)
class Source:
    """Where frames come from. `names`: whom they claim to be from; `spoken`: what an honest run really said."""

    random: Random
    token: bytes
    names: Sequence[str]
    spoken: Sequence[bytes]
    pool: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        for _ in range(POOL if self.names else 0):
            envelope = replace(self.envelope(), seq=self.random.randrange(50))
            self.pool.append(encode(envelope, self.token))

    def frame(self) -> tuple[str, bytes]:
        """The next frame, and what kind of frame it is."""
        kinds = (*_KINDS, *_RARE) if self.random.random() < 0.002 else _KINDS
        kind = self.random.choice(kinds)
        return kind, _MAKERS[kind](self)

    def envelope(self) -> Envelope:
        """A message of any kind from somebody."""
        message: Message = sample(self.random.choice(get_args(Message)), self.random)
        return Envelope(self.random.choice([0, 1, 1, 1, 2]), self.random.choice(self.names), 1, message)

    def valid(self) -> bytes:
        """A frame that decodes; whether it may come is another matter."""
        return self.random.choice(self.pool)


def mutated(source: Source) -> bytes:
    """A valid frame, a few bytes of it changed, cut, doubled or added."""
    random, frame = source.random, bytearray(source.valid())
    for _ in range(random.randrange(1, 4)):
        at = random.randrange(len(frame))
        how = random.randrange(4)
        if how == 0:
            frame[at] = random.randrange(256)
        elif how == 1:
            frame[at:at] = random.randbytes(random.randrange(1, 9))
        elif how == 2:
            frame[at:at] = frame[at : at + 40]
        elif len(frame) > 1:
            del frame[at : at + random.randrange(1, 9)]
            frame = frame or bytearray(b"\x00")
    return bytes(frame)


def restructured(source: Source) -> bytes:
    """A valid frame with a part of its tree replaced by something else."""
    random = source.random
    parts = msgpack.unpackb(source.valid())
    strange: list[Any] = [
        None,
        True,
        -1,
        2**64 - 1,
        1.5,
        float("nan"),
        "text",
        b"\x00" * 9,
        [],
        [[[]]],
        {},
        {"a": 1},
    ]
    node = parts
    while True:
        at = random.randrange(2, len(node)) if node is parts else random.randrange(len(node))
        if not isinstance(node[at], list) or not node[at] or random.random() < 0.3:
            node[at] = random.choice(strange)
            return bytes(msgpack.packb(parts))
        node = node[at]


def foreign_token(source: Source) -> bytes:
    """What would be a valid frame of another run."""
    return source.valid().replace(source.token, source.random.randbytes(TOKEN_BYTES), 1)


def foreign_version(source: Source) -> bytes:
    """A frame of another version."""
    parts = msgpack.unpackb(source.valid())
    parts[0] = source.random.choice([0, WIRE_VERSION + 1, 2**40])
    return bytes(msgpack.packb(parts))


def nested(source: Source) -> bytes:
    """Lists in lists, or maps in maps."""
    return source.random.choice([b"\x91", b"\x81\xa1a", b"\xdc\x00\x01"]) * source.random.randrange(1, 20_000)


def declared_huge(source: Source) -> bytes:
    """Few bytes that promise gigabytes."""
    heads = [b"\xdd", b"\xdf", b"\xc6", b"\xdb", b"\xc9"]
    head = source.random.choice(heads) + source.random.choice(
        [b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x00\x20\x00\x00"]
    )
    return b"\x97\x01" * source.random.randrange(2) + head + source.random.randbytes(source.random.randrange(20))


_MAKERS: dict[str, Callable[[Source], bytes]] = {
    "noise": lambda source: source.random.randbytes(source.random.randrange(0, 300)),
    "mutated": mutated,
    "restructured": restructured,
    "wrong identity": Source.valid,
    "replayed": lambda source: source.random.choice(source.spoken),
    "wrong token": foreign_token,
    "wrong version": foreign_version,
    "declared huge": declared_huge,
    "nested": nested,
    "oversized": lambda source: b"\x00" * (MAX_FRAME_BYTES + 1),
    "beyond the transport": lambda source: b"\x00" * (MAX_TRANSPORT_BYTES + 1),
}
_RARE = ("nested", "oversized", "beyond the transport")  # large, so that the rest is not held up
_KINDS = tuple(kind for kind in _MAKERS if kind not in _RARE)
