"""Owns the tape: the append-only record of a run, written before what it records is delivered.

Knows nothing of the protocol beyond the records below. A record is `length (4 bytes, big-endian), CRC-32
(4 bytes), msgpack`; the payload is a list whose first entry is its kind:

    ["tape", version, wire version, scenario digest, seed, roster]    the first record
    ["scenario", body]                                                the second, where plants take part
    ["epoch", number, time_s, roster, why]                            all begin, or begin anew: void is what was
    ["left", time_s, vpp, how]                                        a VPP was lost
    ["back", time_s, vpp]                                             a lost VPP is here again
    ["resumed", time_s]                                               a run that broke off is taken up
    ["message", time_s, epoch, sender, seq, kind, body]               a message of the data plane, when it was sent
    ["turn", number, time_s, receiver, [[sender, seq], …]]            what reached whom, when (virtual time)
    ["done", time_s, vpp, upto, [[vpp, version], …]]                  what had been consumed (wall time)
    ["command", number, time_s, receiver, kind, body]                 an order of the broker to one node
    ["audit", sender, before, after]                                  a node's plans
    ["end", verdict]                                                  the last record of a complete run

Without failures and in virtual time nothing on it depends on real time, process ids or ports: equal runs have
equal tapes.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

import msgpack

from market.errors import TapeError

TAPE_VERSION = 2
TAPE_NAME = "tape.msgpack"
_HEAD = struct.Struct(">II")
_MAX_RECORD = 64 << 20

Record: TypeAlias = list[Any]


@dataclass(frozen=True, slots=True)
class TapeSoFar:
    """The whole records of a tape, how many bytes they take, and how many torn ones follow."""

    records: tuple[Record, ...]
    whole_bytes: int
    torn_bytes: int


class TapeWriter:
    """Appends records in batches: `add` collects, `flush` hands a batch to the operating system in one write.

    What was handed over survives the end of this process, however it ends.
    size : bytes on the tape
    """

    def __init__(self, path: Path, so_far: TapeSoFar | None = None) -> None:
        """A new tape, or one that goes on behind what is whole of it so far. TapeError if that cannot be."""
        self.size = so_far.whole_bytes if so_far else 0
        self._path = path
        self._batch: list[bytes] = []
        try:
            self._file = path.open("r+b" if so_far else "x+b", buffering=0)
            self._file.truncate(self.size)
            self._file.seek(self.size)
        except OSError as error:
            what = "taken up" if so_far else "created"
            raise TapeError(f"{path}: the tape cannot be {what}: {error.strerror}") from None

    def __enter__(self) -> TapeWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(self, record: Record) -> None:
        """Put a record into the batch."""
        payload: bytes = msgpack.packb(record, use_bin_type=True)
        self._batch.append(_HEAD.pack(len(payload), zlib.crc32(payload)) + payload)

    def flush(self) -> None:
        """Write the batch; TapeError if the disk does not take it."""
        if not self._batch:
            return
        data = b"".join(self._batch)
        self._batch.clear()
        self.size += len(data)
        try:
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            raise TapeError(f"{self._path}: the tape cannot be written: {error.strerror}") from None

    def piece(self, offset: int, most: int) -> bytes:
        """At most so many bytes of what is on the tape, from an offset on."""
        try:
            return os.pread(self._file.fileno(), most, offset)
        except OSError as error:
            raise TapeError(f"{self._path}: the tape cannot be read: {error.strerror}") from None

    def close(self) -> None:
        """Write what is left and close."""
        if not self._file.closed:
            try:
                self.flush()
            finally:
                self._file.close()


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


class TapeReader:
    """Makes records of a tape's bytes as they come, in pieces cut anywhere. `name`: how errors call the tape.

    received, taken : bytes given so far, and those of them that whole records were made of
    """

    def __init__(self, name: str) -> None:
        self.received = 0
        self.taken = 0
        self._name = name
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Record]:
        """The records that are whole with these bytes. TapeError as in `read_tape`, after the good ones."""
        self.received += len(data)
        data, offset = self._rest + data, 0
        try:
            while (record := _record_at(data, offset, self._name, self.taken)) is not None:
                size, entry = record
                if not self.taken:
                    _check_header(entry, self._name)
                self.taken, offset = self.taken + size, offset + size
                yield entry
        finally:
            self._rest = data[offset:]


def _record_at(data: bytes, offset: int, name: str, byte: int) -> tuple[int, Record] | None:
    """The record at an offset and its size, or None where the data end. `byte`: where that is on the tape."""
    if offset + _HEAD.size > len(data):
        return None
    length, checksum = _HEAD.unpack_from(data, offset)
    payload = data[offset + _HEAD.size : offset + _HEAD.size + length]
    if length > _MAX_RECORD or (len(payload) == length and zlib.crc32(payload) != checksum):
        raise TapeError(f"{name}: damaged at byte {byte}: the checksum does not fit; records before it are good")
    if len(payload) < length:
        return None
    try:
        entry = msgpack.unpackb(payload, raw=False, strict_map_key=False)
    except (ValueError, msgpack.UnpackException) as error:
        raise TapeError(f"{name}: damaged at byte {byte}: {error}") from None
    if type(entry) is not list or not entry:
        raise TapeError(f"{name}: damaged at byte {byte}: not a record")
    return _HEAD.size + length, entry


def _check_header(entry: Record, name: str) -> None:
    if entry[0] != "tape" or len(entry) < 2:
        raise TapeError(f"{name}: no tape: it does not begin with a tape's header")
    if entry[1] != TAPE_VERSION:
        raise TapeError(f"{name}: tape version {entry[1]}, this software reads version {TAPE_VERSION}")
