"""The form of the bus's addresses, and the topics of its data plane."""

from __future__ import annotations

import re
from ipaddress import ip_address

from market.errors import RunError

TOPIC_ALL = b"m"
"""What every node receives."""

_ADDRESS = re.compile(r"tcp://(?P<host>\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+):(?P<port>[0-9]{1,5})\Z")


def inbox_topic(vpp: str) -> bytes:
    """The topic that only one node receives."""
    return b"@" + vpp.encode()


def ready_topic(vpp: str) -> bytes:
    """The topic of a node's echo. It sorts after all others, so its subscription is the last to arrive."""
    return b"\xff" + vpp.encode()


def member_of(topic: bytes) -> str:
    """Whose inbox or echo a topic is, if it is one; it may be any text else.

    >>> member_of(inbox_topic("VPP1"))
    'VPP1'
    """
    return topic[1:].decode(errors="replace")


def is_ready_topic(topic: bytes) -> bool:
    """Whether a topic is that of an echo."""
    return topic[:1] == b"\xff"


def host_in_brackets(host: str) -> str:
    """A host as it stands in an address: an IPv6 address in brackets, anything else as it is."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address; names are for `hosts`, which knows whose they are."""
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def is_address(text: str) -> bool:
    """Whether a text looks like `tcp://host:port`."""
    match = _ADDRESS.match(text)
    return match is not None and 0 < int(match["port"]) < 65536


def host_of(address: str) -> str:
    """The host in `tcp://host:port`; RunError if it is not such an address."""
    return _match(address)["host"]


def port_of(address: str) -> int:
    """The port in `tcp://host:port`; RunError if it is not such an address."""
    return int(_match(address)["port"])


def _match(address: str) -> re.Match[str]:
    match = _ADDRESS.match(address)
    if match is None or not is_address(address):
        raise RunError(f"an address must look like tcp://host:port, got {address!r}; e.g. tcp://127.0.0.1:5555")
    return match
