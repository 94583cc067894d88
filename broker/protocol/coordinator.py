"""The broker's side of a whole run: joining, negotiation, settlement, farewell. One machine, no input/output.

`handle(event, now)` takes what happened and the real time, and returns what is to be done, in order. Real time
is read for patience only (who has not joined, fallen silent, or owes a message); it never reaches the market.
A frame that may not come is counted by reason in `refused` and has no other effect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from broker.admission.acceptance import Acceptance
from broker.bus.broker_end import Endpoints
from broker.delivery.network_log import NetworkLog
from broker.network import Conditions
from broker.protocol.actions import (
    Action,
    Announce,
    ControlCame,
    DataCame,
    Event,
    Notice,
    ProcessEnded,
    Reply,
    Send,
    Tick,
    Write,
)
from broker.protocol.conclusion import concluded_market
from broker.protocol.epoch import Epoch
from broker.protocol.losses import Losses
from broker.protocol.membership import Membership, Presence
from broker.protocol.resume_point import ResumePoint
from broker.protocol.rounds import PlayedRound, Reviewing, Rounds, played
from broker.protocol.run_config import RunConfig
from broker.protocol.run_progress import Phase, Progress
from broker.protocol.run_result import RunResult
from broker.protocol.settling import Settling
from broker.protocol.virtual_time import VirtualTime
from broker.protocol.wall_time import WallTime
from broker.tape import TAPE_VERSION, Back, EpochBegun, Left, Opened, Resumed, Shared
from broker.tape.reasons import ALL_JOINED, TAKEN_UP, has_withdrawn, is_back, next_round
from broker.wire.frames import WIRE_VERSION, Envelope
from broker.wire.messages import (
    BROKER,
    Audit,
    Beat,
    Bye,
    Done,
    Failure,
    Heartbeat,
    Hello,
    Message,
    Ready,
    Resend,
    Reviewed,
    Stop,
    Trouble,
    Withdrawn,
)
from market.errors import DispatchError, MarketError, ProtocolError, RunError
from market.game.result import PeriodResult
from market.model.network import OnLoss, TimeMode
from market.model.rules import Coupling
from market.visible import some_of

BEAT_S = 1.0
"""Members hear of the broker, and of what they leave unanswered, each time that so long has passed."""
BEATS_A_SECOND, ORDERS_A_SECOND, MOST_BEAT_S = 200, 50, 2.5
"""Of so many members each; in a larger market they do so less often, but of the broker before they ask for it."""

RESEND_AFTER_S = 0.5
FAREWELL_AGAIN_S = 0.25
NOT_ACCEPTED = 8
"""A member counts as lost once what it owes has come, and been refused, so many times."""

WORDS = {
    Trouble.DISPATCH: "its day cannot be planned",
    Trouble.TRADE: "it was told of trade that it cannot have negotiated",
    Trouble.ERROR: "it has met an error of its own",
    Trouble.LEFT: "was ended by whoever runs it",
}
"""What is told of a node's trouble. The node itself says more, to its owner alone."""


_AFTER_TRADING = (Phase.REVIEWING, Phase.SETTLING)
"""The market is over, and orders are being answered."""


class Coordinator:
    """The broker's machine. `session` tells it from other brokers; `past`: where a run stood that is taken up."""

    def __init__(
        self,
        charge: RunConfig,
        endpoints: Endpoints,
        now: float,
        past: ResumePoint | None = None,
        session: int = 1,
    ) -> None:
        self.phase = Phase.JOINING
        self.refused: Counter[str] = Counter()
        self.membership = Membership(charge.shared, session, endpoints, charge.patience, now)
        self._charge = charge
        self._past = past
        self._conditions = Conditions(charge.network, charge.vpps, charge.seed)
        self._counters: Counter[str] = Counter()
        self._log = NetworkLog()
        self._prepare(past.epoch + 1 if past else 1, charge.vpps, past.time_s if past else 0.0)
        self._rounds = Rounds(charge.public)
        self._reviewing: Reviewing | None = None
        self._settling: Settling | None = None
        self._settled: PlayedRound | None = None
        self._ended_at: dict[str, float] = {}
        self._beat_at = now
        self._moved_at = now
        self._asked_at = now
        self._acceptance = Acceptance()
        self._losses = Losses(charge.patience.wait_s)
        self._failures: dict[str, Failure] = {}
        self._withdrawn = ""  # who has been given up last, until the others begin again
        self._goodbye: Stop | None = None
        self._leaving: set[str] = set()
        self._leaving_until = now

    def open(self) -> list[Action]:
        """What is to be done before anything has happened: a header for the tape, or a note that it goes on."""
        charge = self._charge
        if self._past:
            return [Write(Resumed(self._past.time_s))]
        digest = charge.shared.digest
        header = Opened(TAPE_VERSION, WIRE_VERSION, digest, charge.seed, charge.vpps, charge.audit)
        return [Write(header), Write(Shared(charge.shared))]

    # --- the one entry ---

    def handle(self, event: Event, now: float) -> list[Action]:
        """Take an event; RunError or DispatchError when the run cannot go on."""
        if isinstance(event, ControlCame):
            return self._guarded(event, lambda: self._control(event.route, event.envelope, now), now)
        if isinstance(event, DataCame):
            return self._guarded(event, lambda: self._data(event, now), now)
        if isinstance(event, ProcessEnded):
            ended = (event.vpp, *event.with_it)
            self._leaving.difference_update(ended)
            return self._lost(ended, f"process {event.how}", now, returns=event.restarted)
        assert isinstance(event, Tick)
        return self._tick(now)

    def refuse(self, reason: str) -> None:
        """Count a frame that is not for us."""
        self.refused[reason] += 1

    def _guarded(self, came: ControlCame | DataCame, act: Callable[[], list[Action]], now: float) -> list[Action]:
        try:
            actions = act()
        except ProtocolError as error:
            self.refuse(error.reason)
            if error.reason != "gap":  # what fills it is asked for
                self._not_accepted(came, error.reason)
            return []
        return actions + self._next_phase(now)

    def _not_accepted(self, came: ControlCame | DataCame, reason: str) -> None:
        """Something counts against who sent it, as far as that is known."""
        sender = (came.parcel.envelope if isinstance(came, DataCame) else came.envelope).sender
        member = self.membership.members.get(sender)
        if isinstance(came, DataCame):
            if member is not None:
                self._acceptance.refused_data(sender, came.connection, reason)
        elif member is not None and member.route == came.route:
            self._acceptance.refused_order(sender, reason)

    def _moved(self, now: float) -> None:
        """The run has come a step further."""
        self._moved_at = now
        self._acceptance.moved()

    # --- messages ---

    def _control(self, route: bytes, envelope: Envelope, now: float) -> list[Action]:
        vpp, message = envelope.sender, envelope.message
        if isinstance(message, Hello) and self._goodbye is not None and vpp in self.membership.expected:
            return [Reply(route, self._goodbye)]
        if isinstance(message, Hello):
            return self.membership.hello(vpp, route, message, now)
        self.membership.heard(vpp, now)
        if isinstance(message, Heartbeat):
            return []
        self.membership.member(vpp, route)
        if isinstance(message, Ready):
            return self._ready(vpp, route, message, now)
        if isinstance(message, Bye):
            self._leaving.discard(vpp)
            return []
        if isinstance(message, Failure):
            return self._failed(vpp, route, message, now)
        if envelope.epoch < self.epoch.number:
            return self._superseded()
        if envelope.epoch > self.epoch.number:
            raise ProtocolError("wrong_epoch", f"epoch {envelope.epoch}, this is {self.epoch.number}")
        return self._from_member(vpp, message, now)

    def _ready(self, vpp: str, route: bytes, message: Ready, now: float) -> list[Action]:
        presence = self.membership.ready(vpp, route, message.session)
        if presence is not Presence.KNOWN:
            self._failures.pop(vpp, None)
            self._moved(now)
        return self._returned(vpp, now) if presence is Presence.BACK else []

    def _failed(self, vpp: str, route: bytes, message: Failure, now: float) -> list[Action]:
        """A node has said that it cannot go on; unless the rule is to stop, that is its own trouble."""
        self._failures[vpp] = message
        if self.phase is Phase.OVER:
            self._leaving.discard(vpp)
            return []
        left = message.kind is Trouble.LEFT
        how = f"node {WORDS[message.kind]}" if left else f"node cannot go on: {WORDS[message.kind]}"
        if self._charge.network.on_loss is OnLoss.STOP and not left:
            raise self._fault_of(vpp, f"{vpp}'s {how}")
        if not left and self.phase is not Phase.JOINING:
            self._losses.fault(vpp, how)
        heard = Reply(route, Stop("this node has said that it cannot go on", complete=False))
        return [heard, *self._lost((vpp,), how, now, returns=True)]

    def _fault_of(self, vpp: str, text: str) -> MarketError:
        """The error of a run that ends because of a VPP: whether its day cannot be planned, or something else."""
        failure = self._failures.get(vpp)
        return (DispatchError if failure and failure.kind is Trouble.DISPATCH else RunError)(text)

    def _from_member(self, vpp: str, message: Message, now: float) -> list[Action]:
        if self.phase is Phase.OVER:
            return self._superseded()
        if isinstance(message, Done) and self.phase in (Phase.PLANNING, Phase.TRADING):
            return self._progressed(self.clockwork.done(vpp, message, now), now)
        if isinstance(message, Done | Resend) and self.phase in _AFTER_TRADING:
            return self._superseded()  # what consumes the last messages changes nothing any more
        if isinstance(message, Resend) and self.phase is not Phase.JOINING:
            return self.clockwork.resend(vpp, message.refs, now)
        if isinstance(message, Reviewed) and self._reviewing is not None:
            return self._progressed([] if self._reviewing.take(vpp, message) else None, now)
        if isinstance(message, Audit) and self._settling is not None:
            return self._progressed([] if self._settling.take(vpp, message) else None, now)
        raise ProtocolError("out_of_turn", f"{type(message).__name__} from {vpp} while {self.phase}")

    def _data(self, event: DataCame, now: float) -> list[Action]:
        over = self.phase in _AFTER_TRADING or self.phase is Phase.OVER
        if event.parcel.envelope.epoch < self.epoch.number or over:
            return self._superseded()
        if self.phase is Phase.JOINING:
            raise ProtocolError("out_of_turn", f"a market message while {self.phase}")
        actions = self.clockwork.data(event.parcel, now)
        if actions is not None:
            self._acceptance.accepted(event.parcel.envelope.sender, event.connection)
        return self._progressed(actions, now)

    def _progressed(self, actions: list[Action] | None, now: float) -> list[Action]:
        """What follows from something new; None: it was known already."""
        if actions is None:
            return self._superseded()
        self._moved(now)
        return actions

    @property
    def _in_real_time(self) -> bool:
        return self._charge.network.time is TimeMode.WALL

    def _superseded(self) -> list[Action]:
        """A message of what is over: discarded, as it should be."""
        self._counters["superseded"] += 1
        return []

    # --- epochs ---

    def _prepare(self, number: int, roster: Sequence[str], time_s: float, round: int = 0) -> None:
        """The next epoch's machines, before it begins."""
        self.epoch = Epoch(self._charge.public, roster, number, self._counters, round)
        self.clockwork: VirtualTime | WallTime = (WallTime if self._in_real_time else VirtualTime)(
            self.epoch, self._conditions, self._log, time_s
        )

    def _begin(self, why: str, now: float) -> list[Action]:
        """Everybody on the roster plans and declares, and prices start from p_clr."""
        self.phase = Phase.PLANNING
        self._reviewing = self._settling = None
        self._moved(now)
        epoch, time_s = self.epoch, self.clockwork.time_s
        begun = EpochBegun(epoch.number, time_s, epoch.roster, why, epoch.round)
        return [Write(begun), *self.clockwork.begin(now)]

    def _begin_anew(self, roster: Sequence[str], why: str, now: float) -> list[Action]:
        """Of the rounds so far nothing counts: who was away has had no part in them."""
        if len(roster) < min(2, len(self._charge.vpps)):
            raise RunError(self._why_no_market(roster))
        self._prepare(self.epoch.number + 1, roster, self.clockwork.time_s)
        self._rounds = Rounds(self._charge.public)
        return self._begin(why, now)

    def _why_no_market(self, left: Sequence[str]) -> str:
        """What ends a run that has gone on without so many that nobody is left to trade with."""
        absent = self.membership.absent
        gone = "; ".join(f"{vpp}'s {absent[vpp].how}" for vpp in self._charge.vpps if vpp in absent)
        return f"no market is left, {f'{left[0]} is alone' if left else 'nobody is here'}: {gone}"

    def _next_round(self, now: float) -> list[Action]:
        """The same roster declares anew."""
        number, epoch = self._rounds.number, self.epoch
        self._prepare(epoch.number + 1, epoch.roster, self.clockwork.time_s, number)
        return self._begin(next_round(number), now)

    # --- who goes and who comes back ---

    def _lost(self, vpps: Sequence[str], how: str, now: float, *, returns: bool) -> list[Action]:
        """VPPs are gone, and what follows. `returns`: whether somebody sees to it that they come back."""
        gone = [action for vpp in vpps for action in self._gone(vpp, how, now, returns=returns)]
        return [*gone, *self._without(now)]

    def _gone(self, vpp: str, how: str, now: float, *, returns: bool) -> list[Action]:
        """A VPP is gone; several that go at once are all noted before the others begin again, once."""
        rule = self._charge.network.on_loss
        if self.phase is Phase.OVER:
            return []
        if returns and vpp in self.membership.absent:
            self.membership.free(vpp)
            return []
        joining = self.phase is Phase.JOINING
        if (rule is OnLoss.STOP and not joining) or (not returns and (rule is OnLoss.WAIT or joining)):
            raise self._fault_of(vpp, self._why_over(vpp, how))
        if vpp in self.membership.absent:
            self.membership.free(vpp)
            return []
        self.membership.lose(vpp, how, now)
        self._acceptance.forget(vpp)
        self._counters["lost"] += 1
        if joining:
            return [Notice(f"{vpp} {how}; its place is free again")]
        actions: list[Action] = [Write(Left(self.clockwork.time_s, vpp, how))]
        self._losses.lost(vpp, now)
        if enough := self._losses.enough(vpp):
            self.membership.ban(vpp, enough)
            actions.append(Notice(f"{enough}; it is not let in again"))
            if rule is OnLoss.WAIT:
                raise self._fault_of(vpp, enough)
        if rule is OnLoss.WAIT:
            wait_s = self._charge.patience.wait_s
            return [*actions, Notice(f"lost: {vpp} {how}; it is waited for, at most {wait_s:g} s")]
        self._withdrawn = vpp
        actions.append(Notice(f"lost: {vpp} {how}; the others begin again without it"))
        actions.append(Announce(Envelope(self.epoch.number + 1, BROKER, 0, Withdrawn(vpp))))
        return actions

    def _why_over(self, vpp: str, how: str) -> str:
        """What ends a run that cannot do without a VPP: what that has said of itself, or how it was lost."""
        failure = self._failures.get(vpp)
        if failure and failure.kind is not Trouble.LEFT:
            return f"{vpp}'s node cannot go on: {WORDS[failure.kind]}"
        found, _, question = how.partition("; ")
        over = f"{vpp}'s {found} while {self._story()}; the market cannot go on without it"
        return f"{over}: {question}" if question else over

    def _without(self, now: float) -> list[Action]:
        """The others begin again without those who have withdrawn, if anybody has."""
        vpp, self._withdrawn = self._withdrawn, ""
        return self._begin_anew(self.membership.here(), has_withdrawn(vpp), now) if vpp else []

    def _returned(self, vpp: str, now: float) -> list[Action]:
        """A VPP that was lost is here again: the market begins anew with it, or it takes up its settlement."""
        if self.phase is Phase.OVER:
            return []  # nothing stands on a tape behind its end
        self._counters["returned"] += 1
        if self.phase is Phase.JOINING:
            return []
        actions: list[Action] = [Write(Back(self.clockwork.time_s, vpp))]
        if self._settling is not None and self._settling.round == 0 and vpp in self.epoch.roster:
            return [*actions, Notice(f"{vpp} is back, and settles"), *self._settling.again()]
        actions.append(Notice(f"{vpp} is back; all begin again"))
        if self._charge.network.on_loss is OnLoss.WAIT and self.membership.absent:
            return actions  # the last of those who are waited for opens the epoch
        return actions + self._begin_anew(self.membership.here(), is_back(vpp), now)

    # --- phases ---

    def _next_phase(self, now: float) -> list[Action]:
        if self.phase is Phase.JOINING and self.membership.complete:
            self._ended_at["joining"] = now
            return self._begin(TAKEN_UP if self._past else ALL_JOINED, now)
        if self.phase is Phase.PLANNING and self.epoch.trading is not None:
            self.phase = Phase.TRADING
            self._losses.reached(2 * self.epoch.round + 1)
            if not self.epoch.round:
                self._ended_at["planning"] = now
        if self.phase is Phase.TRADING and self.epoch.results is not None:
            self._ended_at["trading"] = now
            self._moved(now)
            return self._conclude(self.epoch.results)
        if self._reviewing is not None and self._reviewing.complete and self.phase is Phase.REVIEWING:
            self._ended_at["trading"] = now
            return self._end_round(self._reviewing, now)
        if self._settling is not None and self._settling.complete and self.phase is Phase.SETTLING:
            self._ended_at["settling"] = now
            return [*self._settling.end(), *self.farewell("the run is complete", now, complete=True)]
        return []

    def _conclude(self, results: Sequence[PeriodResult]) -> list[Action]:
        """The market is over: announce it, and have the round reviewed, or settle the only one."""
        self._losses.reached(2 * self.epoch.round + 2)
        epoch, time_s, first_turn = self.epoch, self.clockwork.time_s, self.clockwork.turn + 1
        announced = concluded_market(epoch.number, results, time_s)
        if self._charge.shared.public.market.coupling is Coupling.ONCE:
            return announced + self._settle(played(epoch, time_s), first_turn)
        self.phase = Phase.REVIEWING
        self._reviewing = Reviewing(epoch.round, epoch.roster, results, self._charge.public, first_turn)
        return announced + self._reviewing.begin(time_s)

    def _end_round(self, reviewing: Reviewing, now: float) -> list[Action]:
        """Everybody has reviewed the round: another one follows, or the best is settled."""
        self._moved(now)
        self._rounds.add(played(self.epoch, self.clockwork.time_s), reviewing.reviews)
        actions: list[Action] = [*reviewing.end()]
        if not self._rounds.over:
            return actions + self._next_round(now)
        first_turn = self.clockwork.turn + 1 + len(self.epoch.roster)
        return actions + self._settle(self._rounds.settled, first_turn)

    def _settle(self, market: PlayedRound, first_turn: int) -> list[Action]:
        self.phase = Phase.SETTLING
        self._losses.reached(2 * self.epoch.round + 3)
        roster, public, audit = self.epoch.roster, self._charge.public, self._charge.audit
        self._settled = market
        self._settling = Settling(roster, market.results, public, first_turn, audit, market.rounds)
        return self._settling.begin(self.clockwork.time_s)

    # --- taking leave ---

    def farewell(self, reason: str, now: float, *, complete: bool) -> list[Action]:
        """Tell every member that its run is over; ticks say so again until each has taken leave."""
        self.phase = Phase.OVER
        self._goodbye = Stop(reason, complete)
        self._leaving = set(self.membership.members)
        self._leaving_until = now + self._charge.farewell_s
        self._asked_at = now
        return self._see_off(self.membership.members)

    def _see_off(self, members: Iterable[str]) -> list[Action]:
        """Tell these members that it is over, and whoever waited for a place."""
        assert self._goodbye is not None
        waited = [Reply(route, self._goodbye) for route in self.membership.waiting.values()]
        return [*(Send(vpp, self._goodbye) for vpp in members), *waited]

    def taken_leave(self, now: float) -> bool:
        """Whether nobody is left who does not know that the run is over, but who cannot be reached."""
        return self.phase is Phase.OVER and (not self._leaving or now >= self._leaving_until)

    def _farewell_again(self, now: float) -> list[Action]:
        if self._goodbye is None or now - self._asked_at < FAREWELL_AGAIN_S:
            return []
        self._asked_at = now
        return self._see_off(sorted(self._leaving))

    # --- patience ---

    def _tick(self, now: float) -> list[Action]:
        if self.phase is Phase.OVER:
            return self._farewell_again(now)
        actions: list[Action] = []
        for vpp, how in self.membership.silent(now).items():
            actions += self._gone(vpp, how, now, returns=True)
        actions += self._without(now)
        if self.phase is Phase.JOINING:
            self.membership.check_joining(now)
        elif self._charge.network.on_loss is OnLoss.WAIT:
            self._check_absent(now)
        if self._under_way():
            actions += self._ask_again(now) + self.clockwork.tick(now)
            actions += self._check_answers(now)
        actions += self._next_phase(now)
        if now - self._beat_at >= min(MOST_BEAT_S, self._times(BEATS_A_SECOND) * BEAT_S):
            self._beat_at = now
            actions += self._say_again(now)
        return actions

    def _say_again(self, now: float) -> list[Action]:
        """That we are here, and, where nothing moves, the orders that no clockwork repeats."""
        beats: list[Action] = [Send(vpp, self._beat(vpp)) for vpp in self.membership.members]
        if now - self._moved_at < self._times(ORDERS_A_SECOND) * BEAT_S:
            return beats
        return beats + self.membership.welcomes() + (self._asking.again() if self._asking else [])

    def _times(self, members: int) -> float:
        """How many times as many take part, once at least: of more, each is told of less often."""
        return max(1.0, len(self._charge.vpps) / members)

    @property
    def _asking(self) -> Reviewing | Settling | None:
        """The orders that are being answered, once trading is over."""
        if self.phase is Phase.REVIEWING:
            return self._reviewing
        return self._settling if self.phase is Phase.SETTLING else None

    def _beat(self, vpp: str) -> Beat:
        """With the newest that went out to a member: were it dropped on its way, nothing after it would tell."""
        return self.clockwork.beat(vpp) if self._under_way() else Beat((), 0)

    def _check_absent(self, now: float) -> None:
        """MarketError when somebody who was lost has not come back for too long."""
        for vpp, story in self.membership.given_up(now).items():
            raise self._fault_of(vpp, story)

    def _check_answers(self, now: float) -> list[Action]:
        """Heartbeats prove a process, not progress: who leaves an order unanswered for too long counts as lost."""
        answer_s = self._charge.patience.answer_s
        if now - self._moved_at <= answer_s:
            return []
        actions: list[Action] = []
        owed = self.clockwork.owed()
        for vpp in self._waiting_for():
            how = "what it says it has published does not come" if vpp in owed else "it does not answer"
            actions += self._stuck(vpp, f"node is alive, and for {answer_s:g} s {how}", now)
        return actions + self._without(now)

    def _stuck(self, vpp: str, how: str, now: float) -> list[Action]:
        """A member that is here and does not get on."""
        if vpp not in self.membership.members or vpp in self.membership.absent:
            return []
        self._losses.fault(vpp, how)
        return self._gone(vpp, how, now, returns=True)

    def _under_way(self) -> bool:
        """Whether the market goes on: it stands still while one of its VPPs is lost and waited for."""
        absent = self.membership.absent
        waits = bool(absent) and any(vpp in absent for vpp in self.epoch.roster)
        return self.phase in (Phase.PLANNING, Phase.TRADING, *_AFTER_TRADING) and not waits

    def _ask_again(self, now: float) -> list[Action]:
        """Ask for data messages that a member says it has published and that have not come."""
        owed = self.clockwork.owed() if self.phase not in _AFTER_TRADING else {}
        if not owed or now - max(self._moved_at, self._asked_at) < RESEND_AFTER_S:
            return []
        for vpp in owed:
            refused = self._acceptance.refused(vpp)
            if refused.total() >= NOT_ACCEPTED:
                reasons = ", ".join(f"{reason} ×{count}" for reason, count in refused.items())
                stuck = self._stuck(vpp, f"messages are not accepted (refused: {reasons})", now)
                return [*stuck, *self._without(now)]
        self._asked_at = now
        self.epoch.counters["asked_again"] += sum(len(refs) for refs in owed.values())
        return [Send(vpp, Resend(refs)) for vpp, refs in owed.items()]

    # --- for people ---

    def next_due(self) -> float | None:
        """The real time at which a tick is needed, if one is."""
        return self.clockwork.next_due() if self._under_way() and self.phase not in _AFTER_TRADING else None

    def progress(self, now: float) -> Progress:
        """Where the run stands."""
        trading = self.epoch.trading
        return Progress(
            phase=self.phase,
            rounds=trading.rounds() if trading else 0,
            unrested_periods=trading.residual() if trading else 0,
            messages=self.epoch.counters["sent"],
            time_s=self.clockwork.time_s,
            waiting_for=self._waiting_for(),
            waiting_s=now - self._moved_at,
        )

    def _waiting_for(self) -> tuple[str, ...]:
        if self.phase is Phase.JOINING:
            return self.membership.missing()
        if self.phase is Phase.OVER:
            return tuple(sorted(self._leaving))
        if self._asking is not None:
            return self._asking.missing()
        return tuple(sorted({*self.clockwork.waiting_for(), *self.membership.absent} & {*self.epoch.roster}))

    def _story(self) -> str:
        waiting = self._waiting_for()
        of_time = [] if self._in_real_time else [f"turn {self.clockwork.turn}"]
        told = ", ".join(of_time + ([f"waiting for {some_of(waiting)}"] if waiting else []))
        return f"{self.phase} ({told})" if told else str(self.phase)

    def proceedings(self) -> RunResult:
        """What a complete run leaves behind (phase `over`)."""
        assert self._settling is not None
        assert self._settled is not None
        settled = self._settled
        return RunResult(
            results=settled.results,
            declarations=settled.declarations,
            audits=dict(self._settling.answers),
            said=settled.said,
            settled_s=settled.ended_s,
            rounds=settled.rounds,
            time_s=self.clockwork.time_s,
            counters=Counter(self.epoch.counters),
            network=self._log,
            refused=Counter(self.refused),
            process_ids={vpp: member.process_id for vpp, member in self.membership.members.items()},
            ended_at=dict(self._ended_at),
            withdrawn=tuple(vpp for vpp in self._charge.vpps if vpp not in self.epoch.roster),
            undisclosed=tuple(vpp for vpp in self._charge.vpps if not self.membership.disclosed(vpp)),
        )
