"""Reads a tape: bytes, in pieces cut anywhere, become records, and each is checked against those before it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from broker.tape.check import TapeCheck
from broker.tape.files import open_tape
from broker.tape.records import TAPE_VERSION, Record, record_of, unpacked
from broker.tape.torn import HEAD, MAX_RECORD, fault_of_end
from market.errors import TapeError, WireError
from market.system_fault import reason_and_remedy


@dataclass(frozen=True, slots=True)
class TapeSoFar:
    """The whole records of a tape, how many bytes they take, and how many torn ones follow."""

    records: tuple[Record, ...]
    whole_bytes: int
    torn_bytes: int


def read_tape(path: Path) -> Iterator[Record]:
    """The whole records of a tape, in order; a torn last record ends it, since a killed run may leave one.

    TapeError if the file is no tape, is of another version, is damaged, or holds what no run leaves.
    """
    yield from tape_so_far(path).records


def tape_so_far(path: Path) -> TapeSoFar:
    """What a tape holds that may have been broken off. TapeError as in `read_tape`."""
    with open_tape(path) as file:
        try:
            data = file.read()
        except OSError as error:
            raise TapeError(f"{path}: the tape cannot be read: {reason_and_remedy(error)}") from None
    reader = TapeReader(str(path))
    records = tuple(reader.feed(data))
    reader.check_end()
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
        self._number = 0
        self._check = TapeCheck()

    def feed(self, data: bytes) -> Iterator[Record]:
        """The records that are whole with these bytes. TapeError as in `read_tape`, after the good ones."""
        self.received += len(data)
        data, offset = self._rest + data, 0
        try:
            while (payload := self._payload_at(data, offset)) is not None:
                record = self._record(payload)
                size = HEAD.size + len(payload)
                self.taken, offset = self.taken + size, offset + size
                yield record
        finally:
            self._rest = data[offset:]

    def check_end(self) -> None:
        """No more bytes will come: TapeError if what is left over was not torn off, but damaged."""
        fault = fault_of_end(self._rest) if self.taken else ""
        if fault:
            raise TapeError(f"{self._name}: damaged at byte {self.taken}: {fault}; records before it are good")

    def _payload_at(self, data: bytes, offset: int) -> bytes | None:
        """The payload of the record at an offset, or None where the data end."""
        if offset + HEAD.size > len(data):
            return None
        length, checksum = HEAD.unpack_from(data, offset)
        payload = data[offset + HEAD.size : offset + HEAD.size + length]
        if length > MAX_RECORD or (len(payload) == length and zlib.crc32(payload) != checksum):
            story = f"damaged at byte {self.taken}: the checksum does not fit; records before it are good"
            raise TapeError(f"{self._name}: {story}")
        return payload if len(payload) == length else None

    def _record(self, payload: bytes) -> Record:
        """The record in a payload, which is one that may stand here."""
        self._number += 1
        try:
            entry = unpacked(payload)
            if self._number == 1:
                _check_version(entry)
            record = record_of(entry)
            self._check.take(record)
        except (WireError, TapeError) as error:
            place = f"record {self._number}, at byte {self.taken}"
            raise TapeError(f"{self._name}: {error} ({place})") from None
        return record


def _check_version(entry: object) -> None:
    if type(entry) is not list or len(entry) < 2 or entry[0] != "tape" or type(entry[1]) is not int:
        raise TapeError("no tape: it does not begin with a tape's header")
    if entry[1] != TAPE_VERSION:
        raise TapeError(f"tape version {entry[1]}, this software reads version {TAPE_VERSION}")
