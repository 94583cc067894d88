"""Replays one VPP: its behaviour is given the recorded input, and its output is compared with the tape.

It trades by what it has declared, according to the tape; what its plant decides, the declaration and the plans in
the end, is computed again where the plant is known. In virtual time the tape names the messages that reached it at
each turn; in real time each of its confirmations tells which offers it had used by then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeGuard

import numpy as np

from broker.tape import AuditGiven, RoundReviewed
from broker.wire.messages import (
    Answer,
    Begin,
    DataMessage,
    Declared,
    Done,
    MarketMessage,
    Offer,
    RoundOver,
    Settle,
)
from market.app.replay.decision import Agreement, Decision, compared
from market.app.replay.plant_replay import PlantReplay, as_shown
from market.coordination.consensus import Participant
from market.model.arrays import frozen
from market.model.declaration import Declaration
from market.model.disclosure import Disclosure, disclosure_of
from market.model.plan import DispatchPlan
from market.model.public import PublicRules
from market.model.reality import Reality
from market.settlement.regret_bounds import RegretBounds
from vpp_nodes.in_memory import blank_plan
from vpp_nodes.node import Begun, Confirmed, Node, Reached
from vpp_nodes.plan_rounds import RoundEnd

WORDS: Mapping[str, str] = {
    "Declared": "declaration",
    "Offer": "offer",
    "Selection": "selection",
    "Answer": "answer",
}
STILL = "no message"
AUDIT = "audit"
REVIEW = "review"
CONFIRMATION = "confirmation"
STEP = "step"
NO_PLANT = "plants that are not here"
NOT_SHOWN = "days of which nothing was shown"


def _is_seen(message: DataMessage) -> TypeGuard[Offer | Answer]:
    """Whether a confirmation tells that this was used."""
    return isinstance(message, Offer | Answer)


def _unknown_participant(vpp: str, periods: int, participants: int) -> Participant:
    """Stands in for a plant that is not here: what it answers is not compared."""
    nothing = frozen(np.zeros(periods))
    return Participant(vpp, lambda *asked: nothing, lambda *asked: 0.0, lambda *asked: 0.0)


@dataclass(slots=True)
class _Act:
    """A turn: what it called for, and the number of its last message on the tape, None until that is known.

    reply : None in the turn that opens an epoch until the declaration is on the tape: by that it trades
    """

    turn: int
    time_s: float
    reply: Confirmed | None
    upto: int | None = None


class VppReplay:
    """One VPP through all epochs. `plant`: what plans its day, None where it is not known here."""

    def __init__(self, vpp: str, public: PublicRules, plant: PlantReplay | None) -> None:
        self._vpp = vpp
        self._plant = plant
        periods = public.horizon.periods
        joins = plant.participant if plant else partial(_unknown_participant, vpp, periods)
        self._missing = plant.missing if plant else ""
        self._learns = public.market.learning_turns > 0
        self._node = Node(
            vpp,
            public,
            lambda direct: blank_plan(periods, direct),
            self._as_declared,
            participant=joins,
            behaviour=plant.behaviour if plant else None,
        )
        self.begin_epoch(0)

    def begin_epoch(self, number: int) -> None:
        """What was said before is void."""
        self._number = number
        self._recorded: dict[int, MarketMessage] = {}
        self._acts: deque[_Act] = deque()
        self._opening: _Act | None = None  # the first act, until it is known by what it declares
        self._live = False  # in real time
        self._live_opening: _Act | None = None  # in real time: the same, until it is confirmed
        self._roster: tuple[str, ...] = ()
        self._choose_last = False
        self._judged = 0
        self._time_s = 0.0
        self._used: dict[str, int] = {}
        self._heard_all = False
        self._declaration: Declaration | None = None
        self._declares: Declaration | None = None  # by its plant, as far as that is known here
        self._over: tuple[float, RoundOver] | None = None
        self._settled: tuple[float, Settle] | None = None
        self._wanted: tuple[int, ...] = ()
        self._step: tuple[float, tuple[int, ...], tuple[int, ...]] | None = None  # when, recorded, computed

    def _as_declared(self, plan: DispatchPlan) -> Declaration:
        """Its declaration is what the tape says, whatever it planned."""
        assert self._declaration is not None
        return self._declaration

    # --- what it was told ---

    def begun(self, time_s: float, order: Begin) -> None:
        """It was told to plan and declare."""
        self._roster = order.roster
        self._live, self._choose_last = order.live, order.choose_last
        self._opening = _Act(order.turn, time_s, None)
        self._declares = self._plant.declaration(order.round) if self._plant else None
        if order.live:
            self._live_opening = self._opening
        else:
            self._acts.append(self._opening)

    def reached(
        self, turn: int, time_s: float, messages: Sequence[tuple[str, DataMessage]], *, closing: bool
    ) -> None:
        """It was given a turn with these messages."""
        self._acts.append(_Act(turn, time_s, self._confirmed(Reached(tuple(messages), closing))))

    def round_over(self, time_s: float, order: RoundOver) -> None:
        """It was told what a round came to."""
        self._over = (time_s, order)
        self._node.remember_end(order.round)

    def settled(self, time_s: float, order: Settle) -> None:
        """It was told what it trades."""
        self._settled = (time_s, order)

    def _confirmed(self, event: Begun | Reached) -> Confirmed:
        reply = self._node.handle(event)
        assert isinstance(reply, Confirmed)
        return reply

    def step_wanted(self, periods: tuple[int, ...]) -> None:
        """In virtual time: it has asked for another step in these periods, at the end of its open turn."""
        self._wanted = periods

    # --- what it said, by the tape ---

    def said(self, time_s: float, seq: int, message: MarketMessage) -> None:
        """A message of its own is on the tape."""
        self._time_s = time_s
        self._recorded[seq] = message
        if isinstance(message, Declared) and self._opening is not None:
            self._declaration = message.declaration
            begun = Begun(self._roster, live=self._live, choose_last=self._choose_last)
            self._opening.reply = self._confirmed(begun)
            self._opening = None

    @property
    def upto(self) -> int:
        """How many of its messages are on the tape in this epoch."""
        return len(self._recorded)

    def end_turn(self) -> Done | None:
        """In virtual time: all it said in its open turn is on the tape. Its confirmation; None without a turn."""
        if not self._acts or self._acts[-1].upto is not None:
            return None
        act = self._acts[-1]
        act.upto = self.upto
        reply = act.reply or Confirmed((), (), ())
        if not self._learns:
            return Done(act.turn, act.upto, reply.seen, () if self._missing else reply.pending)
        self._step = (act.time_s, self._wanted, reply.pending)
        self._wanted = ()
        return Done(act.turn, act.upto, reply.seen, self._step[1])

    def judged_step(self) -> Iterator[Decision]:
        """Where anybody may learn: whether it wanted another step in the periods in which it should have."""
        step, self._step = self._step, None
        if step is None or not (step[1] or step[2]):
            return
        time_s, recorded, computed = step
        if self._missing:
            yield self._decision(time_s, STEP, self._missing, Agreement.NOT_RECOMPUTED)
        else:
            yield compared(time_s, self._number, self._vpp, STEP, STEP, list(recorded), list(computed))

    def confirmed(
        self, time_s: float, done: Done, said: Mapping[str, Sequence[DataMessage]]
    ) -> Iterator[Decision]:
        """In real time: it has confirmed an act, having used the offers it tells of among all that was `said`."""
        act, self._live_opening = self._live_opening, None
        if act is None:
            seen = {entry.vpp: entry.version for entry in done.seen}
            act = _Act(done.turn, time_s, self._confirmed(Reached(tuple(self._newly_used(seen, said)))))
        act.time_s, act.upto = time_s, done.published_upto
        self._acts.append(act)
        reply = act.reply or Confirmed((), (), ())
        if self._missing:
            yield self._decision(time_s, CONFIRMATION, self._missing, Agreement.NOT_RECOMPUTED)
            yield from self.judge()
            return
        ours = replace(done, seen=reply.seen, pending=reply.pending)
        yield compared(time_s, self._number, self._vpp, CONFIRMATION, f"confirmation {done.turn}", done, ours)
        yield from self.judge()

    def _newly_used(
        self, seen: Mapping[str, int], said: Mapping[str, Sequence[DataMessage]]
    ) -> Iterator[tuple[str, DataMessage]]:
        """What it has used now and had not before; whoever uses an offer holds all declarations."""
        others = {vpp: messages for vpp, messages in said.items() if vpp != self._vpp}
        if seen and not self._heard_all:
            self._heard_all = True
            yield from ((v, m) for v, messages in others.items() for m in messages if isinstance(m, Declared))
        for vpp, messages in others.items():
            known, newest = self._used.get(vpp, 0), seen.get(vpp, 0)
            numbered = ((m.version if isinstance(m, Offer) else m.round, m) for m in messages if _is_seen(m))
            yield from ((vpp, m) for number, m in numbered if known < number <= newest)
        self._used.update(seen)

    # --- whether it is the same ---

    def judge(self) -> Iterator[Decision]:
        """The decisions of all acts that are wholly on the tape."""
        while self._acts and (upto := self._acts[0].upto) is not None and upto <= self.upto:
            yield from self._judged_act(self._acts.popleft(), upto, over=False)

    def give_up(self, why: str) -> Iterator[Decision]:
        """The epoch is over for it: what it had not yet said will not come on the tape."""
        yield from self.judge()
        while self._acts:
            act = self._acts.popleft()
            upto = self.upto if act.upto is None else min(act.upto, self.upto)  # no further than the tape goes
            yield from self._judged_act(act, upto, over=True, why=why)
        for seq in range(self._judged + 1, self.upto + 1):
            what, detail = WORDS[type(self._recorded[seq]).__name__], "its confirmation is not on the tape"
            yield self._decision(self._time_s, what, detail)
        self._judged = self.upto
        for what, order in ((REVIEW, self._over), (AUDIT, self._settled)):
            if order is not None:
                yield self._decision(order[0], what, why)
        self._over = self._settled = None

    def _decision(
        self, time_s: float, what: str, why: str, agreement: Agreement = Agreement.NOT_RECORDED
    ) -> Decision:
        return Decision(time_s, self._number, self._vpp, what, agreement, why)

    def _judged_act(self, act: _Act, upto: int, *, over: bool, why: str = "") -> Iterator[Decision]:
        if self._missing:
            yield from self._as_recorded(act, upto)
            return
        computed = dict(enumerate(self._computed(act), start=self._judged + 1))
        last = max(upto, self._judged + len(computed))
        if not computed and upto <= self._judged:
            agreement = Agreement.NOT_RECORDED if over else Agreement.SAME
            yield self._decision(act.time_s, STILL, why, agreement)
        for seq in range(self._judged + 1, last + 1):
            ours, theirs = computed.get(seq), self._recorded.get(seq) if seq <= upto else None
            yield self._judged_message(act, seq, theirs, ours, why if over else "")
        self._judged = max(self._judged, upto)

    def _as_recorded(self, act: _Act, upto: int) -> Iterator[Decision]:
        """What it said by a strategy that is not here."""
        said = [WORDS[type(self._recorded[seq]).__name__] for seq in range(self._judged + 1, upto + 1)]
        for what in said or [STILL]:
            yield self._decision(act.time_s, what, self._missing, Agreement.NOT_RECOMPUTED)
        self._judged = max(self._judged, upto)

    def _computed(self, act: _Act) -> Sequence[MarketMessage | None]:
        """What an act calls for; None where that is a declaration which cannot be computed here."""
        if act.reply is None:
            return [self._declared_here()]
        return [self._declared_here() if isinstance(said, Declared) else said for said in act.reply.messages]

    def _declared_here(self) -> Declared | None:
        return Declared(self._declares) if self._declares else None

    def _judged_message(
        self, act: _Act, seq: int, theirs: MarketMessage | None, ours: MarketMessage | None, why: str
    ) -> Decision:
        said = theirs or ours
        what = WORDS[type(said).__name__] if said else WORDS["Declared"]
        if theirs is None and why:
            return self._decision(act.time_s, what, why)
        if self._plant is None and isinstance(theirs, Declared | Answer):
            return self._decision(act.time_s, what, NO_PLANT, Agreement.NOT_RECOMPUTED)
        if said is None:
            return self._decision(act.time_s, what, "it ended its turn without declaring", Agreement.DIFFERENT)
        return compared(act.time_s, self._number, self._vpp, what, f"message {seq}", theirs, ours)

    def reviewed(self, record: RoundReviewed) -> Decision:
        """What it makes of the round is on the tape."""
        over, self._over = self._over, None
        if over is None:
            raise ValueError("a review that nobody waits for")
        time_s, order = over
        if self._plant is None:
            return self._decision(time_s, REVIEW, NO_PLANT, Agreement.NOT_RECOMPUTED)
        ours = self._plant.review(RoundEnd(order.round, order.direct, order.trades, order.left_open))
        computed = replace(record, regret_cny=ours.regret_cny, no_loss=ours.no_loss) if ours else None
        return compared(time_s, self._number, self._vpp, REVIEW, f"round {order.round}", record, computed)

    def audited(self, record: AuditGiven) -> Decision:
        """What it shows of its day is on the tape."""
        settled, self._settled = self._settled, None
        if settled is None:
            raise ValueError("an audit that nobody waits for")
        time_s, order = settled
        before, after = record.before, record.after
        if before is None or after is None:
            return self._decision(time_s, AUDIT, NOT_SHOWN, Agreement.NOT_RECOMPUTED)
        if self._plant is None:
            return self._decision(time_s, AUDIT, NO_PLANT, Agreement.NOT_RECOMPUTED)
        full = disclosure_of(before) is Disclosure.FULL
        plan = self._plant.after(order.direct)
        ours = AuditGiven(
            self._vpp,
            as_shown(self._plant.before(), before),
            as_shown(plan, after),
            self._plant.planned(order.round) if full else None,
            self._regret(order, plan, record.regret),
            self._reality(plan, record.reality),
        )
        return compared(time_s, self._number, self._vpp, AUDIT, AUDIT, record, ours)

    def _regret(
        self, order: Settle, after: DispatchPlan | None, recorded: RegretBounds | None
    ) -> RegretBounds | None:
        """Its regret of the day, where it has told one; one that knew no bound had not seen the market's end."""
        if recorded is None or recorded.upper_cny is None or after is None or self._plant is None:
            return recorded
        end = self._node.market_end(order.round, order.direct, order.trades)
        return self._plant.regret(end, after, order.trades) if end else None

    def _reality(self, after: DispatchPlan | None, recorded: Reality | None) -> Reality | None:
        """What became of its day, as much of it as it has told."""
        if recorded is None or after is None or self._plant is None:
            return recorded
        ours = self._plant.reality(after)
        return ours.shown(disclosure_of(recorded.after_plan)) if ours else None
