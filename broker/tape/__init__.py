"""The tape: an event journal, the append-only record of a run, written before what it records is delivered."""

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
    TurnGiven,
    time_of,
)
from broker.tape.writer import TapeWriter

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
    "TapeReader",
    "TapeSoFar",
    "TapeWriter",
    "TurnGiven",
    "read_tape",
    "tape_so_far",
    "time_of",
]
