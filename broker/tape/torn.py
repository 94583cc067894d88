"""Tells the torn end of a tape, which a killed run leaves, from damage that only looks like one.

A record whose length was altered may seem to reach beyond the end; what follows it must never be taken for torn.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import fields
from typing import Any, Final

from broker.tape.records import KINDS, record_of, unpacked
from market.errors import WireError
from market.model.parameter import came_later

HEAD: Final = struct.Struct(">II")
"""Before each payload: its length and its CRC-32."""
MAX_RECORD: Final = 64 << 20


def _lengths(kind: type[Any]) -> range:
    """How many fields a record of a kind may have: those at the end that came later may be left out."""
    own = fields(kind)
    later = next((n for n, part in enumerate(reversed(own)) if not came_later(part)), len(own))
    return range(len(own) - later, len(own) + 1)


_BEGINNINGS: Final = tuple(
    bytes((0x90 + 1 + length, 0xA0 + len(name))) + name.encode()
    for name, kind in KINDS.items()
    for length in _lengths(kind)
)
"""How payloads begin: a short list, whose first entry is the short text of the record's kind."""
_ANY: Final = re.compile(b"|".join(re.escape(beginning) for beginning in _BEGINNINGS))
_MOST_SUMS: Final = 64
"""So many times the length of what is looked at is summed up at most: hostile bytes may look like records."""


def fault_of_end(rest: bytes) -> str:
    """What is wrong with the end of a tape, behind its last whole record; empty if it was torn off there."""
    if not rest:
        return ""
    if not _may_begin(rest):
        return "what follows is no beginning of a record"
    if len(rest) > HEAD.size and zlib.crc32(rest[HEAD.size :]) == HEAD.unpack_from(rest)[1]:
        return "its length was altered"
    if _holds_record(rest):
        return "valid records follow behind it"
    return ""


def _may_begin(rest: bytes) -> bool:
    payload = rest[HEAD.size :]
    return any(payload.startswith(start) or start.startswith(payload) for start in _BEGINNINGS)


def _holds_record(rest: bytes) -> bool:
    """Whether a whole record stands anywhere behind the first byte."""
    left = _MOST_SUMS * len(rest)
    for found in _ANY.finditer(rest, HEAD.size + 1):
        length, checksum = HEAD.unpack_from(rest, found.start() - HEAD.size)
        end = found.start() + length
        if not length or length > MAX_RECORD or end > len(rest):
            continue
        left -= length
        if left < 0:
            return True  # not worth telling: nothing that a run leaves looks like this
        payload = rest[found.start() : end]
        if zlib.crc32(payload) == checksum and _is_record(payload):
            return True
    return False


def _is_record(payload: bytes) -> bool:
    try:
        record_of(unpacked(payload))
    except WireError:
        return False
    return True
