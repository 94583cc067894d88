"""The state of a market as its tape records it: one value that each record turns into the next.

A run that is over, one that is running elsewhere and one in this process are all tapes, so this is all there is to
see of any of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from broker.equilibrium.trading import concerned
from broker.protocol.run_progress import Phase
from broker.screening.answers import judged_of
from broker.tape import (
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
)
from broker.wire.messages import Answer, Begin, Concluded, Declared, Offer, RoundOver, Selection, Withdrawn
from market.coordination.consensus import Standing, after, opening, scale_of
from market.game.period import PeriodGame, period_games
from market.game.result import Verdict
from market.model.declaration import Declaration
from market.model.disclosure import Disclosure, ShownPlan
from market.model.public import PublicScenario
from market.model.rules import Coupling, Mechanism

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

    before: ShownPlan
    after: ShownPlan


@dataclass(frozen=True, slots=True)
class RoundThen:
    """A market that was concluded in a round of the day, as it stood then; its epoch."""

    market_epoch: int
    declarations: Mapping[str, Declaration]
    games: tuple[PeriodGame, ...]
    offers: Mapping[str, Offer]
    selections: Mapping[str, Selection]
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What stands after `position` records.

    roster : who takes part in this epoch · absent : who is away, and how it left · live : real time, where the
    tape does not tell when each message arrives · games : empty until all have declared
    offers, selections, answers : the newest of each · verdicts : of each period, once concluded
    verdict : of the day, once the tape is complete
    round : of the day; in the end, the one that is settled · rounds_over : those that are over, by number
    market_epoch : that of the market that is shown · reviews : what each VPP makes of the round
    standings : where prices are agreed on, what stood after each round
    """

    position: int = 0
    phase: Phase = Phase.JOINING
    time_s: float = 0.0
    scenario: PublicScenario | None = None
    seed: int = 0
    audit: Disclosure = Disclosure.FULL
    live: bool = False
    epoch: int = 1
    market_epoch: int = 1
    roster: tuple[str, ...] = ()
    absent: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    declarations: Mapping[str, Declaration] = field(default_factory=lambda: NOTHING)
    games: tuple[PeriodGame, ...] = ()
    offers: Mapping[str, Offer] = field(default_factory=lambda: NOTHING)
    selections: Mapping[str, Selection] = field(default_factory=lambda: NOTHING)
    answers: Mapping[str, Answer] = field(default_factory=lambda: NOTHING)
    under_way: Mapping[tuple[str, str, int], Passage] = field(default_factory=lambda: NOTHING)
    sent: int = 0
    delivered: int = 0
    verdicts: tuple[Verdict, ...] = ()
    plans: Mapping[str, Plans] = field(default_factory=lambda: NOTHING)
    verdict: str = ""
    round: int = 0
    standings: tuple[Standing, ...] = ()
    rounds_over: Mapping[int, RoundThen] = field(default_factory=lambda: NOTHING)
    reviews: Mapping[str, RoundReviewed] = field(default_factory=lambda: NOTHING)

    @property
    def vpps(self) -> tuple[str, ...]:
        """Everybody in the scenario, in its order."""
        return self.scenario.roster if self.scenario else self.roster

    @property
    def periods(self) -> int:
        """T; 0 before anything is known."""
        return self.scenario.public.horizon.periods if self.scenario else len(self.games)

    @property
    def standing(self) -> Standing | None:
        """What stands where prices are agreed on; None where they are not, or not everybody has declared."""
        return self.standings[self.round] if self.round < len(self.standings) else None

    @property
    def rounds(self) -> int:
        """The most offers that any one seller has made in this epoch, or answers that any VPP has given."""
        offers = (offer.version for offer in self.offers.values())
        return max((*offers, *(answer.round for answer in self.answers.values())), default=0)


def apply(view: Snapshot, record: Record) -> Snapshot:
    """The state after one more record."""
    if isinstance(record, Opened | Shared | EpochBegun | Left | Back | Resumed):
        return replace(_begun(view, record), position=view.position + 1)
    return replace(_went_on(view, record), position=view.position + 1)


def _begun(view: Snapshot, record: Opened | Shared | EpochBegun | Left | Back | Resumed) -> Snapshot:
    """A record of the run as a whole."""
    match record:
        case Opened():
            return replace(view, seed=record.seed, audit=record.audit, roster=record.roster)
        case Shared():
            return replace(view, scenario=record.scenario)
        case EpochBegun():
            return _epoch(view, record)
        case Left() | Back():
            return _who_is_here(view, record)
        case Resumed():
            return view


def _went_on(
    view: Snapshot,
    record: OrderGiven | MessageSaid | TurnGiven | StepWanted | DoneSaid | RoundReviewed | AuditGiven | Ended,
) -> Snapshot:
    """A record of an epoch."""
    match record:
        case OrderGiven():
            return _ordered(view, record)
        case MessageSaid():
            return _message(view, record)
        case TurnGiven():
            return _turn(view, record)
        case StepWanted():
            return view
        case DoneSaid():
            return _done(view, record)
        case RoundReviewed():
            return replace(view, reviews={**view.reviews, record.vpp: record})
        case AuditGiven():
            plans = {**view.plans, record.vpp: Plans(record.before, record.after)}
            return replace(view, phase=Phase.SETTLING, plans=plans)
        case Ended():
            return replace(view, phase=Phase.OVER, verdict=record.verdict.value)


def _epoch(view: Snapshot, record: EpochBegun) -> Snapshot:
    """A new roster, or another round: what was said before is void, and everybody declares again."""
    time_s = max(view.time_s, record.time_s)
    over = view.rounds_over if record.round else NOTHING
    begun = replace(_void(view), epoch=record.number, time_s=time_s, roster=record.roster)
    return replace(begun, market_epoch=record.number, round=record.round, rounds_over=over)


def _void(view: Snapshot) -> Snapshot:
    return replace(
        view,
        phase=Phase.PLANNING,
        declarations=NOTHING,
        games=(),
        offers=NOTHING,
        selections=NOTHING,
        answers=NOTHING,
        standings=(),
        under_way=NOTHING,
        verdicts=(),
        plans=NOTHING,
        verdict="",
        reviews=NOTHING,
    )


def _who_is_here(view: Snapshot, record: Left | Back) -> Snapshot:
    absent = {name: how for name, how in view.absent.items() if name != record.vpp}
    if isinstance(record, Left):
        absent[record.vpp] = record.how
    return replace(view, time_s=max(view.time_s, record.time_s), absent=absent)


def _ordered(view: Snapshot, record: OrderGiven) -> Snapshot:
    order = record.order
    if isinstance(order, Begin):
        return replace(view, phase=Phase.PLANNING, roster=order.roster, live=order.live)
    view = replace(view, time_s=max(view.time_s, record.time_s), under_way=NOTHING)
    if isinstance(order, RoundOver):
        return replace(view, phase=Phase.REVIEWING)
    return replace(_settled(view, order.round), phase=Phase.SETTLING)


def _settled(view: Snapshot, number: int) -> Snapshot:
    """What counts from now on is the round that is settled."""
    then = view.rounds_over.get(number)
    if view.standings:
        return replace(view, round=number)
    if then is None or number == view.round:
        return view
    market = {each.name: getattr(then, each.name) for each in fields(then)}
    return replace(view, round=number, **market)


def _message(view: Snapshot, record: MessageSaid) -> Snapshot:
    message, sender = record.message, record.sender
    view = replace(view, time_s=max(view.time_s, record.time_s))
    if isinstance(message, Concluded):
        return _concluded(view, message)
    if record.epoch != view.epoch or isinstance(message, Withdrawn):
        return view
    if isinstance(message, Declared):
        view = _declared(view, sender, message.declaration)
        receivers = set(view.roster)
    elif isinstance(message, Offer):
        view = replace(view, offers={**view.offers, sender: message})
        receivers = concerned(view.games, message)
    elif isinstance(message, Answer):
        view = _answered(view, sender, message)
        receivers = set(view.roster)
    else:
        view = replace(view, selections={**view.selections, sender: message})
        receivers = concerned(view.games, message)
    receivers.discard(sender)
    return replace(view, sent=view.sent + 1, under_way=_sent_off(view, _passages(view, record, receivers)))


def _concluded(view: Snapshot, message: Concluded) -> Snapshot:
    """The verdicts are there; in a day of several rounds it may be this one that is settled in the end."""
    view = replace(view, verdicts=message.verdicts, under_way=NOTHING)
    if view.scenario is None or view.scenario.public.market.coupling is Coupling.ONCE:
        return view
    then = RoundThen(view.epoch, view.declarations, view.games, view.offers, view.selections, view.verdicts)
    return replace(view, rounds_over={**view.rounds_over, view.round: then})


def _passages(view: Snapshot, record: MessageSaid, receivers: Set[str]) -> list[Passage]:
    """One for each who receives a message, in the order of the roster."""
    message = record.message
    version = message.version if isinstance(message, Offer | Selection) else 0
    version = message.round if isinstance(message, Answer) else version
    kind = type(message).__name__
    return [
        Passage(record.sender, vpp, record.seq, kind, version, record.time_s)
        for vpp in view.roster
        if vpp in receivers
    ]


def _declared(view: Snapshot, vpp: str, declaration: Declaration) -> Snapshot:
    """With the last declaration the games are known and trading opens."""
    declarations = {**view.declarations, vpp: declaration}
    view = replace(view, declarations=declarations)
    if view.scenario is None or any(member not in declarations for member in view.roster):
        return view
    ordered, public = [declarations[member] for member in view.roster], view.scenario.public
    view = replace(view, games=period_games(ordered, public), phase=Phase.TRADING)
    if public.market.mechanism is not Mechanism.CONSENSUS:
        return view
    scale = scale_of(ordered, public.tariff)
    return replace(view, standings=(opening(len(ordered), scale, public.tariff, public.horizon),))


def _answered(view: Snapshot, vpp: str, answer: Answer) -> Snapshot:
    """With the last answer of a round prices move, unless it was the last round of all."""
    view = replace(view, answers={**view.answers, vpp: answer})
    number, known = len(view.standings), [view.answers.get(member) for member in view.roster]
    answers = [each for each in known if each is not None and each.round == number and each.net_in_mw.size]
    if not view.standings or len(answers) < len(view.roster):
        return view
    powers, judged = np.array([each.net_in_mw for each in answers]), [judged_of(each) for each in answers]
    standings = (*view.standings, after(view.standings[-1], powers, judged))
    return replace(view, standings=standings, round=number)


RECENT_S = 1.0
"""For how long a message counts as under way where the tape does not tell of its arrival: in real time it tells of
offers only, and of them when they were used."""


def _sent_off(view: Snapshot, passages: Sequence[Passage]) -> dict[tuple[str, str, int], Passage]:
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


def _turn(view: Snapshot, record: TurnGiven) -> Snapshot:
    """What has reached a node by now is under way no longer."""
    under_way = dict(view.under_way)
    for ref in record.refs:
        under_way.pop((record.receiver, ref.sender, ref.seq), None)
    return replace(
        view,
        time_s=max(view.time_s, record.time_s),
        under_way=under_way,
        delivered=view.delivered + len(record.refs),
    )


def _done(view: Snapshot, record: DoneSaid) -> Snapshot:
    """In real time: the offers that a node has used, and all older ones, are under way to it no longer."""
    used = {entry.vpp: entry.version for entry in record.done.seen}
    under_way = {
        key: passage
        for key, passage in view.under_way.items()
        if passage.kind != "Offer"
        or passage.receiver != record.vpp
        or passage.version > used.get(passage.sender, 0)
    }
    return replace(view, time_s=max(view.time_s, record.time_s), under_way=under_way)
