"""Checks a tape beyond the types of its records: a fold that refuses the first record which no run writes."""

from __future__ import annotations

from typing import TypeAlias

from broker.tape.epoch_check import EpochCheck, check
from broker.tape.records import (
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
from broker.tape.shared_check import check_shared
from broker.wire.frames import WIRE_VERSION
from market.errors import TapeError
from market.model.public import PublicScenario

_OfEpoch: TypeAlias = (
    OrderGiven | MessageSaid | TurnGiven | StepWanted | DoneSaid | RoundReviewed | AuditGiven | Ended
)

LONGEST_S = 1e12
"""No run takes as long; clocks still tick there."""


class TapeCheck:
    """The records so far. `take` one more; TapeError where it does not belong there."""

    def __init__(self) -> None:
        self._header: Opened | None = None
        self._shared: PublicScenario | None = None
        self._epoch: EpochCheck | None = None
        self._number = 0
        self._away: set[str] = set()
        self._ended = False

    def take(self, record: Record) -> None:
        """One more record."""
        check(not self._ended, "it comes after the last one")
        time_s = time_of(record)
        if time_s is not None:
            check(0.0 <= time_s <= LONGEST_S, f"its time is {time_s:g} s")
        if self._header is None:
            self._opened(record)
        elif self._shared is None:
            self._scenario(self._header, record)
        elif isinstance(record, Opened | Shared):
            raise TapeError("there is one already")
        elif isinstance(record, EpochBegun | Left | Back | Resumed):
            self._run(self._header, self._shared, record)
        else:
            self._in_epoch(record)

    # --- the first two ---

    def _opened(self, record: Record) -> None:
        if not isinstance(record, Opened):
            raise TapeError("the tape does not begin with its header")
        wire, ours = record.wire_version, WIRE_VERSION
        check(wire == ours, f"the tape holds messages of wire version {wire}, this software reads {ours}")
        self._header = record

    def _scenario(self, header: Opened, record: Record) -> None:
        if not isinstance(record, Shared):
            raise TapeError("the tape does not hold its scenario")
        shared = record.scenario
        check_shared(shared)
        check(header.scenario_digest == shared.digest, "the tape's header is that of another scenario")
        check(header.roster == shared.roster, "the tape's header tells of other VPPs than its scenario")
        self._shared = shared

    # --- the run as a whole ---

    def _run(self, header: Opened, shared: PublicScenario, record: EpochBegun | Left | Back | Resumed) -> None:
        match record:
            case EpochBegun():
                self._begun(header, shared, record)
            case Resumed():
                self._epoch = None  # nothing of it goes on
                self._away.clear()
            case Left():
                self._known(shared, record.vpp)
                check(record.vpp not in self._away, f"{record.vpp} leaves when it is away")
                self._away.add(record.vpp)
            case Back():
                self._known(shared, record.vpp)
                check(record.vpp in self._away, f"{record.vpp} comes back when it is here")
                self._away.discard(record.vpp)

    def _begun(self, header: Opened, shared: PublicScenario, record: EpochBegun) -> None:
        check(record.number == self._number + 1, f"epoch {record.number} follows {self._number}")
        check(bool(record.roster), "an epoch of nobody")
        for vpp in record.roster:
            self._known(shared, vpp)
        self._follows(shared, record)
        ordered = tuple(vpp for vpp in shared.roster if vpp in record.roster)
        check(record.roster == ordered, "an epoch's roster is not in the scenario's order")
        self._number = record.number
        self._epoch = EpochCheck(shared, header.audit, record)

    def _follows(self, shared: PublicScenario, record: EpochBegun) -> None:
        """Any epoch may begin the day anew; another round follows one that everybody has reviewed."""
        if record.round == 0:
            return
        before, last = self._epoch, shared.public.market.coupling_rounds
        if before is None or not before.all_reviewed or before.roster != record.roster:
            raise TapeError(f"round {record.round} of a day follows no round that these VPPs have reviewed")
        check(before.round + 1 == record.round, f"round {record.round} of a day follows {before.round}")
        check(record.round <= last, f"round {record.round} of a day that has {last + 1}")

    def _known(self, shared: PublicScenario, vpp: str) -> None:
        check(vpp in shared.roster, f"the market has no VPP {vpp!r:.40}")

    # --- an epoch ---

    def _in_epoch(self, record: _OfEpoch) -> None:
        if self._epoch is None:
            raise TapeError("no epoch has begun")
        match record:
            case OrderGiven():
                self._epoch.ordered(record)
            case MessageSaid():
                self._epoch.said(record)
            case TurnGiven():
                self._epoch.turn(record)
            case StepWanted():
                self._epoch.step_wanted(record)
            case DoneSaid():
                self._epoch.done(record)
            case RoundReviewed():
                self._epoch.reviewed(record)
            case AuditGiven():
                self._epoch.audited(record)
            case Ended():
                self._epoch.ended()
                self._ended = True
