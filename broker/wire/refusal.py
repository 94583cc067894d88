"""Refuses a request to join that carries another version or another token than this side's.

Such a frame cannot be read, or may not count; but who sent it waits, and should learn why it is not let in. The
answer is sealed with what it came with, so that it can be read there, and tells nothing of this run. Its layout is
the same in all versions: a reason, and whether asking again may help.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgpack

from broker.wire.frames import TOKEN_BYTES, WIRE_VERSION, unpacked
from broker.wire.limits import MAX_FRAME_BYTES
from broker.wire.messages import BROKER, Hello, Refused, Watch
from broker.wire.types import MAX_TEXT
from market.errors import ProtocolError, WireError

ASKS = (Hello.__name__, Watch.__name__)
"""The messages of those who wait to be let in, or to be shown something."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Who asks, of whatever run and version: as much of a frame as all versions have in common."""

    version: int
    token: bytes
    sender: str
    kind: str

    @property
    def who(self) -> str:
        """For people; a name that anybody may have made up is shown as such."""
        looks_on = self.kind == Watch.__name__
        return "somebody who wants to look on" if looks_on else f"a node called {self.sender!r:.40}"


def ask_of(frame: bytes) -> Ask | None:
    """What a frame asks, None if it is none of those that are answered."""
    if len(frame) > MAX_FRAME_BYTES:
        return None
    try:
        parts = unpacked(frame)
    except WireError:
        return None
    if not isinstance(parts, list) or len(parts) != 7:
        return None
    version, token, _, sender, _, kind, _ = parts
    if type(version) is not int or type(token) is not bytes or len(token) != TOKEN_BYTES:
        return None
    if type(sender) is not str or kind not in ASKS:
        return None
    return Ask(version, token, sender, kind)


def refusal(ask: Ask, reason: str) -> bytes:
    """The frame that tells who asked why he is not let in."""
    seal = [ask.version, ask.token, 1, BROKER, 0, Refused.__name__]
    frame: bytes = msgpack.packb([*seal, [reason[:MAX_TEXT], False]], use_bin_type=True)
    return frame


def refusal_of(frame: bytes, reason: str) -> bytes | None:
    """The answer to a frame that asks to be let in, None to any other."""
    ask = ask_of(frame)
    return None if ask is None else refusal(ask, reason)


def reason_for(ask: Ask, error: WireError | ProtocolError) -> str:
    """Why an ask is refused, in words for who asked: what is wrong and what to do about it."""
    if error.reason == "wrong_version":
        return (
            f"the broker speaks version {WIRE_VERSION} of the protocol, and you version {ask.version}; "
            "install the same vppmarket on both sides"
        )
    if error.reason == "wrong_token":
        needed = "the watching token" if ask.kind == Watch.__name__ else "the token"
        return f"{needed} is not this run's; take it anew from the broker's run folder"
    return str(error).removeprefix(f"{error.reason}: ")
