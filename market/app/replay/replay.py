"""Owns the replay of a tape: a fold over its records that yields every decision, the recorded beside the computed.

Knows nothing of files or of how decisions are shown. Needs nothing but the tape: the scenario is on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from broker.scenario_record import scenario_of
from broker.tape import Record
from broker.wire.frames import WIRE_VERSION, from_body
from broker.wire.messages import BROKER, Begin, Concluded, DataMessage, Declared, Offer, Selection, Settle
from broker.wire.types import codec_for
from market.app.replay.broker_replay import BrokerReplay
from market.app.replay.decision import Agreement, Decision
from market.app.replay.vpp_replay import VppReplay
from market.errors import MarketError, TapeError
from market.plan import DispatchPlan
from vpp_nodes.node import Audited
from vpp_nodes.plant import plant_node

LIVE_TURN = 1


class Replay:
    """What has been computed again so far. `broker`: its part in the newest epoch, None before the first."""

    def __init__(self) -> None:
        self.broker: BrokerReplay | None = None
        self.complete = False
        self._position = 0
        self._seed = 0
        self._time_s = 0.0
        self._vpps: dict[str, VppReplay] = {}
        self._said: dict[str, list[DataMessage]] = {}

    def take(self, record: Record) -> Iterator[Decision]:
        """The decisions that can be judged with one more record; TapeError if it cannot be read."""
        self._position += 1
        try:
            _check(not self.complete, "it comes after the last one")
            yield from _ACTS[record[0]](self, record)
        except (MarketError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            place = f"record {self._position} ({record[0]!r:.20})"
            raise TapeError(f"{place} cannot be replayed: {type(error).__name__}: {error}") from None

    def stop_before(self, record: Record) -> Iterator[Decision]:
        """Go no further, though this record follows: what it shows to be over is taken as over."""
        course = self.broker
        follows = record[0] == "turn" or (record[0] == "message" and record[3] == BROKER)
        if course and not course.live and course.batch_over and follows:
            yield from self._end_batch()

    def end(self, why: str) -> Iterator[Decision]:
        """No record follows: what was under way is not recorded."""
        if not self.complete:
            yield from self._give_up(why)

    # --- beginnings ---

    def _opened(self, record: Record) -> Iterator[Decision]:
        wire = record[2]
        if wire != WIRE_VERSION:
            raise TapeError(f"the tape holds messages of wire version {wire}, this software reads {WIRE_VERSION}")
        self._seed = int(record[4])
        yield from ()

    def _scenario(self, record: Record) -> Iterator[Decision]:
        self._of = scenario_of(record)
        self._vpps = {vpp.id: VppReplay(vpp.id, plant_node(vpp, self._of.public)) for vpp in self._of.vpps}
        yield from ()

    def _epoch(self, record: Record) -> Iterator[Decision]:
        _, number, time_s, roster, why = record
        if not self._vpps:
            raise TapeError("the tape does not hold its scenario: a run without plants cannot be replayed")
        yield from self._give_up(f"a new epoch began first: {why}")
        self._time_s = time_s
        self.broker = BrokerReplay(self._of, self._seed, number, roster, time_s)
        self._said = {vpp: [] for vpp in roster}
        for vpp in self._vpps.values():
            vpp.begin_epoch(number)

    def _resumed(self, record: Record) -> Iterator[Decision]:
        yield from self._give_up("the run broke off here, and was taken up in a new epoch")

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

    def _command(self, record: Record) -> Iterator[Decision]:
        _, _, time_s, vpp, kind, body = record
        yield from self._course.ordered(time_s, record)
        order = from_body(kind, body)
        if isinstance(order, Begin):
            self._vpps[vpp].begun(order.turn, time_s, order.roster, live=order.live)
        elif isinstance(order, Settle):
            self._vpps[vpp].settled(time_s, order.direct)
        else:
            raise ValueError(f"{kind} is no order of the broker's")

    def _message(self, record: Record) -> Iterator[Decision]:
        _, time_s, epoch, sender, seq, kind, body = record
        _check(epoch == self._course.epoch.number, f"a message of epoch {epoch}")
        message = from_body(kind, body)
        self._time_s = max(self._time_s, time_s)
        if isinstance(message, Concluded):
            yield from self._concluded(time_s, record)
            return
        if not isinstance(message, Declared | Offer | Selection):
            raise ValueError(f"{kind} is no message of a VPP's")
        known = len(self._said[sender])
        _check(seq == known + 1, f"message {seq} of {sender} after {known}")
        self._said[sender].append(message)
        self._vpps[sender].said(time_s, seq, message)
        yield from self._course.said(time_s, sender, seq, message)
        yield from self._vpps[sender].judge()

    def _turn(self, record: Record) -> Iterator[Decision]:
        _, number, time_s, receiver, refs = record
        if self._course.batch_over:
            yield from self._end_batch()
        yield from self._course.ordered(time_s, record)
        self._time_s = max(self._time_s, time_s)
        reached = [(sender, self._said[sender][seq - 1]) for sender, seq in refs]
        self._vpps[receiver].reached(number, time_s, reached)

    def _end_batch(self) -> Iterator[Decision]:
        """Everything that was said in the open turns is on the tape."""
        dones = {vpp: done for vpp in self._said if (done := self._vpps[vpp].end_turn()) is not None}
        for vpp in dones:
            yield from self._vpps[vpp].judge()
        yield from self._course.end_batch(dones)

    def _done(self, record: Record) -> Iterator[Decision]:
        _, time_s, vpp, upto, seen = record
        self._time_s = max(self._time_s, time_s)
        done = self._vpps[vpp].confirmed(LIVE_TURN, time_s, upto, dict(seen), self._said)
        yield from self._vpps[vpp].judge()
        yield from self._course.done(time_s, vpp, done)

    # --- the end of an epoch ---

    def _concluded(self, time_s: float, record: Record) -> Iterator[Decision]:
        if not self._course.live:
            yield from self._end_batch()
        for vpp in self._said:
            yield from self._vpps[vpp].give_up("the market was concluded first")
        yield from self._course.conclude(time_s)
        yield from self._course.ordered(time_s, record)

    def _audit(self, record: Record) -> Iterator[Decision]:
        _, vpp, before, after = record
        codec = codec_for(DispatchPlan)
        yield self._vpps[vpp].audited(Audited(codec.unpack(before, "before"), codec.unpack(after, "after")))

    def _end(self, record: Record) -> Iterator[Decision]:
        yield from self._course.ended(self._time_s, record[1])
        for missing in self._give_up("missing, though the run is complete"):
            yield replace(missing, agreement=Agreement.DIFFERENT)
        self.complete = True

    def _ignored(self, record: Record) -> Iterator[Decision]:
        """Who goes and who comes back is nobody's decision."""
        yield from ()


def _check(holds: bool, otherwise: str) -> None:
    """A tape that no run leaves behind cannot be replayed."""
    if not holds:
        raise ValueError(otherwise)


_ACTS: Final[Mapping[str, Callable[[Replay, Record], Iterator[Decision]]]] = {
    "tape": Replay._opened,
    "scenario": Replay._scenario,
    "epoch": Replay._epoch,
    "resumed": Replay._resumed,
    "command": Replay._command,
    "message": Replay._message,
    "turn": Replay._turn,
    "done": Replay._done,
    "audit": Replay._audit,
    "end": Replay._end,
    "left": Replay._ignored,
    "back": Replay._ignored,
}
