"""Tapes as tests look at them: records of one kind, and plain data that can be bent and put on a tape again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import msgpack

from broker.tape import TAPE_NAME, MessageSaid, Record, TapeReader
from broker.tape.reader import framed
from broker.tape.records import entry_of
from broker.wire.messages import BROKER, Offer

Entry: TypeAlias = list[Any]
_R = TypeVar("_R")


def entries(tape: Iterable[Record]) -> list[Entry]:
    """The records as plain data, which can be compared; arrays cannot."""
    return [entry_of(record) for record in tape]


def of_kind(tape: Iterable[Record], kind: type[_R]) -> list[_R]:
    """The records of one kind."""
    return [record for record in tape if isinstance(record, kind)]


def said_by_vpps(tape: Iterable[Record]) -> list[MessageSaid]:
    """Everything that VPPs have said."""
    return [record for record in of_kind(tape, MessageSaid) if record.sender != BROKER]


def offers_of(tape: Iterable[Record]) -> list[tuple[MessageSaid, Offer]]:
    """Every offer, and the record that it stands in."""
    return [(r, r.message) for r in of_kind(tape, MessageSaid) if isinstance(r.message, Offer)]


def bytes_of(tape: Iterable[Entry]) -> bytes:
    """A tape of these entries, whatever they are, with checksums that fit."""
    return b"".join(framed(msgpack.packb(entry)) for entry in tape)


def records_of(tape: Iterable[Entry]) -> list[Record]:
    """What a reader makes of a tape of these entries; TapeError where it refuses."""
    return list(TapeReader("tape").feed(bytes_of(tape)))


def written(tape: Sequence[Entry], folder: Path) -> Path:
    """A run folder that holds a tape of these entries."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TAPE_NAME).write_bytes(bytes_of(tape))
    return folder
