"""Owns the state of a market as its tape tells it: one value that each record turns into the next.

A run that is over, one that is running elsewhere and one in this process are all tapes, so this is all there is
to see of any of them. Knows nothing of where records come from or of how the state is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from broker.coordinator import Phase
from broker.scenario_record import scenario_of
from broker.tape import Record
from broker.trading import concerned
from broker.wire.frames import from_body
from broker.wire.messages import Begin, Concluded, Declared, Offer, Selection
from broker.wire.types import codec_for
from market.declaration import Declaration
from market.errors import TapeError, WireError
from market.game.period import PeriodGame, period_games
from market.outcome import Verdict
from market.plan import DispatchPlan
from market.scenario.model import Scenario

NOTHING: Final[Mapping[Any, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Passage:
    """A message on its way to one receiver. `version`: of an offer or a selection, 0 for a declaration."""

    sender: str
    receiver: str
    seq: int
    kind: str
    version: int
    sent_s: float


@dataclass(frozen=True, slots=True)
class Plans:
    """A VPP's day without trade (stage 1) and with it (stage 3), as it showed them in its audit."""

    before: DispatchPlan
    after: DispatchPlan


@dataclass(frozen=True, slots=True)
class MarketView:
    """What stands after `position` records.

    roster : who takes part in this epoch · absent : who is away, and how it left · live : real time, where the
    tape does not tell when each message arrives · games : empty until all have declared · offers, selections : the
    newest of each · verdicts : of each period, once concluded · verdict : of the day, once the tape is complete
    """

    position: int = 0
    phase: Phase = Phase.JOINING
    time_s: float = 0.0
    scenario: Scenario | None = None
    seed: int = 0
    live: bool = False
    epoch: int = 1
    roster: tuple[str, ...] = ()
    absent: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    declarations: Mapping[str, Declaration] = field(default_factory=lambda: NOTHING)
    games: tuple[PeriodGame, ...] = ()
    offers: Mapping[str, Offer] = field(default_factory=lambda: NOTHING)
    selections: Mapping[str, Selection] = field(default_factory=lambda: NOTHING)
    under_way: Mapping[tuple[str, str, int], Passage] = field(default_factory=lambda: NOTHING)
    sent: int = 0
    delivered: int = 0
    verdicts: tuple[Verdict, ...] = ()
    plans: Mapping[str, Plans] = field(default_factory=lambda: NOTHING)
    verdict: str = ""

    @property
    def vpps(self) -> tuple[str, ...]:
        """Everybody in the scenario, in its order."""
        return tuple(vpp.id for vpp in self.scenario.vpps) if self.scenario else self.roster

    @property
    def periods(self) -> int:
        """T; 0 before anything is known."""
        return self.scenario.public.horizon.periods if self.scenario else len(self.games)

    @property
    def rounds(self) -> int:
        """The most offers that any one seller has made in this epoch."""
        return max((offer.version for offer in self.offers.values()), default=0)


def apply(view: MarketView, record: Record) -> MarketView:
    """The state after one more record. A record of an unknown kind changes the position only.

    Raises TapeError if a record of a known kind cannot be read.
    """
    change = _CHANGES.get(str(record[0]))
    try:
        changed = change(view, record) if change else view
    except (WireError, IndexError, KeyError, TypeError, ValueError) as error:
        raise TapeError(f"record {view.position + 1} ({record[0]!r:.20}) cannot be read: {error}") from None
    return replace(changed, position=view.position + 1)


def _opened(view: MarketView, record: Record) -> MarketView:
    return replace(view, seed=record[4], roster=tuple(record[5]))


def _scenario(view: MarketView, record: Record) -> MarketView:
    return replace(view, scenario=scenario_of(record))


def _epoch(view: MarketView, record: Record) -> MarketView:
    """A new roster: what was said before is void, and everybody declares again."""
    _, number, time_s, roster, *_ = record
    return replace(_void(view), epoch=number, time_s=max(view.time_s, time_s), roster=tuple(roster))


def _void(view: MarketView) -> MarketView:
    return replace(
        view,
        phase=Phase.PLANNING,
        declarations=NOTHING,
        games=(),
        offers=NOTHING,
        selections=NOTHING,
        under_way=NOTHING,
        verdicts=(),
        plans=NOTHING,
        verdict="",
    )


def _left(view: MarketView, record: Record) -> MarketView:
    _, time_s, vpp, how = record
    return replace(view, time_s=max(view.time_s, time_s), absent={**view.absent, vpp: str(how)})


def _back(view: MarketView, record: Record) -> MarketView:
    _, time_s, vpp = record[:3]
    absent = {name: how for name, how in view.absent.items() if name != vpp}
    return replace(view, time_s=max(view.time_s, time_s), absent=absent)


def _command(view: MarketView, record: Record) -> MarketView:
    _, _, time_s, _, kind, body = record
    if kind == "Begin":
        begin = from_body(kind, body)
        assert isinstance(begin, Begin)
        return replace(view, phase=Phase.PLANNING, roster=begin.roster, live=begin.live)
    if kind == "Settle":
        return replace(view, phase=Phase.SETTLING, time_s=max(view.time_s, time_s), under_way=NOTHING)
    return view


def _message(view: MarketView, record: Record) -> MarketView:
    _, time_s, epoch, sender, seq, kind, body = record
    message, view = from_body(kind, body), replace(view, time_s=max(view.time_s, time_s))
    if isinstance(message, Concluded):
        return replace(view, verdicts=message.verdicts, under_way=NOTHING)
    if epoch != view.epoch or not isinstance(message, Declared | Offer | Selection):
        return view
    if isinstance(message, Declared):
        view = _declared(view, sender, message.declaration)
        receivers = set(view.roster)
    elif isinstance(message, Offer):
        view = replace(view, offers={**view.offers, sender: message})
        receivers = concerned(view.games, message)
    else:
        view = replace(view, selections={**view.selections, sender: message})
        receivers = concerned(view.games, message)
    version = 0 if isinstance(message, Declared) else message.version
    receivers.discard(sender)
    passages = [Passage(sender, vpp, seq, kind, version, time_s) for vpp in view.roster if vpp in receivers]
    return replace(view, sent=view.sent + 1, under_way=_sent_off(view, passages))


def _declared(view: MarketView, vpp: str, declaration: Declaration) -> MarketView:
    """With the last declaration the games are known and trading opens."""
    declarations = {**view.declarations, vpp: declaration}
    view = replace(view, declarations=declarations)
    if view.scenario is None or any(member not in declarations for member in view.roster):
        return view
    games = period_games([declarations[member] for member in view.roster], view.scenario.public)
    return replace(view, games=games, phase=Phase.TRADING)


RECENT_S = 1.0
"""For how long a message counts as under way where the tape does not tell of its arrival: in real time it tells of
offers only, and of them when they were used."""


def _sent_off(view: MarketView, passages: Sequence[Passage]) -> dict[tuple[str, str, int], Passage]:
    under_way = dict(view.under_way)
    if view.live:
        old = [
            key
            for key, passage in under_way.items()
            if passage.kind != "Offer" and view.time_s - passage.sent_s > RECENT_S
        ]
        for key in old:
            del under_way[key]
    return under_way | {(p.receiver, p.sender, p.seq): p for p in passages}


def _turn(view: MarketView, record: Record) -> MarketView:
    """What has reached a node by now is under way no longer."""
    _, _, time_s, receiver, refs = record
    under_way = dict(view.under_way)
    arrived = [key for sender, seq in refs if (key := (receiver, sender, seq)) in under_way]
    for key in arrived:
        del under_way[key]
    return replace(
        view,
        time_s=max(view.time_s, time_s),
        under_way=under_way,
        delivered=view.delivered + len(refs),
    )


def _done(view: MarketView, record: Record) -> MarketView:
    """In real time: the offers that a node has used, and all older ones, are under way to it no longer."""
    _, time_s, vpp, _, consumed = record
    used = {str(seller): int(version) for seller, version in consumed}
    under_way = {
        key: passage
        for key, passage in view.under_way.items()
        if passage.kind != "Offer" or passage.receiver != vpp or passage.version > used.get(passage.sender, 0)
    }
    return replace(view, time_s=max(view.time_s, time_s), under_way=under_way)


def _audit(view: MarketView, record: Record) -> MarketView:
    _, vpp, before, after = record
    codec = codec_for(DispatchPlan)
    plans = Plans(codec.unpack(before, "before"), codec.unpack(after, "after"))
    return replace(view, phase=Phase.SETTLING, plans={**view.plans, vpp: plans})


def _end(view: MarketView, record: Record) -> MarketView:
    return replace(view, phase=Phase.OVER, verdict=str(record[1]))


_CHANGES: Final[dict[str, Callable[[MarketView, Record], MarketView]]] = {
    "tape": _opened,
    "scenario": _scenario,
    "epoch": _epoch,
    "left": _left,
    "back": _back,
    "command": _command,
    "message": _message,
    "turn": _turn,
    "done": _done,
    "audit": _audit,
    "end": _end,
}
