"""Reads a tape: bytes, in pieces cut anywhere, become records."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from broker.tape.check import TapeCheck
from broker.tape.records import TAPE_VERSION, Record, record_of, unpacked
from market.errors import TapeError, WireError

HEAD: Final = struct.Struct(">II")
"""Before each payload: its length and its CRC-32."""
_MAX_RECORD = 64 << 20


@dataclass(frozen=True, slots=True)
class TapeSoFar:
    """The whole records of a tape, how many bytes they take, and how many torn ones follow."""

    records: tuple[Record, ...]
    whole_bytes: int
    torn_bytes: int


def read_tape(path: Path) -> Iterator[Record]:
    """The whole records of a tape, in order; a torn last record ends it, since a killed run may leave one.

    TapeError if the file is no tape, is of another version, or is damaged before its end.
    """
    yield from tape_so_far(path).records


def tape_so_far(path: Path) -> TapeSoFar:
    """What a tape holds that may have been broken off. TapeError as in `read_tape`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TapeError(f"{path}: the tape cannot be read: {error.strerror}") from None
    reader = TapeReader(str(path))
    records = tuple(reader.feed(data))
    if not reader.taken:
        raise TapeError(f"{path}: no tape: it holds no whole record")
    return TapeSoFar(records, reader.taken, len(data) - reader.taken)


def framed(payload: bytes) -> bytes:
    """A payload with its head."""
    return HEAD.pack(len(payload), zlib.crc32(payload)) + payload


class TapeReader:
    """Makes records of a tape's bytes as they come, in pieces cut anywhere. `name`: how errors call the tape.

    received, taken : bytes given so far, and those of them that whole records were made of
    """

    def __init__(self, name: str) -> None:
        self.received = 0
        self.taken = 0
        self._name = name
        self._rest = b""
        self._check = TapeCheck()

    def feed(self, data: bytes) -> Iterator[Record]:
        """The records that are whole with these bytes. TapeError as in `read_tape`, after the good ones."""
        self.received += len(data)
        data, offset = self._rest + data, 0
        try:
            while (payload := _payload_at(data, offset, self._name, self.taken)) is not None:
                record = self._record(payload)
                size = HEAD.size + len(payload)
                self.taken, offset = self.taken + size, offset + size
                yield record
        finally:
            self._rest = data[offset:]

    def _record(self, payload: bytes) -> Record:
        try:
            entry = unpacked(payload)
            if not self.taken:
                _check_header(entry, self._name)
            record = record_of(entry)
        except WireError as error:
            raise TapeError(f"{self._name}: damaged at byte {self.taken}: {error}") from None
        try:
            self._check.take(record)
        except TapeError as error:
            raise TapeError(f"{self._name}: {error}") from None
        return record


def _payload_at(data: bytes, offset: int, name: str, byte: int) -> bytes | None:
    """The payload of the record at an offset, or None where the data end. `byte`: where that is on the tape."""
    if offset + HEAD.size > len(data):
        return None
    length, checksum = HEAD.unpack_from(data, offset)
    payload = data[offset + HEAD.size : offset + HEAD.size + length]
    if length > _MAX_RECORD or (len(payload) == length and zlib.crc32(payload) != checksum):
        raise TapeError(f"{name}: damaged at byte {byte}: the checksum does not fit; records before it are good")
    return payload if len(payload) == length else None


def _check_header(entry: object, name: str) -> None:
    if type(entry) is not list or len(entry) < 2 or entry[0] != "tape" or type(entry[1]) is not int:
        raise TapeError(f"{name}: no tape: it does not begin with a tape's header")
    if entry[1] != TAPE_VERSION:
        raise TapeError(f"{name}: tape version {entry[1]}, this software reads version {TAPE_VERSION}")
