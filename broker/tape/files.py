"""Opens the files of tapes: regular ones, and nothing that would block or answer when it is opened."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import BinaryIO

from market.errors import TapeError
from market.scenario.private import AS_BYTES, AT_ONCE
from market.system_fault import reason_and_remedy

PRIVATE = 0o600


def open_tape(path: Path, flags: int = os.O_RDONLY) -> BinaryIO:
    """A tape's file, unbuffered. TapeError if it cannot be opened, or is a folder, a pipe or a device."""
    try:
        _check_regular(path, os.stat(path).st_mode)  # before it is opened: that alone may do something
        descriptor = os.open(path, flags | AT_ONCE)
        file = os.fdopen(descriptor, "rb" if flags == os.O_RDONLY else "r+b", buffering=0)
    except OSError as error:
        raise TapeError(f"{path}: the tape cannot be read: {reason_and_remedy(error)}") from None
    try:
        _check_regular(path, os.fstat(descriptor).st_mode)
    except TapeError:
        file.close()
        raise
    return file


def _check_regular(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "a pipe, a socket or a device"
        raise TapeError(f"{path}: no tape: it is {what}, not a file")


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex. TapeError if it cannot be read."""
    with open_tape(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # it reads into buffers


def new_file(path: Path) -> BinaryIO:
    """A file that was not there before, for its owner alone. OSError if that cannot be."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | AS_BYTES, PRIVATE)
    return os.fdopen(descriptor, "w+b", buffering=0)
