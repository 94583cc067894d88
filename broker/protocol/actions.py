"""The events that the broker's machines handle, and the actions that they ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from broker.bus.broker_end import NOWHERE
from broker.tape import Record
from broker.wire.frames import Envelope
from broker.wire.messages import FromBroker, Turns


@dataclass(frozen=True, slots=True)
class Parcel:
    """A data message as it came: its envelope, and the frame to pass on unchanged."""

    envelope: Envelope
    frame: bytes


# --- events ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ControlCame:
    """A valid control frame, and the route on which to answer."""

    route: bytes
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class DataCame:
    """A valid data frame, and what tells the connection that it came on from others."""

    parcel: Parcel
    connection: int = NOWHERE


@dataclass(frozen=True, slots=True)
class ProcessEnded:
    """A node's process that we started has ended. `restarted`: another has been started in its place.

    with_it : the other VPPs whose nodes were in that process, and have ended with it
    """

    vpp: str
    how: str
    restarted: bool = False
    with_it: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tick:
    """Some real time has passed."""


Event: TypeAlias = ControlCame | DataCame | ProcessEnded | Tick


# --- actions --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Send:
    """Send a control message to a member."""

    vpp: str
    message: FromBroker


@dataclass(frozen=True, slots=True)
class Reply:
    """Send a control message on a route, member or not."""

    route: bytes
    message: FromBroker


@dataclass(frozen=True, slots=True)
class Publish:
    """Publish frames, and behind them the turns that they begin, together, to these members, or to all (None)."""

    frames: tuple[bytes, ...]
    receivers: tuple[str, ...] | None
    turns: Turns | None = None


@dataclass(frozen=True, slots=True)
class Announce:
    """Publish a message of the broker's own to everybody."""

    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Notice:
    """Say something on the broker's screen that whoever runs it should know, and that stays there.

    once : however often it comes
    """

    text: str
    once: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """Put a record on the tape; it is on it before anything that follows is sent."""

    record: Record


Action: TypeAlias = Send | Reply | Publish | Announce | Notice | Write
