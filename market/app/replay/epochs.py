"""Replays who takes part: when an epoch begins, with whom and why follows from who left and came back."""

from __future__ import annotations

from broker.tape import Back, EpochBegun, Left, Record, Resumed, time_of
from broker.tape.reasons import ALL_JOINED, TAKEN_UP, has_withdrawn, is_back
from broker.wire.messages import BROKER
from market.app.replay.decision import Decision, compared


class EpochsReplay:
    """The epochs of one run. `roster`: everybody in the market, in its order."""

    def __init__(self, roster: tuple[str, ...]) -> None:
        self._roster = roster
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
            case EpochBegun():
                decision = self._begun(record)
            case Left() | Back():
                self._gone_or_back(record)
            case _:
                self._begins = None if self._under_way else self._begins
        self._latest_s = max(self._latest_s, time_of(record) or 0.0)
        return decision

    def _begun(self, record: EpochBegun) -> Decision:
        self._number += 1
        roster = tuple(vpp for vpp in self._roster if vpp not in self._away)
        ours = EpochBegun(self._number, self._begins_s, roster, self._begins or "nobody left or came back")
        self._under_way, self._begins = True, None
        return compared(record.time_s, self._number, BROKER, "epoch", "its beginning", record, ours)

    def _gone_or_back(self, record: Left | Back) -> None:
        """Who is away; while a market is joining, that alone begins nothing."""
        gone = isinstance(record, Left)
        (self._away.add if gone else self._away.discard)(record.vpp)
        if self._under_way:
            self._begins = has_withdrawn(record.vpp) if gone else is_back(record.vpp)
            self._begins_s = record.time_s
