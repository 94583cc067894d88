"""Owns how long a message takes on a link. Knows nothing of messages, sockets or the order of events.

A delay is a pure function of the seed and of which message it is, so the same run has the same delays whatever
the processes' real speed. New conditions are new classes with this interface.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from market.network import Constant, NetworkRules


@dataclass(frozen=True, slots=True)
class Transit:
    """One attempt to bring one message to one receiver: everything a random draw may depend on."""

    seed: int
    epoch: int
    sender: str
    receiver: str
    seq: int
    attempt: int


class Delay(Protocol):
    """A link's condition. `smallest_s` is the look-ahead of virtual time: no delay is ever below it."""

    @property
    def smallest_s(self) -> float:
        """A lower bound of every delay, seconds."""
        ...

    def delay_s(self, transit: Transit) -> float:
        """Seconds from sending to arrival; the same for the same transit."""
        ...


@dataclass(frozen=True, slots=True)
class ConstantDelay:
    """Every message takes `latency_s`."""

    latency_s: float

    @property
    def smallest_s(self) -> float:
        """The latency itself."""
        return self.latency_s

    def delay_s(self, transit: Transit) -> float:
        """The latency, whatever the message."""
        return self.latency_s


def delay_of(network: NetworkRules) -> Delay:
    """The delay model that a scenario's network section asks for."""
    latency = network.every.latency
    assert isinstance(latency, Constant)  # until the sequencer takes `broker.conditions`
    return ConstantDelay(latency.value_s)
