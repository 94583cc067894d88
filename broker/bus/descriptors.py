"""Raises this process's limit on open files where it is too low for its connections, and reports what is left."""

from __future__ import annotations

from market.errors import RunError

WANTED = 16_384
"""As many as are asked for, where the system allows them: enough for the largest market and its viewers."""

OWN, OWN_A_VPP = 60, 2
"""What a broker has open besides connections: the transport's own, tape, terminal, and each process it started."""


def ask_for_descriptors() -> int:
    """Raise what this process may have open as far as is useful and allowed; returns what it may have."""
    import resource  # not everywhere, and only a bus asks

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        return most
    return WANTED if soft == resource.RLIM_INFINITY else soft


def room_for_connections(needed: int, vpps: int) -> int:
    """How many connections to a broker of so many VPPs may stand at once; RunError if too few."""
    allowed, own = ask_for_descriptors(), OWN + OWN_A_VPP * vpps
    if allowed - own < needed:
        raise RunError(
            f"this process may have {allowed} files and connections open, and needs {needed + own}; "
            f"raise the limit: ulimit -n {needed + own}"
        )
    return allowed - own
