"""How much memory this process has had at most."""

from __future__ import annotations

import sys
from typing import Final

_MEBIBYTE: Final = 1 << 20


def peak_memory_mb() -> float:
    """The most memory that has been resident, MiB; 0 where the system does not tell."""
    try:
        import resource  # not everywhere
    except ImportError:
        return 0.0
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest / _MEBIBYTE if sys.platform == "darwin" else largest / 1024
