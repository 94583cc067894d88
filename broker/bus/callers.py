"""Bounds the connections to the broker: how many from each machine, and which one makes room for another.

A connection costs a file descriptor before anything is known of it, and there are only so many. Beyond a number
for each machine, and one for all, the connection goes that has said nothing for longest; those on which something
has been said stay, and where all have spoken the newest goes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

LOOPBACK = "this machine"


@dataclass(slots=True)
class _Caller:
    end: int
    peer: str


class Callers:
    """The connections that stand, by descriptor. `end` tells the listening sockets apart.

    Each of them tells of its connections in their order; what two of them tell comes in any. A descriptor belongs
    to one connection at a time, so a new one on it means that the one before is gone, told or not.

    most_each : connections from one machine · most_in_all : from all together
    """

    def __init__(self, most_each: int, most_in_all: int) -> None:
        self._most_each = most_each
        self._most_in_all = most_in_all
        self._callers: dict[int, _Caller] = {}
        self._silent: dict[int, None] = {}  # in the order in which they came
        self._of: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._callers)

    def came(self, end: int, descriptor: int, address: str) -> int | None:
        """A connection has been taken; the descriptor of one that has to go, this or another."""
        self._drop(descriptor)
        peer = machine_of(address)
        self._callers[descriptor] = _Caller(end, peer)
        self._silent[descriptor] = None
        self._of[peer] += 1
        if self._of[peer] > self._most_each:
            leaves = next(silent for silent in self._silent if self._callers[silent].peer == peer)
        elif len(self._callers) > self._most_in_all:
            leaves = next(iter(self._silent))
        else:
            return None
        self._drop(leaves)
        return leaves

    def spoke(self, descriptor: int) -> None:
        """Something has come on a connection."""
        self._silent.pop(descriptor, None)

    def left(self, end: int, descriptor: int) -> None:
        """A connection to this listening socket is gone."""
        caller = self._callers.get(descriptor)
        if caller is not None and caller.end == end:
            self._drop(descriptor)

    def _drop(self, descriptor: int) -> None:
        caller = self._callers.pop(descriptor, None)
        if caller is not None:
            self._silent.pop(descriptor, None)
            self._of[caller.peer] -= 1
            if not self._of[caller.peer]:
                del self._of[caller.peer]


def machine_of(address: str) -> str:
    """What counts as one machine: an address, all loopback ones together, and of IPv6 a network of 64 bits."""
    text = address.removeprefix("::ffff:").split("%")[0]
    if text.startswith("127.") or text == "::1":
        return LOOPBACK
    return _network(text) if ":" in text else text


def _network(address: str) -> str:
    """The first 64 of an IPv6 address's 128 bits: whoever has an address has them all."""
    head, _, tail = address.partition("::")
    groups = head.split(":") if head else []
    after = tail.split(":") if tail else []
    if "::" in address:
        groups += ["0"] * (8 - len(groups) - len(after)) + after
    return ":".join(groups[:4]) + "::/64"
