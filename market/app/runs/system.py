"""What this system can do: days in one process run anywhere, plants as processes of their own need POSIX."""

from __future__ import annotations

import multiprocessing
import sys
from importlib.util import find_spec
from typing import Final

from market.errors import RunError

_NEEDED: Final = ("fcntl", "resource")


def require_processes(what: str) -> None:
    """RunError where plants cannot be processes of their own; it says what works. what : the command"""
    starts = multiprocessing.get_all_start_methods()
    if "forkserver" not in starts or any(find_spec(name) is None for name in _NEEDED):
        raise RunError(
            f"{what} needs a POSIX system, and is tested on Linux; this one ({sys.platform}) has no fork server, "
            "limits or locks of files: run days with --in-process, or on Linux (WSL and containers will do)"
        )
