"""The tape: an event journal, the append-only record of a run, written before what it records is delivered.

The names below load on first use, so that the digest of a file costs no codec.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from broker.tape.reader import TapeReader, TapeSoFar, read_tape, tape_so_far
    from broker.tape.records import (
        TAPE_NAME,
        TAPE_VERSION,
        AuditGiven,
        Back,
        DoneSaid,
        Ended,
        EpochBegun,
        Left,
        MessageSaid,
        Opened,
        OrderGiven,
        Record,
        Resumed,
        RoundReviewed,
        Shared,
        StepWanted,
        TurnGiven,
        time_of,
    )
    from broker.tape.writer import TapeWriter
else:
    _HOMES = {
        **dict.fromkeys(("TapeReader", "TapeSoFar", "read_tape", "tape_so_far"), "reader"),
        "TapeWriter": "writer",
    }

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'records')}"), name)


__all__ = [
    "TAPE_NAME",
    "TAPE_VERSION",
    "AuditGiven",
    "Back",
    "DoneSaid",
    "Ended",
    "EpochBegun",
    "Left",
    "MessageSaid",
    "Opened",
    "OrderGiven",
    "Record",
    "Resumed",
    "RoundReviewed",
    "Shared",
    "StepWanted",
    "TapeReader",
    "TapeSoFar",
    "TapeWriter",
    "TurnGiven",
    "read_tape",
    "tape_so_far",
    "time_of",
]
