"""Carries an epoch on in virtual time: turns out, messages in, until every period has a verdict.

A turn gives a node a moment of virtual time and the messages that have reached it by then; the node publishes what
it has to say and ends the turn with Done. When all turns of a batch are done, what was said goes on the tape in
the order (time, sender, number) and to the sequencer, and the next batch is due. Nothing here waits for real time.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from broker.delivery.consumption import Consumption
from broker.delivery.network_log import NetworkLog
from broker.delivery.sequencer import Grant, Sequencer
from broker.delivery.staleness import StalenessLog
from broker.equilibrium.trading import Trading
from broker.network import Conditions
from broker.protocol.actions import Action, Parcel, Publish, Send, Write
from broker.protocol.epoch import Epoch
from broker.tape import OrderGiven, StepWanted, TurnGiven
from broker.wire.limits import MOST_A_TURN
from broker.wire.messages import Beat, Begin, Done, MarketMessage, Offer, Ref, Selection, Turn, Turns
from market.errors import ProtocolError
from market.model.network import MOST_CHOOSING
from market.model.rules import Mechanism

SAY_AGAIN_S, _TURNS_A_WAIT = 1.0, 50
"""When open turns are said again, then after twice as long, and so on; where many more are open, so much later."""
_MOST_AT_ONCE = 200  # turns, or messages, in one publication: none is larger than a frame may be


@dataclass(slots=True)
class _OpenTurn:
    """A turn that is not over; `grant`: what it was opened with, None for the first, which opens the epoch."""

    number: int
    time_s: float
    grant: Grant | None
    done: Done | None = None


class VirtualTime:
    """The turns of one epoch."""

    def __init__(self, epoch: Epoch, conditions: Conditions, log: NetworkLog, time_s: float) -> None:
        self.epoch = epoch
        self.log = log
        self.time_s = time_s
        self.turn = 0
        self._conditions = conditions
        self._learning_turns = epoch.public.market.learning_turns
        self._stayed: Counter[str] = Counter()  # how often each has wanted another step and not moved
        self._sequencer = Sequencer(conditions, epoch.number, self.log)
        self._staleness = StalenessLog(self.log)
        in_game = epoch.public.market.mechanism is Mechanism.GAME
        self._consumption = Consumption(epoch.roster) if in_game else None
        self._choose_last = in_game and len(epoch.roster) > MOST_CHOOSING
        self._closed = False
        self._said_at = math.inf
        self._again_s = SAY_AGAIN_S
        self._turns: dict[str, _OpenTurn] = {}
        self._unfinished: set[str] = set()
        self._unread: set[Ref] = set()  # what no node needs
        self._batch: dict[str, list[tuple[Parcel, MarketMessage]]] = {vpp: [] for vpp in epoch.roster}

    # --- what comes in ---

    def begin(self, now: float) -> list[Action]:
        """Ask everybody to plan the day and declare. Real time plays no part."""
        self._said_at = now
        actions: list[Action] = []
        for vpp in self.epoch.roster:
            self._open_turn(vpp, self.time_s, None)
            begin = self._begin_of(self._turns[vpp])
            actions.append(Write(OrderGiven(begin.turn, self.time_s, vpp, begin)))
            actions.append(Send(vpp, begin))
        return actions

    def data(self, parcel: Parcel, now: float) -> list[Action] | None:
        """A member has published; None if it is a repetition, ProtocolError if it may not now, or not this."""
        sender = parcel.envelope.sender
        fresh = parcel.envelope.seq > self.epoch.upto(sender) if sender in self._batch else True
        if fresh and sender in self._batch and sender not in self._unfinished:
            raise ProtocolError("out_of_turn", f"{sender} publishes while it is not its turn")
        if fresh and sender in self._batch and len(self._batch[sender]) >= MOST_A_TURN:
            raise ProtocolError("too_many", f"{sender} publishes more than {MOST_A_TURN} messages in one turn")
        message = self.epoch.accept(parcel)
        if message is None:
            return None
        self._batch[sender].append((parcel, message))
        return self._advance_if_complete(sender, now)

    def done(self, vpp: str, done: Done, now: float) -> list[Action] | None:
        """A member has ended its turn; None if it has said so before, ProtocolError if it does not hold it."""
        turn = self._turns.get(vpp)
        if turn is not None and (done.turn < turn.number or (done.turn == turn.number and turn.done is not None)):
            return None
        if turn is None or turn.number != done.turn:
            raise ProtocolError("out_of_turn", f"{vpp} ends turn {done.turn}, which it does not hold")
        self.epoch.check(vpp, done)
        turn.done = done
        return self._advance_if_complete(vpp, now)

    def resend(self, vpp: str, refs: Sequence[Ref], now: float) -> list[Action]:
        """A member misses messages it was promised: publish them again, to it alone."""
        known = self.epoch.known(refs)
        self.epoch.counters["resent"] += len(known)
        return [Publish((frame,), (vpp,)) for frame in self._frames(known)]

    def tick(self, now: float) -> list[Action]:
        """Say again which turns are open, on the control plane: what was said before may have been lost."""
        wait_s = self._again_s * max(1.0, len(self._turns) / _TURNS_A_WAIT)
        if self.epoch.results is not None or now - self._said_at < wait_s:
            return []
        self._said_at = now
        self._again_s *= 2.0
        return [
            Send(vpp, self._begin_of(turn) if turn.grant is None else self._turns_of([(turn.number, turn.grant)]))
            for vpp, turn in sorted(self._turns.items())
            if turn.done is None
        ]

    def _begin_of(self, turn: _OpenTurn) -> Begin:
        """The order that opened the epoch for a member."""
        roster, round = self.epoch.roster, self.epoch.round
        return Begin(turn.number, turn.time_s, roster, live=False, round=round, choose_last=self._choose_last)

    def next_due(self) -> float | None:
        """No moment of real time is waited for."""
        return None

    def beat(self, vpp: str) -> Beat:
        """Nothing to be told of: a turn names what belongs to it."""
        return Beat((), 0)

    # --- who is waited for ---

    def waiting_for(self) -> tuple[str, ...]:
        """Whose turn is not over."""
        return tuple(sorted(self._unfinished))

    def owed(self) -> dict[str, tuple[Ref, ...]]:
        """By member, what it says it has published in its turn and has not arrived."""
        return {vpp: refs for vpp in sorted(self._unfinished) if (refs := self._lacking(vpp))}

    def _lacking(self, vpp: str) -> tuple[Ref, ...]:
        done = self._turns[vpp].done
        return self.epoch.lacks(vpp, done.published_upto) if done else ()

    # --- the end of a batch ---

    def _advance_if_complete(self, vpp: str, now: float) -> list[Action]:
        """Something came from a member; if that was the last thing waited for, the batch is over."""
        done = self._turns[vpp].done
        if done is not None and not self.epoch.owes(vpp, done.published_upto):
            self._unfinished.discard(vpp)
        if self._unfinished:
            return []
        turns, self._turns = self._confirmed(self._turns), {}
        self._said_at, self._again_s = now, SAY_AGAIN_S
        offering = {vpp for vpp in turns if any(isinstance(said, Offer) for _, said in self._batch[vpp])}
        actions = self._send_on(turns)
        actions += self._confirm(turns, offering)
        if self.epoch.open_trading() and self.epoch.at_rest():
            closing = self._close()
            if closing:
                return _joined(actions + closing)
            self.epoch.settle_if_at_rest()
            return actions
        return _joined(actions + self._next_batch())

    def _close(self) -> list[Action]:
        """Where buyers choose last: have them do so, once. They read prices, and nobody reads what they choose."""
        if not self._choose_last or self._closed or not isinstance(self.epoch.trading, Trading):
            return []
        self._closed = True
        buyers = self.epoch.trading.buyers()
        return self._deliver([Grant(vpp, self.time_s, ()) for vpp in self.epoch.roster if vpp in buyers])

    def _confirmed(self, turns: dict[str, _OpenTurn]) -> dict[str, _OpenTurn]:
        """The turns of a batch, with what each has consumed, where that follows from what it was given."""
        for vpp, turn in turns.items() if self._consumption else ():
            assert turn.done is not None
            assert self._consumption is not None
            turn.done = replace(turn.done, seen=self._consumption.turn(vpp, turn.grant.refs if turn.grant else ()))
        return turns

    def _send_on(self, turns: dict[str, _OpenTurn]) -> list[Action]:
        """Put what was said in this batch on the tape and under way, in the order (time, sender, number).

        What nodes read is published at once, to all: each message travels once, and turns tell when it counts.
        """
        ends = {vpp: turn.time_s + self._conditions.compute_s(vpp) for vpp, turn in turns.items()}
        self.time_s = max(self.time_s, *ends.values())
        said = [(ends[vpp], vpp, *entry) for vpp in turns for entry in self._batch[vpp]]
        said.sort(key=lambda entry: (entry[0], entry[1], entry[2].envelope.seq))
        for vpp, turn in turns.items():
            assert turn.done is not None
            self._staleness.used(vpp, turn.done.seen)
        actions: list[Action] = []
        frames: list[bytes] = []
        for time_s, sender, parcel, message in said:
            actions.append(self.epoch.take(parcel, message, time_s))
            ref = Ref(sender, parcel.envelope.seq)
            if self._consumption is not None:
                self._consumption.said(ref, message)
            if isinstance(message, Offer):
                self._staleness.offer(time_s, sender, message)
            if isinstance(message, Selection):
                self._unread.add(ref)
            else:
                frames.append(parcel.frame)
            receivers = self.epoch.concerned(sender, message)
            self._sequencer.send(ref, receivers, time_s, len(parcel.frame), type(message).__name__)
        for vpp, end_s in ends.items():
            self._sequencer.busy(vpp, end_s)
            self._batch[vpp].clear()
        starts = range(0, len(frames), _MOST_AT_ONCE)
        return actions + [Publish(tuple(frames[at : at + _MOST_AT_ONCE]), None) for at in starts]

    def _confirm(self, turns: dict[str, _OpenTurn], offering: set[str]) -> list[Action]:
        """Let the confirmations count, and wake who wants another step; where anybody may learn, a tape tells."""
        actions: list[Action] = []
        for vpp, turn in turns.items():
            assert turn.done is not None
            self.epoch.confirm(vpp, turn.done)
            if not turn.done.pending:
                continue
            if self._learning_turns:
                actions.append(Write(StepWanted(self.time_s, vpp, turn.done.pending)))
            if self._may_go_on(vpp, offering):
                self._sequencer.wake(vpp, turn.time_s + self._conditions.compute_s(vpp))
        return actions

    def _may_go_on(self, vpp: str, offering: set[str]) -> bool:
        """Who wants another step has just made one; one that learns may stay where it is, but not for ever."""
        if vpp in offering:
            return True
        self._stayed[vpp] += 1
        return self._stayed[vpp] <= self._learning_turns

    # --- the next batch ---

    def _next_batch(self) -> list[Action]:
        grants = self._sequencer.next_batch()
        if grants:
            return self._deliver(grants)
        closing = self._close()
        if not closing:
            self._stall()
        return closing

    def _stall(self) -> None:
        """Nothing is under way and not everybody has what it needs."""
        self.epoch.stall(self._sequencer.undelivered, "not everybody has confirmed the newest prices")

    def _deliver(self, grants: Sequence[Grant]) -> list[Action]:
        """Put the turns on the tape, and publish them: together where many have one, else each to its own."""
        self.epoch.counters["delivered"] += sum(len(grant.refs) for grant in grants)
        numbered = [(self._open_turn(grant.receiver, grant.time_s, grant), grant) for grant in grants]
        actions: list[Action] = [
            Write(TurnGiven(number, grant.time_s, grant.receiver, grant.refs, self._closed))
            for number, grant in numbered
        ]
        if 2 * len(grants) > len(self.epoch.roster):
            starts = range(0, len(numbered), _MOST_AT_ONCE)
            return actions + [
                Publish((), None, self._turns_of(numbered[at : at + _MOST_AT_ONCE])) for at in starts
            ]
        return actions + [Publish((), (one[1].receiver,), self._turns_of([one])) for one in numbered]

    def _frames(self, refs: Sequence[Ref]) -> tuple[bytes, ...]:
        return tuple(self.epoch.parcel(ref).frame for ref in refs)

    def _turns_of(self, numbered: Sequence[tuple[int, Grant]]) -> Turns:
        """The turns of some grants, each with its number, round the messages that they share."""
        reached = {number: [ref for ref in grant.refs if ref not in self._unread] for number, grant in numbered}
        refs = tuple(sorted({ref for some in reached.values() for ref in some}, key=_by_sender))
        place = {ref: index for index, ref in enumerate(refs)}
        return Turns(
            refs,
            tuple(
                Turn(grant.receiver, number, grant.time_s, _spans([place[ref] for ref in reached[number]]))
                for number, grant in numbered
            ),
            self._closed,
        )

    def _open_turn(self, vpp: str, time_s: float, grant: Grant | None) -> int:
        self.turn += 1
        self.epoch.counters["turns"] += 1
        self._turns[vpp] = _OpenTurn(self.turn, time_s, grant)
        self._unfinished.add(vpp)
        return self.turn


def _joined(actions: list[Action]) -> list[Action]:
    """What was said to all and the turns of all that follow, in one publication: it wakes everybody up once."""
    published = [action for action in actions if isinstance(action, Publish)]
    if len(published) != 2 or any(action.receivers is not None for action in published):
        return actions
    said, turns = published
    others = [action for action in actions if not isinstance(action, Publish)]
    return actions if said.turns or turns.frames else [*others, replace(turns, frames=said.frames)]


def _by_sender(ref: Ref) -> tuple[str, int]:
    return ref.sender, ref.seq


def _spans(places: Sequence[int]) -> tuple[int, ...]:
    """Places in their order as spans: the first of each and the one behind its last."""
    spans: list[int] = []
    for place in places:
        if spans and spans[-1] == place:
            spans[-1] = place + 1
        else:
            spans += (place, place + 1)
    return tuple(spans)
