"""Replays a tape: a fold over its records that yields every decision, the recorded beside the computed.

It needs nothing but the tape. What plants decided is computed again for those that are known beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from broker.delivery.network_log import NetworkLog
from broker.protocol.membership import Timeouts
from broker.protocol.rounds import Rounds
from broker.protocol.run_config import RunConfig
from broker.protocol.run_result import RunResult
from broker.tape import (
    AuditGiven,
    DoneSaid,
    Ended,
    EpochBegun,
    MessageSaid,
    Opened,
    OrderGiven,
    Record,
    Resumed,
    RoundReviewed,
    Shared,
    StepWanted,
    TurnGiven,
)
from broker.tape.records import kind_of
from broker.wire.messages import (
    BROKER,
    Answer,
    Begin,
    Concluded,
    DataMessage,
    Declared,
    Offer,
    RoundOver,
    Selection,
)
from market.app.replay.broker_replay import BrokerReplay
from market.app.replay.decision import Agreement, Decision
from market.app.replay.epochs import EpochsReplay
from market.app.replay.plant_replay import PlantReplay
from market.app.replay.vpp_replay import VppReplay
from market.errors import MarketError, TapeError
from market.model.disclosure import Disclosure
from market.model.public import PublicScenario
from market.model.rules import Coupling
from market.model.vpp import Vpp

_NO_PATIENCE = Timeouts(0.0, 0.0, 0.0, 0.0)  # a tape tells who was given up
NO_PLANTS: Final[Mapping[str, Vpp]] = MappingProxyType({})


class Replay:
    """What has been computed again so far.

    broker : its part in the newest epoch, None before the first · shared, seed, audit : what was run
    """

    def __init__(self, plants: Mapping[str, Vpp] = NO_PLANTS) -> None:
        self.broker: BrokerReplay | None = None
        self.shared: PublicScenario | None = None
        self.seed = 0
        self.audit = Disclosure.FULL
        self.complete = False
        self._log = NetworkLog()
        self._counters: Counter[str] = Counter()
        self._plants = plants
        self._position = 0
        self._time_s = 0.0
        self._vpps: dict[str, VppReplay] = {}
        self._epochs = EpochsReplay(())
        self._rounds: Rounds | None = None
        self._said: dict[str, list[DataMessage]] = {}

    def take(self, record: Record) -> Iterator[Decision]:
        """The decisions that can be judged with one more record; TapeError if no run leaves it there."""
        self._position += 1
        try:
            _check(not self.complete, "it comes after the last one")
            decision = self._epochs.take(record)
            yield from (decision,) if decision else ()
            if isinstance(record, Opened | Shared | EpochBegun | Resumed):
                yield from self._begun(record)
            else:
                yield from self._acted(record)
        except (MarketError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            place = f"record {self._position} ({kind_of(record)})"
            raise TapeError(f"{place} cannot be replayed: {type(error).__name__}: {error}") from None

    def _begun(self, record: Opened | Shared | EpochBegun | Resumed) -> Iterator[Decision]:
        match record:
            case Opened():
                self.seed, self.audit = record.seed, record.audit
            case Shared():
                self._shared(record)
            case EpochBegun():
                yield from self._epoch(record)
            case Resumed():
                yield from self._give_up("the run broke off here, and was taken up in a new epoch")
                self._log, self._counters = NetworkLog(), Counter()  # another broker counts from here

    def _acted(self, record: Record) -> Iterator[Decision]:
        match record:
            case OrderGiven():
                yield from self._ordered(record)
            case MessageSaid():
                yield from self._message(record)
            case TurnGiven():
                yield from self._turn(record)
            case StepWanted():
                self._vpps[record.vpp].step_wanted(record.periods)
            case DoneSaid():
                yield from self._done(record)
            case RoundReviewed():
                self._course.reviewed(record)
                yield self._vpps[record.vpp].reviewed(record)
            case AuditGiven():
                self._course.audited(record)
                yield self._vpps[record.vpp].audited(record)
            case Ended():
                yield from self._end(record)

    def stop_before(self, record: Record) -> Iterator[Decision]:
        """Go no further, though this record follows: what it shows to be over is taken as over."""
        course = self.broker
        follows = isinstance(record, TurnGiven) or (isinstance(record, MessageSaid) and record.sender == BROKER)
        if course and not course.live and course.batch_over and follows:
            yield from self._end_batch()

    def end(self, why: str) -> Iterator[Decision]:
        """No record follows: what was under way is not recorded."""
        if not self.complete:
            yield from self._give_up(why)

    @property
    def left(self) -> RunResult | None:
        """What the run left behind; None before its end, or where the broker would not have concluded."""
        return self.broker.left() if self.broker and self.complete else None

    # --- beginnings ---

    def _shared(self, record: Shared) -> None:
        self.shared = record.scenario
        public = record.scenario.public
        several = record.scenario.public.market.coupling is Coupling.ITERATE
        last_round = public.market.coupling_rounds if several else 0
        self._epochs = EpochsReplay(record.scenario.roster, last_round)
        for vpp in record.scenario.roster:
            plant = self._plants.get(vpp)
            replayed = PlantReplay(plant, public) if plant else None
            self._vpps[vpp] = VppReplay(vpp, public, replayed)

    def _epoch(self, record: EpochBegun) -> Iterator[Decision]:
        yield from self._give_up(f"a new epoch began first: {record.why}")
        self._time_s = record.time_s
        if self.shared is None:
            raise ValueError("no scenario has been told")
        charge = RunConfig(self.shared, self.seed, _NO_PATIENCE, self.audit)
        if self._rounds is None or record.round == 0:
            self._rounds = Rounds(self.shared.public)
        self.broker = BrokerReplay(charge, record, self._rounds, self._log, self._counters)
        self._said = {vpp: [] for vpp in record.roster}
        for vpp in self._vpps.values():
            vpp.begin_epoch(record.number)

    def _give_up(self, why: str) -> Iterator[Decision]:
        if self.broker is None:
            return
        for vpp in self._said:
            yield from self._vpps[vpp].give_up(why)
        yield from self.broker.give_up(self._time_s, why)

    @property
    def _course(self) -> BrokerReplay:
        if self.broker is None:
            raise ValueError("no epoch has begun")
        return self.broker

    # --- what happened in an epoch ---

    def _ordered(self, record: OrderGiven) -> Iterator[Decision]:
        yield from self._course.ordered(record)
        order, vpp = record.order, self._vpps[record.receiver]
        if isinstance(order, Begin):
            vpp.begun(record.time_s, order)
        elif isinstance(order, RoundOver):
            vpp.round_over(record.time_s, order)
        else:
            vpp.settled(record.time_s, order)

    def _message(self, record: MessageSaid) -> Iterator[Decision]:
        time_s, sender, seq, message = record.time_s, record.sender, record.seq, record.message
        _check(record.epoch == self._course.epoch.number, f"a message of epoch {record.epoch}")
        self._time_s = max(self._time_s, time_s)
        if isinstance(message, Concluded):
            yield from self._concluded(record)
            return
        if not isinstance(message, Declared | Offer | Selection | Answer):
            raise ValueError(f"{type(message).__name__} is no message of a VPP's")
        known = len(self._said[sender])
        _check(seq == known + 1, f"message {seq} of {sender} after {known}")
        self._said[sender].append(message)
        self._vpps[sender].said(time_s, seq, message)
        yield from self._course.said(time_s, sender, seq, message)
        yield from self._vpps[sender].judge()

    def _turn(self, record: TurnGiven) -> Iterator[Decision]:
        if self._course.batch_over:
            yield from self._end_batch()
        yield from self._course.ordered(record)
        self._time_s = max(self._time_s, record.time_s)
        reached = [(ref.sender, self._said[ref.sender][ref.seq - 1]) for ref in record.refs]
        vpp = self._vpps[record.receiver]
        vpp.reached(record.number, record.time_s, reached, closing=record.closing)

    def _end_batch(self) -> Iterator[Decision]:
        """Everything that was said in the open turns is on the tape."""
        dones = {vpp: done for vpp in self._said if (done := self._vpps[vpp].end_turn()) is not None}
        for vpp in dones:
            yield from self._vpps[vpp].judge()
            yield from self._vpps[vpp].judged_step()
        yield from self._course.end_batch(dones)

    def _done(self, record: DoneSaid) -> Iterator[Decision]:
        self._time_s = max(self._time_s, record.time_s)
        yield from self._vpps[record.vpp].confirmed(record.time_s, record.done, self._said)
        yield from self._course.done(record.time_s, record.vpp, record.done)

    # --- the end of an epoch ---

    def _concluded(self, record: MessageSaid) -> Iterator[Decision]:
        if not self._course.live:
            yield from self._end_batch()
        for vpp in self._said:
            yield from self._vpps[vpp].give_up("the market was concluded first")
        yield from self._course.conclude(record.time_s)
        yield from self._course.ordered(record)

    def _end(self, record: Ended) -> Iterator[Decision]:
        yield from self._course.ended(self._time_s, record.verdict.value)
        for missing in self._give_up("missing, though the run is complete"):
            yield replace(missing, agreement=Agreement.DIFFERENT)
        self.complete = True


def _check(holds: bool, otherwise: str) -> None:
    """A tape that no run leaves behind cannot be replayed."""
    if not holds:
        raise ValueError(otherwise)
