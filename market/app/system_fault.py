"""Owns what a refusal of the operating system is called where nobody nearer to it has put it into words."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from market.errors import RunError

_REMEDIES = {
    errno.EMFILE: "raise the limit: ulimit -n 4096",
    errno.ENFILE: "close other programs, or raise the limit of the machine",
    errno.ENOSPC: "make room on the disk",
    errno.ENOENT: "was it deleted while the program ran?",
    errno.EACCES: "see to its rights, or choose another place",
}


@contextmanager
def in_words() -> Iterator[None]:
    """RunError, saying what and where, in place of an error of the operating system."""
    try:
        yield
    except OSError as error:
        raise RunError(words_for(error)) from error


def words_for(error: OSError) -> str:
    """One line for people."""
    where = f"{error.filename}: " if error.filename else ""
    reason = (error.strerror or str(error) or type(error).__name__).lower()
    remedy = _REMEDIES.get(error.errno or 0, "")
    return f"{where}{reason}" + (f"; {remedy}" if remedy else "")
