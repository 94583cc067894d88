"""Replays who takes part: when an epoch begins, with whom and why follows from who left and came back."""

from __future__ import annotations

from broker.tape import Back, EpochBegun, Left, MessageSaid, Record, Resumed, RoundReviewed, time_of
from broker.tape.reasons import ALL_JOINED, TAKEN_UP, has_withdrawn, is_back, next_round
from broker.wire.messages import BROKER, Concluded
from market.app.replay.decision import Decision, compared


class EpochsReplay:
    """The epochs of one run. `roster`: everybody in the market, in its order; `last_round`: of a day."""

    def __init__(self, roster: tuple[str, ...], last_round: int = 0) -> None:
        self._roster = roster
        self._last_round = last_round
        self._round = 0
        self._next_round = 0
        self._here: tuple[str, ...] = ()
        self._unreviewed = 0
        self._concluded_s = 0.0
        self._away: set[str] = set()
        self._number = 0
        self._latest_s = 0.0
        self._begins: str | None = ALL_JOINED  # why the next epoch would begin, None where it would not
        self._begins_s = 0.0
        self._under_way = False

    def take(self, record: Record) -> Decision | None:
        """One more record; what it says of the run as a whole beside what follows from those before."""
        decision = None
        match record:
            case Resumed():
                recorded, ours = {"time_s": record.time_s}, {"time_s": self._latest_s}
                decision = compared(record.time_s, self._number, BROKER, "resumption", "resumed", recorded, ours)
                self._away.clear()
                self._under_way, self._begins, self._begins_s = False, TAKEN_UP, record.time_s
                self._next_round = 0
            case EpochBegun():
                decision = self._begun(record)
            case Left() | Back():
                self._gone_or_back(record)
            case RoundReviewed():
                self._reviewed()
            case MessageSaid(message=Concluded()):
                self._concluded_s, self._unreviewed = record.time_s, len(self._here)
            case _:
                self._begins = None if self._under_way else self._begins
        self._latest_s = max(self._latest_s, time_of(record) or 0.0)
        return decision

    def _begun(self, record: EpochBegun) -> Decision:
        self._number += 1
        self._here = tuple(vpp for vpp in self._roster if vpp not in self._away)
        why = self._begins or "nobody left or came back"
        ours = EpochBegun(self._number, self._begins_s, self._here, why, self._next_round)
        self._under_way, self._begins = True, None
        self._round, self._next_round = self._next_round, 0
        return compared(record.time_s, self._number, BROKER, "epoch", "its beginning", record, ours)

    def _reviewed(self) -> None:
        """Another round begins once everybody has reviewed this one, unless it is the last."""
        self._unreviewed -= 1
        if self._unreviewed == 0 and self._round < self._last_round:
            self._next_round = self._round + 1
            self._begins, self._begins_s = next_round(self._next_round), self._concluded_s

    def _gone_or_back(self, record: Left | Back) -> None:
        """Who is away; while a market is joining, that alone begins nothing."""
        gone = isinstance(record, Left)
        (self._away.add if gone else self._away.discard)(record.vpp)
        self._next_round = 0
        if self._under_way:
            self._begins = has_withdrawn(record.vpp) if gone else is_back(record.vpp)
            self._begins_s = record.time_s
