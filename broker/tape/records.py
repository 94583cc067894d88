"""The records of a tape as typed values, and as the plain data that their bytes are made of.

A record is `length (4 bytes, big-endian), CRC-32 (4 bytes), msgpack`; the payload is a list of its kind and the
record's fields in order, packed as on the wire. Without failures and in virtual time nothing in them depends on
real time, process ids or ports: equal runs have equal tapes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final, TypeAlias

import msgpack

from broker.wire.messages import Begin, DataMessage, Done, Ref, RoundOver, Settle
from broker.wire.types import Codec, codec_for
from market.errors import WireError
from market.game.result import Verdict
from market.model.disclosure import Disclosure, ShownPlan
from market.model.parameter import later
from market.model.plan import DispatchPlan
from market.model.public import PublicScenario
from market.model.reality import Reality
from market.settlement.regret_bounds import RegretBounds

TAPE_VERSION: Final = 7
TAPE_NAME: Final = "tape.msgpack"


@dataclass(frozen=True, slots=True)
class Opened:
    """The first record: of what run this is the tape. `audit`: how much of their days nodes are asked to show."""

    version: int
    wire_version: int
    scenario_digest: str
    seed: int
    roster: tuple[str, ...]
    audit: Disclosure


@dataclass(frozen=True, slots=True)
class Shared:
    """The second: all that everybody may know of the market. No plant is on a tape."""

    scenario: PublicScenario


@dataclass(frozen=True, slots=True)
class EpochBegun:
    """All begin, begin anew, or go on to another round of the day: void is what was said before.

    round : of the day, 0 where it begins or begins anew
    """

    number: int
    time_s: float
    roster: tuple[str, ...]
    why: str
    round: int = 0


@dataclass(frozen=True, slots=True)
class Left:
    """A VPP was lost."""

    time_s: float
    vpp: str
    how: str


@dataclass(frozen=True, slots=True)
class Back:
    """A lost VPP is here again."""

    time_s: float
    vpp: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """A run that broke off is taken up."""

    time_s: float


@dataclass(frozen=True, slots=True)
class MessageSaid:
    """A message of the data plane, when it was sent."""

    time_s: float
    epoch: int
    sender: str
    seq: int
    message: DataMessage


@dataclass(frozen=True, slots=True)
class TurnGiven:
    """What reached whom, when (virtual time). closing : it is asked to choose, where buyers choose last"""

    number: int
    time_s: float
    receiver: str
    refs: tuple[Ref, ...]
    closing: bool = False


@dataclass(frozen=True, slots=True)
class StepWanted:
    """A VPP that learns wants another step in these periods though nobody has moved (virtual time)."""

    time_s: float
    vpp: str
    periods: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DoneSaid:
    """A VPP has confirmed what it had consumed by then (real time)."""

    time_s: float
    vpp: str
    done: Done


@dataclass(frozen=True, slots=True)
class OrderGiven:
    """An order of the broker to one node."""

    number: int
    time_s: float
    receiver: str
    order: Begin | RoundOver | Settle


@dataclass(frozen=True, slots=True)
class RoundReviewed:
    """What a VPP makes of the round that is over. regret_cny : None where it has no day with what it traded"""

    vpp: str
    regret_cny: float | None
    no_loss: bool


@dataclass(frozen=True, slots=True)
class AuditGiven:
    """What a VPP shows of its day in the end: without trade, with it, and what it had declared by, if another.

    regret : of the whole day, where the market's rules ask for it · reality : what became of both plans, likewise
    """

    vpp: str
    before: ShownPlan
    after: ShownPlan
    planned: DispatchPlan | None = None
    regret: RegretBounds | None = None
    reality: Reality | None = later()


@dataclass(frozen=True, slots=True)
class Ended:
    """The last record of a complete run."""

    verdict: Verdict


Record: TypeAlias = (
    Opened
    | Shared
    | EpochBegun
    | Left
    | Back
    | Resumed
    | MessageSaid
    | TurnGiven
    | StepWanted
    | DoneSaid
    | OrderGiven
    | RoundReviewed
    | AuditGiven
    | Ended
)

KINDS: Final[dict[str, type[Any]]] = {
    "tape": Opened,
    "scenario": Shared,
    "epoch": EpochBegun,
    "left": Left,
    "back": Back,
    "resumed": Resumed,
    "message": MessageSaid,
    "turn": TurnGiven,
    "step": StepWanted,
    "done": DoneSaid,
    "command": OrderGiven,
    "review": RoundReviewed,
    "audit": AuditGiven,
    "end": Ended,
}
"""The kinds by their names on the tape."""

_NAMES: Final = {kind: name for name, kind in KINDS.items()}


def kind_of(record: Record) -> str:
    """The name of a record's kind on the tape."""
    return _NAMES[type(record)]


def time_of(record: Record) -> float | None:
    """The time at which a record was made, where it tells."""
    return None if isinstance(record, Opened | Shared | RoundReviewed | AuditGiven | Ended) else record.time_s


# --- as data ----------------------------------------------------------------------------------------------------


def _opened() -> Codec:
    """A header's: its seed is any integer that msgpack holds, not only one of those that a message may carry."""
    plain = codec_for(Opened)

    def unpack(data: object, place: str) -> Opened:
        if type(data) is not list or len(data) != 6 or type(data[3]) is not int:
            return plain.unpack(data, place)  # type: ignore[no-any-return]
        header: Opened = plain.unpack([*data[:3], 0, *data[4:]], place)
        return replace(header, seed=data[3])

    return Codec(plain.pack, unpack)


@cache
def _codec(kind: Any) -> Codec:
    """Network conditions may be infinite."""
    return _opened() if kind is Opened else codec_for(kind, infinite=kind is Shared)


def entry_of(record: Record) -> list[Any]:
    """A record as plain data: its kind, then its fields."""
    kind: Any = type(record)
    return [_NAMES[kind], *_codec(kind).pack(record)]


def record_of(entry: object) -> Record:
    """The record in plain data; WireError if it is none."""
    if type(entry) is not list or not entry or type(entry[0]) is not str or entry[0] not in KINDS:
        shown = entry[0] if type(entry) is list and entry else entry
        raise WireError("unknown_kind", f"{shown!r:.40} is no kind of record")
    name, *fields = entry
    kind: Any = KINDS[name]
    record: Record = _codec(kind).unpack(fields, name)
    return record


def packed(record: Record) -> bytes:
    """The payload of a record."""
    payload: bytes = msgpack.packb(entry_of(record), use_bin_type=True)
    return payload


def unpacked(payload: bytes) -> object:
    """The plain data in a payload; WireError if it holds none."""
    try:
        return msgpack.unpackb(payload, raw=False, max_map_len=0, max_ext_len=0)
    except (ValueError, msgpack.UnpackException, RecursionError) as error:
        raise WireError("not_msgpack", f"{type(error).__name__}: {error!s:.60}") from None
