"""Writes a tape, in batches."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from broker.tape.files import new_file, open_tape
from broker.tape.reader import TapeSoFar, framed
from broker.tape.records import Record, packed
from market.errors import TapeError
from market.system_fault import reason_and_remedy

CUT_NAME = "tape.cut-"
"""What the files beside a tape are called, with a number, that keep what was cut off it."""


class TapeWriter:
    """Appends records in batches: `add` collects, `flush` hands a batch to the operating system in one write.

    What was handed over survives the end of this process, however it ends. Once the tape is lost, which is told by
    TapeError, nothing more is written: behind a record that was torn it would only spoil what can be taken up.
    size : bytes on the tape · kept : the file that holds what was cut off the tape, None where nothing was
    """

    def __init__(self, path: Path, so_far: TapeSoFar | None = None) -> None:
        """A new tape, or one that goes on behind what is whole of it so far. TapeError if that cannot be.

        What is torn behind that is kept in a file beside the tape before it is cut off.
        """
        self.size = so_far.whole_bytes if so_far else 0
        self.kept: Path | None = None
        self._path = path
        self._batch: list[bytes] = []
        self._lost = False
        self._file = self._taken_up(so_far) if so_far else self._created()

    def __enter__(self) -> TapeWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _created(self) -> BinaryIO:
        try:
            return new_file(self._path)
        except OSError as error:
            raise TapeError(f"{self._path}: the tape cannot be created: {reason_and_remedy(error)}") from None

    def _taken_up(self, so_far: TapeSoFar) -> BinaryIO:
        file = open_tape(self._path, os.O_RDWR)
        try:
            whole_bytes = os.fstat(file.fileno()).st_size
            if whole_bytes != so_far.whole_bytes + so_far.torn_bytes:
                raise TapeError(f"{self._path}: the tape has changed since it was read; is its run going on?")
            if so_far.torn_bytes:
                self.kept = _keep(self._path, os.pread(file.fileno(), so_far.torn_bytes, so_far.whole_bytes))
                file.truncate(so_far.whole_bytes)
            file.seek(so_far.whole_bytes)
        except OSError as error:
            file.close()
            raise TapeError(f"{self._path}: the tape cannot be taken up: {reason_and_remedy(error)}") from None
        except TapeError:
            file.close()
            raise
        return file

    def add(self, record: Record) -> None:
        """Put a record into the batch."""
        self._batch.append(framed(packed(record)))

    def flush(self) -> None:
        """Write the batch; TapeError if the disk does not take it."""
        if not self._batch:
            return
        data = b"".join(self._batch)
        self._batch.clear()
        if self._lost:
            return
        self.size += len(data)
        try:
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            self._lost = True
            raise TapeError(f"{self._path}: the tape cannot be written: {reason_and_remedy(error)}") from None

    def check(self) -> None:
        """TapeError, once, if the tape is no longer where people look for it, or no longer what was written."""
        try:
            mine = os.fstat(self._file.fileno())
            there = self._lost or os.path.samestat(os.stat(self._path), mine)
        except OSError:
            there = False
        if not there:
            self._lost = True
            raise TapeError(
                f"{self._path}: the tape is gone: it was deleted or moved while the run went on; "
                "if it was moved, put it back and take the run up (--resume), else begin anew"
            )
        if not self._lost and mine.st_size != self.size:
            self._lost = True
            raise TapeError(
                f"{self._path}: the tape has {mine.st_size:,} bytes, but {self.size:,} were written: "
                "something else changed it while the run went on; begin anew, in another folder"
            )

    def piece(self, offset: int, most: int) -> bytes:
        """At most so many bytes of what is on the tape, from an offset on."""
        try:
            return os.pread(self._file.fileno(), most, offset)
        except OSError as error:
            raise TapeError(f"{self._path}: the tape cannot be read: {reason_and_remedy(error)}") from None

    def close(self) -> None:
        """Write what is left and close."""
        if not self._file.closed:
            try:
                self.flush()
            finally:
                self._file.close()


def _keep(tape: Path, data: bytes) -> Path:
    """Put what is to be cut off into a new file beside the tape, and on the disk. OSError if that cannot be."""
    for number in count(1):
        path = tape.with_name(f"{CUT_NAME}{number}")
        try:
            file = new_file(path)
        except FileExistsError:
            continue
        with file:
            while data:
                data = data[file.write(data) :]
            os.fsync(file.fileno())
        return path
    raise AssertionError("numbers never run out")
