"""Words an error of the operating system: what its refusal is called, and what people can do about it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from market.errors import RunError

_REMEDIES = {
    errno.EMFILE: "raise the limit: ulimit -n 4096",
    errno.ENFILE: "close other programs, or raise the limit of the machine",
    errno.ENOMEM: "close other programs, or raise the limit: ulimit -v",
    errno.EAGAIN: "close other programs, or raise the limit: ulimit -u",
    errno.ENOSPC: "make room on the disk",
    errno.EDQUOT: "make room: this user may not have more of the disk",
    errno.EFBIG: "raise the limit of one file: ulimit -f unlimited",
    errno.EROFS: "choose another place, or make this one writable",
    errno.ENOENT: "was it deleted while the program ran?",
    errno.ESTALE: "was it deleted while the program ran?",
    errno.EACCES: "see to its rights, or choose another place",
    errno.EPERM: "see to its rights, or choose another place",
}


@contextmanager
def as_run_error() -> Iterator[None]:
    """RunError, saying what and where, in place of an error of the operating system."""
    try:
        yield
    except OSError as error:
        raise RunError(located_reason(error)) from error


def located_reason(error: OSError) -> str:
    """Where, what and what to do, in one line."""
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{reason_and_remedy(error)}"


def reason_and_remedy(error: OSError) -> str:
    """What it is and what to do, for where the place is told already."""
    remedy = _REMEDIES.get(error.errno or 0, "")
    return f"{reason_of(error)}; {remedy}" if remedy else reason_of(error)


def reason_of(error: OSError) -> str:
    """What it is alone, for where a remedy follows that is nearer to it."""
    return (error.strerror or "").lower() or str(error) or type(error).__name__
