"""Replays the broker in one epoch: its own machines, given the recorded input, say which output to expect.

In virtual time every turn follows from what was said and from the seed; in real time there are no turns, and what
is left to check is the end: verdicts, trades.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from broker.delivery.network_log import NetworkLog
from broker.network import Conditions
from broker.protocol.actions import Action, Parcel, Write
from broker.protocol.conclusion import concluded_market
from broker.protocol.epoch import Epoch
from broker.protocol.rounds import PlayedRound, Reviewing, Rounds, played, review_of
from broker.protocol.run_config import RunConfig
from broker.protocol.run_result import RunResult
from broker.protocol.settling import Settling
from broker.protocol.virtual_time import VirtualTime
from broker.protocol.wall_time import WallTime, stall_story
from broker.tape import AuditGiven, EpochBegun, MessageSaid, OrderGiven, Record, RoundReviewed, TurnGiven
from broker.tape.records import kind_of
from broker.wire.frames import TOKEN_BYTES, Envelope, encode
from broker.wire.messages import BROKER, Audit, Begin, Done, MarketMessage
from market.app.replay.decision import Agreement, Decision, compared
from market.coordination.coupling import Review
from market.errors import MarketError
from market.game.result import worst
from market.model.network import TimeMode
from market.model.rules import Coupling

_TOKEN = bytes(TOKEN_BYTES)  # as long as any run's: the length of a frame counts on a narrow link

Ordered: TypeAlias = TurnGiven | OrderGiven | MessageSaid
"""What the broker does, by the tape: it gives turns and orders, and tells the verdicts."""


class BrokerReplay:
    """The broker's part of an epoch. Once it has gone another way than the tape, it is not asked any more."""

    def __init__(
        self, charge: RunConfig, begun: EpochBegun, rounds: Rounds, log: NetworkLog, counters: Counter[str]
    ) -> None:
        self.live = charge.network.time is TimeMode.WALL
        self.epoch = Epoch(charge.public, begun.roster, begun.number, counters, begun.round)
        conditions = Conditions(charge.network, charge.vpps, charge.seed)
        clock = WallTime if self.live else VirtualTime
        self._clock: WallTime | VirtualTime = clock(self.epoch, conditions, log, begun.time_s)
        self._charge = charge
        self._rounds = rounds
        self._reviews: dict[str, Review] = {}
        self._audits: dict[str, Audit] = {}
        self._followed = True
        self._batch: list[tuple[float, Parcel]] = []
        self._expected: deque[Ordered] = deque(_orders(self._clock.begin(begun.time_s)))

    @property
    def batch_over(self) -> bool:
        """Whether all turns of this batch are on the tape: what comes next belongs to another."""
        return not self._expected or not self._followed

    # --- what it was told ---

    def said(self, time_s: float, sender: str, seq: int, message: MarketMessage) -> Iterator[Decision]:
        """A message is on the tape."""
        envelope = Envelope(self.epoch.number, sender, seq, message)
        parcel = Parcel(envelope, encode(envelope, _TOKEN))
        self._batch.append((time_s, parcel))
        if self.live:
            yield from self._guarded(time_s, lambda: self._clock.data(parcel, time_s) or ())
        elif self._followed and self._expected:
            yield self._lost(time_s, "order", f"{sender} speaks before all of its batch have their turns")

    def done(self, time_s: float, vpp: str, done: Done) -> Iterator[Decision]:
        """In real time: a member has confirmed."""
        yield from self._guarded(time_s, lambda: self._clock.done(vpp, done, time_s) or ())

    def end_batch(self, dones: Mapping[str, Done]) -> Iterator[Decision]:
        """In virtual time: all that was said in these turns is on the tape."""
        batch, self._batch = self._batch, []
        time_s = batch[-1][0] if batch else self._clock.time_s
        actions: list[Action] = []

        def tell() -> list[Action]:
            for _, parcel in batch:
                actions.extend(self._clock.data(parcel, 0.0) or ())
            for vpp, done in dones.items():
                actions.extend(self._clock.done(vpp, done, 0.0) or ())
            return actions

        followed = self._followed
        yield from self._guarded(time_s, tell)
        if followed and self._followed and batch:
            recorded = [(at_s, p.envelope.sender, p.envelope.seq) for at_s, p in batch]
            computed = [(r.time_s, r.sender, r.seq) for r in _written(actions) if isinstance(r, MessageSaid)]
            yield self._noted(compared(time_s, self.epoch.number, BROKER, "order", "batch", recorded, computed))

    def _guarded(self, time_s: float, act: Callable[[], Sequence[Action]]) -> Iterator[Decision]:
        """Let the machine take something; where it refuses what the tape says it took, that is a difference."""
        if not self._followed:
            return
        try:
            self._expected.extend(r for r in _written(act()) if isinstance(r, TurnGiven | OrderGiven))
        except MarketError as error:
            yield self._lost(time_s, "refusal", f"taken according to the tape, refused here: {error}")

    # --- what it did, by the tape ---

    def ordered(self, record: Ordered) -> Iterator[Decision]:
        """A turn, an order or the verdicts are on the tape."""
        if not self._followed:
            return
        expected = self._expected.popleft() if self._expected else None
        place = "verdicts" if isinstance(record, MessageSaid) else f"record of {record.receiver}"
        recorded, ours = self._content(record), self._content(expected) if expected else None
        yield self._noted(compared(record.time_s, self.epoch.number, BROKER, _what(record), place, recorded, ours))

    def _content(self, record: Ordered) -> Mapping[str, Any]:
        """What counts in a record; in real time, when it was written does not."""
        if self.live and not isinstance(record, TurnGiven):
            record = replace(record, time_s=0.0)
        return {kind_of(record): record}

    def _noted(self, decision: Decision) -> Decision:
        self._followed = self._followed and decision.same
        return decision

    def _lost(self, time_s: float, what: str, why: str) -> Decision:
        self._followed = False
        return Decision(time_s, self.epoch.number, BROKER, what, Agreement.DIFFERENT, why)

    def conclude(self, time_s: float) -> Iterator[Decision]:
        """The verdicts are about to come on the tape."""
        if not self._followed:
            return
        if self.epoch.results is None and self.live:
            self._clock.time_s = time_s
            try:
                self.epoch.stall((), stall_story(self._charge.network))
            except MarketError as error:
                yield self._lost(time_s, "verdicts", str(error))
        if self.epoch.results is None:
            yield self._lost(time_s, "verdicts", "concluded according to the tape; here it does not rest yet")
            return
        epoch, results, first_turn = self.epoch, self.epoch.results, self._clock.turn + 1
        self._expected.extend(_orders(concluded_market(epoch.number, results, self._clock.time_s)))
        if self._charge.shared.public.market.coupling is Coupling.ONCE:
            self._settle(played(epoch, self._clock.time_s), first_turn)
            return
        reviewing = Reviewing(epoch.round, epoch.roster, results, self._charge.public, first_turn)
        self._expected.extend(_orders(reviewing.begin(self._clock.time_s)))

    def _settle(self, market: PlayedRound, first_turn: int) -> None:
        roster, public, audit = self.epoch.roster, self._charge.public, self._charge.audit
        settling = Settling(roster, market.results, public, first_turn, audit, market.rounds)
        self._expected.extend(_orders(settling.begin(self._clock.time_s)))

    def reviewed(self, record: RoundReviewed) -> None:
        """What a member makes of the round is on the tape; after the last of the day one round is settled."""
        self._reviews[record.vpp] = review_of(record.regret_cny, record.no_loss)
        if self.epoch.results is None or len(self._reviews) < len(self.epoch.roster):
            return
        self._rounds.add(played(self.epoch, self._clock.time_s), self._reviews)
        if self._rounds.over:
            first_turn = self._clock.turn + 1 + len(self.epoch.roster)
            self._settle(self._rounds.settled, first_turn)

    def audited(self, record: AuditGiven) -> None:
        """What a member shows of its day is on the tape."""
        shown = (record.planned, record.regret, record.reality)
        self._audits[record.vpp] = Audit(0, record.before, record.after, 0.0, (), *shown)

    def left(self) -> RunResult | None:
        """What the market left behind, as far as a tape tells; None if this machine has not concluded."""
        if self.epoch.results is None or any(vpp not in self._audits for vpp in self.epoch.roster):
            return None
        settled = self._settled()
        return RunResult(
            results=settled.results,
            declarations=settled.declarations,
            audits=self._audits,
            said=settled.said,
            settled_s=settled.ended_s,
            rounds=settled.rounds,
            time_s=self._clock.time_s,
            counters=Counter(self.epoch.counters),
            network=self._clock.log,
            withdrawn=tuple(vpp for vpp in self._charge.vpps if vpp not in self.epoch.roster),
        )

    def _settled(self) -> PlayedRound:
        """The market that counts."""
        return self._rounds.settled if self._rounds.over else played(self.epoch, self._clock.time_s)

    def ended(self, time_s: float, verdict: str) -> Iterator[Decision]:
        """The last record is on the tape."""
        if self._followed and self.epoch.results is not None:
            ours = worst([result.verdict for result in self._settled().results]).value
            yield compared(time_s, self.epoch.number, BROKER, "verdict of the day", "end", verdict, ours)

    def give_up(self, time_s: float, why: str) -> Iterator[Decision]:
        """The epoch is over: what was expected will not come."""
        if self._followed:
            for record in self._expected:
                yield Decision(time_s, self.epoch.number, BROKER, _what(record), Agreement.NOT_RECORDED, why)
        self._followed = False


def _what(record: Ordered) -> str:
    """What a record of the broker's decides."""
    if isinstance(record, TurnGiven):
        return "turn"
    if isinstance(record, MessageSaid):
        return "verdicts"
    return "begin" if isinstance(record.order, Begin) else "trade"


def _orders(actions: Sequence[Action]) -> Iterator[Ordered]:
    return (record for record in _written(actions) if isinstance(record, Ordered))


def _written(actions: Sequence[Action]) -> list[Record]:
    return [action.record for action in actions if isinstance(action, Write)]
