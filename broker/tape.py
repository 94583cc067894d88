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

import fcntl
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

    A tape has one writer. What was handed over survives the end of this process, however it ends.
    """

    def __init__(self, path: Path, so_far: TapeSoFar | None = None) -> None:
        """A new tape, or one that goes on behind what is whole of it so far. TapeError if that cannot be."""
        self._path = path
        self._batch: list[bytes] = []
        try:
            self._file = path.open("r+b" if so_far else "xb", buffering=0)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if so_far:
                self._file.truncate(so_far.whole_bytes)
                self._file.seek(so_far.whole_bytes)
        except BlockingIOError:
            raise TapeError(f"{path}: the tape is being written by another process; stop that run first") from None
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
        try:
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            raise TapeError(f"{self._path}: the tape cannot be written: {error.strerror}") from None

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
    data = _read(path)
    return (record for record, _ in _whole_records(data, path))


def tape_so_far(path: Path) -> TapeSoFar:
    """What a tape holds that may have been broken off. TapeError as in `read_tape`."""
    data = _read(path)
    found = list(_whole_records(data, path))
    whole = found[-1][1]
    return TapeSoFar(tuple(record for record, _ in found), whole, len(data) - whole)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TapeError(f"{path}: the tape cannot be read: {error.strerror}") from None


def _whole_records(data: bytes, path: Path) -> Iterator[tuple[Record, int]]:
    """Each whole record with where it ends."""
    offset = 0
    while (found := _record_at(data, offset, path)) is not None:
        size, record = found
        if offset == 0:
            _check_header(record, path)
        offset += size
        yield record, offset
    if offset == 0:
        raise TapeError(f"{path}: no tape: it holds no whole record")


def _record_at(data: bytes, offset: int, path: Path) -> tuple[int, Record] | None:
    """The record at an offset and its size, or None where the tape ends or is torn."""
    if offset + _HEAD.size > len(data):
        return None
    length, checksum = _HEAD.unpack_from(data, offset)
    payload = data[offset + _HEAD.size : offset + _HEAD.size + length]
    if length > _MAX_RECORD or (len(payload) == length and zlib.crc32(payload) != checksum):
        raise TapeError(f"{path}: damaged at byte {offset}: the checksum does not fit; records before it are good")
    if len(payload) < length:
        return None
    try:
        entry = msgpack.unpackb(payload, raw=False, strict_map_key=False)
    except (ValueError, msgpack.UnpackException) as error:
        raise TapeError(f"{path}: damaged at byte {offset}: {error}") from None
    if type(entry) is not list or not entry:
        raise TapeError(f"{path}: damaged at byte {offset}: not a record")
    return _HEAD.size + length, entry


def _check_header(entry: Record, path: Path) -> None:
    if entry[0] != "tape" or len(entry) < 2:
        raise TapeError(f"{path}: no tape: it does not begin with a tape's header")
    if entry[1] != TAPE_VERSION:
        raise TapeError(f"{path}: tape version {entry[1]}, this software reads version {TAPE_VERSION}")
