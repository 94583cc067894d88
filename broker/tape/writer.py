"""Writes a tape, in batches."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from broker.tape.reader import TapeSoFar, framed
from broker.tape.records import Record, packed
from market.errors import TapeError


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
        self._batch.append(framed(packed(record)))

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
