"""Resolves a host to an address of this machine on which a socket can listen."""

from __future__ import annotations

import socket

EVERYWHERE = "*"


def own_address(host: str) -> str:
    """The address, in digits, that a host stands for: an address in any notation, a name, or `*` for all of IPv4.

    It is looked up once, so that what listens is what was checked. OSError if this machine has no such address.
    """
    if not host:
        raise OSError("an empty text")
    name = "0.0.0.0" if host == EVERYWHERE else host.removeprefix("[").removesuffix("]")
    try:
        found = socket.getaddrinfo(name, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (UnicodeError, ValueError):
        raise OSError("neither an address nor a name") from None
    family, kind, protocol, _, place = min(found, key=lambda entry: entry[0])  # IPv4 first
    with socket.socket(family, kind, protocol) as trial:
        trial.bind(place)
    return str(place[0])
