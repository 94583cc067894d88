"""Owns the replay of one VPP: its behaviour is given what it was given, and what it says is held against the tape.

Knows nothing of the broker's part or of where records come from. In virtual time the tape names the messages that
reached it at each turn; in real time each of its confirmations tells which offers it had used by then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from broker.wire.messages import DataMessage, Declared, Done, MarketMessage, Offer
from market.app.replay.decision import Agreement, Decision, compared
from market.errors import DispatchError
from market.plan import DirectExchange
from vpp_nodes.node import Audited, Begun, Confirmed, Node, Reached, Settled

WORDS: Mapping[str, str] = {"Declared": "declaration", "Offer": "offer", "Selection": "selection"}
STILL = "no message"
AUDIT = "audit"


@dataclass(slots=True)
class _Act:
    """A turn: what it called for, and the number of its last message on the tape, None until that is known."""

    turn: int
    time_s: float
    reply: Confirmed
    upto: int | None = None


class VppReplay:
    """One VPP through all epochs. `node` plans and declares as the plant's own process does."""

    def __init__(self, vpp: str, node: Node) -> None:
        self._vpp = vpp
        self._node = node
        self.begin_epoch(0)

    def begin_epoch(self, number: int) -> None:
        """What was said before is void."""
        self._number = number
        self._recorded: dict[int, MarketMessage] = {}
        self._acts: deque[_Act] = deque()
        self._opening: _Act | None = None  # in real time: the first act, until it is confirmed
        self._judged = 0
        self._time_s = 0.0
        self._used: dict[str, int] = {}
        self._declared = False
        self._audited: Audited | None = None
        self._settled_s: float | None = None

    # --- what it was told ---

    def begun(self, turn: int, time_s: float, roster: tuple[str, ...], *, live: bool) -> None:
        """It was told to plan and declare."""
        act = _Act(turn, time_s, self._confirmed(Begun(roster)))
        if live:
            self._opening = act
        else:
            self._acts.append(act)

    def reached(self, turn: int, time_s: float, messages: Sequence[tuple[str, DataMessage]]) -> None:
        """It was given a turn with these messages."""
        self._acts.append(_Act(turn, time_s, self._confirmed(Reached(tuple(messages)))))

    def settled(self, time_s: float, direct: DirectExchange) -> None:
        """It was told what it trades."""
        self._settled_s = time_s
        try:
            reply = self._node.handle(Settled(direct))
            self._audited = reply if isinstance(reply, Audited) else None
        except DispatchError:
            self._audited = None

    def _confirmed(self, event: Begun | Reached) -> Confirmed:
        """What it answers; nothing where its day cannot be planned here, which then differs from the tape."""
        try:
            reply = self._node.handle(event)
        except DispatchError:
            return Confirmed((), (), ())
        assert isinstance(reply, Confirmed)
        return reply

    # --- what it said, by the tape ---

    def said(self, time_s: float, seq: int, message: MarketMessage) -> None:
        """A message of its own is on the tape."""
        self._time_s = time_s
        self._recorded[seq] = message

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
        return Done(act.turn, act.upto, act.reply.seen, act.reply.restless)

    def confirmed(
        self,
        turn: int,
        time_s: float,
        upto: int,
        seen: Mapping[str, int],
        said: Mapping[str, Sequence[DataMessage]],
    ) -> Done:
        """In real time: it has confirmed an act, having used the offers `seen` among all that was `said`."""
        act, self._opening = self._opening, None
        if act is None:
            act = _Act(turn, time_s, self._confirmed(Reached(tuple(self._news(seen, said)))))
        act.time_s, act.upto = time_s, upto
        self._acts.append(act)
        return Done(turn, upto, act.reply.seen, act.reply.restless)

    def _news(
        self, seen: Mapping[str, int], said: Mapping[str, Sequence[DataMessage]]
    ) -> Iterator[tuple[str, DataMessage]]:
        """What it has used now and had not before; whoever uses an offer holds all declarations."""
        others = {vpp: messages for vpp, messages in said.items() if vpp != self._vpp}
        if seen and not self._declared:
            self._declared = True
            yield from ((v, m) for v, messages in others.items() for m in messages if isinstance(m, Declared))
        for vpp, messages in others.items():
            known, newest = self._used.get(vpp, 0), seen.get(vpp, 0)
            yield from ((vpp, m) for m in messages if isinstance(m, Offer) and known < m.version <= newest)
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
        if self._settled_s is not None:
            yield self._decision(self._settled_s, AUDIT, why)
            self._settled_s = None

    def _decision(self, time_s: float, what: str, why: str) -> Decision:
        return Decision(time_s, self._number, self._vpp, what, Agreement.NOT_RECORDED, why)

    def _judged_act(self, act: _Act, upto: int, *, over: bool, why: str = "") -> Iterator[Decision]:
        computed = dict(enumerate(act.reply.messages, start=self._judged + 1))
        last = max(upto, self._judged + len(computed))
        if not computed and upto <= self._judged:
            agreement = Agreement.NOT_RECORDED if over else Agreement.SAME
            yield Decision(act.time_s, self._number, self._vpp, STILL, agreement, why)
        for seq in range(self._judged + 1, last + 1):
            ours, theirs = computed.get(seq), self._recorded.get(seq) if seq <= upto else None
            what = WORDS[type(theirs or ours).__name__]
            if over and theirs is None:
                yield self._decision(act.time_s, what, why)
                continue
            place = f"message {seq}"
            yield compared(act.time_s, self._number, self._vpp, what, place, theirs, ours)
        self._judged = max(self._judged, upto)

    def audited(self, recorded: Audited) -> Decision:
        """Its plans are on the tape."""
        time_s, self._settled_s = self._settled_s, None
        if time_s is None:
            raise ValueError("an audit that nobody waits for")
        return compared(time_s, self._number, self._vpp, AUDIT, AUDIT, recorded, self._audited)
