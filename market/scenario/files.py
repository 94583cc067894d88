"""Reads one text file of a scenario, within limits of size and encoding."""

from __future__ import annotations

import os
from pathlib import Path

from market.errors import Fault
from market.system_fault import reason_of

_MEBIBYTE = 1 << 20


def read_text(path: Path, place: str, max_mebibytes: int) -> str | Fault:
    """The UTF-8 text of a regular file (a byte-order mark is dropped), or the fault that prevents it.

    `place` is how messages call the file. Never blocks on a device or a pipe, never reads past the limit.
    """
    if not os.path.exists(path):  # unlike Path.exists, never raises
        return Fault("must be there", "nothing", place, f"create {place} in {path.parent}, or correct its name")
    if not os.path.isfile(path):
        return Fault("must be a regular file", "a folder or a device", place, f"put a text file at {place}")
    limit = max_mebibytes * _MEBIBYTE
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        return Fault("must be readable", reason_of(error), place, "give yourself the right to read it")
    if len(data) > limit:
        size = f"more than {max_mebibytes} MiB"
        return Fault(
            f"must have at most {max_mebibytes} MiB",
            size,
            place,
            "split the scenario or drop what it does not need",
        )
    return _decoded(data, place)


def _decoded(data: bytes, place: str) -> str | Fault:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{data[error.start]:02x} at position {error.start}"
        return Fault("must be UTF-8 text", found, f"{place}:{line}", "save the file with encoding UTF-8")
    if not text.strip():
        return Fault("must not be empty", "an empty file", place, "start from a copy of a built-in case")
    return text
