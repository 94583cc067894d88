"""The messages of the market: what nodes and broker can say to each other, as typed values.

The class name is the kind on the wire; the types of the fields are what is checked on arrival. Periods are indices
from 0. Which plane a message belongs to:

    data plane (published, numbered by its sender, on the tape): Declared, Offer, Selection, Answer, Concluded,
        Withdrawn
    control plane, node to broker: Hello, Ready, Heartbeat, Done, Resend, Reviewed, Audit, Failure, Bye
    control plane, viewer to broker and back: Watch, Watched
    control plane, broker to node: Welcome, Refused, Begin, RoundOver, Settle, Beat, Resend, Stop
    published behind the messages that it names, and said again on the control plane: Turns

Any of them may be lost, doubled or late. An order is said again until it is answered, and an answer is said again
whenever its order comes again:

    Hello → Welcome → Ready → Begin → Done → Turns → Done … → Settle → Audit → Stop → Bye

In a day of several rounds (`coupling: iterate`) each round is an epoch, and between rounds stands

    … Done → RoundOver → Reviewed → Begin → Done …
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from market.coordination.coupling import OpenTrade
from market.errors import ProtocolError
from market.game.result import Verdict
from market.model.arrays import Array
from market.model.declaration import Declaration
from market.model.disclosure import Disclosure, ShownPlan
from market.model.parameter import later
from market.model.plan import DirectExchange, DispatchPlan
from market.model.reality import Reality
from market.settlement.regret_bounds import RegretBounds

BROKER = "broker"
"""The sender name of the broker; no VPP may have it."""


# --- data plane -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Declared:
    """A VPP's roles, volumes and satisfaction for the day (step 0)."""

    declaration: Declaration


@dataclass(frozen=True, slots=True)
class Offer:
    """A seller's prices in the periods in which it sells (steps 1 and 3). `version` counts its offers from 1."""

    version: int
    periods: tuple[int, ...]
    price_cny_per_mwh: Array


@dataclass(frozen=True, slots=True)
class Selection:
    """A buyer's answer to the newest offers (step 2).

    seller_counts : how many sellers each period has; probability and requested_mw hold that many entries a
    period, one after the other, sellers in the order of the roster
    """

    version: int
    periods: tuple[int, ...]
    seller_counts: tuple[int, ...]
    probability: Array
    requested_mw: Array

    def part(self, period: int) -> slice:
        """Where the entries of one of its periods are."""
        index = self.periods.index(period)
        start = sum(self.seller_counts[:index])
        return slice(start, start + self.seller_counts[index])


@dataclass(frozen=True, slots=True)
class Answer:
    """In consensus: a VPP's answer to the prices of the round before its own, and what it says of that round.

    round : its own, from 1 · net_in_mw : what it would take, less what it would give, in each period; empty where
    no answer is asked for any more
    regret_cny, saving_cny : r_k and F_k(0) − F_k(z_k) of (M7), with what it was left once all were balanced; None
    where it has no such day
    commits : whether it has units to be switched on and off
    """

    round: int
    net_in_mw: Array
    regret_cny: float | None
    saving_cny: float | None
    commits: bool


@dataclass(frozen=True, slots=True)
class Concluded:
    """The broker's verdict on every period (step 4)."""

    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The broker has given a VPP up: it takes no part any more, unless it comes back."""

    vpp: str


# --- control plane, node to broker ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hello:
    """A node asks to join, or whether it still has its place.

    public_digest : of the market rules it believes in · plant_digest : of its plant, empty if it does not tell
    scenario : what it calls its scenario, for people
    """

    process_id: int
    public_digest: str
    plant_digest: str
    scenario: str
    software: str


@dataclass(frozen=True, slots=True)
class Ready:
    """Both halves of the node's data plane have been proved open by an echo, for the broker of this `session`."""

    session: int


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The node's process is alive, though it may be deep in a long solve."""


class Seen(NamedTuple):
    """The newest offer version, or round of an answer, of `vpp` that a participant has consumed."""

    vpp: str
    version: int


@dataclass(frozen=True, slots=True)
class Done:
    """A turn is over: what was published up to `published_upto` is all of it; `seen` confirms what was consumed.

    seen : beside what was confirmed before; in real time, where confirmations may be lost, all of it; of a game in
    virtual time nothing, since there all that a turn has given is consumed in it
    turn : the turn that is over; in real time, where there are no turns, how many confirmations this makes
    pending : periods in which the node's own rule wants another step though nobody else moved
    """

    turn: int
    published_upto: int
    seen: tuple[Seen, ...]
    pending: tuple[int, ...]


class Ref(NamedTuple):
    """One data message: its sender and number. There are very many, and they are looked up often."""

    sender: str
    seq: int


@dataclass(frozen=True, slots=True)
class Resend:
    """These data messages were promised and have not come; send them again."""

    refs: tuple[Ref, ...]


@dataclass(frozen=True, slots=True)
class Refusals:
    """How many frames a node has refused for one reason."""

    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What a VPP makes of a round: by how much it would rather have planned otherwise, and whether it loses by it.

    regret_cny : None where it has no day with what it traded · no_loss : it pays no more than without trade
    """

    turn: int
    regret_cny: float | None
    no_loss: bool


@dataclass(frozen=True, slots=True)
class Audit:
    """What a node shows of its plan without trade and the plan with it, if anything; and how the process fared.

    planned : the plan that it had declared, where that is another than the one without trade, and all is shown
    regret : of the whole day, where the market's rules ask for it · reality : what became of both plans, likewise
    """

    turn: int
    before: ShownPlan
    after: ShownPlan
    peak_memory_mb: float
    refused: tuple[Refusals, ...]
    planned: DispatchPlan | None = None
    regret: RegretBounds | None = None
    reality: Reality | None = later()


class Trouble(StrEnum):
    """Why a node cannot go on, as far as that is anybody's business but its own."""

    DISPATCH = "dispatch"  # its day cannot be planned
    TRADE = "trade"  # it was told of trade that it cannot have negotiated
    ERROR = "error"  # anything else
    LEFT = "left"  # whoever runs it has told it to end


@dataclass(frozen=True, slots=True)
class Failure:
    """The node cannot go on. There is no text in it: what could be said of a plant's trouble are its limits."""

    kind: Trouble


@dataclass(frozen=True, slots=True)
class Bye:
    """The node knows that its run is over."""


# --- control plane, broker to node ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Welcome:
    """The node may join: where the data plane is. `session` tells a broker from one that was started again."""

    session: int
    publish_port: int
    subscribe_port: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The node may not join. `later`: what stands in the way may pass; ask again."""

    reason: str
    later: bool


@dataclass(frozen=True, slots=True)
class Begin:
    """Turn `turn` opens an epoch with this roster: plan your day and declare.

    live : real time: act on whatever comes, whenever it comes; else wait for turns
    round : 0 for a day that begins, or begins anew; after that, declare by what the round before has taught
    choose_last : a buyer says nothing before a closing turn asks it to choose, at the prices that stand then
    """

    turn: int
    time_s: float
    roster: tuple[str, ...]
    live: bool
    round: int = 0
    choose_last: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """It is `time_s` now for `vpp`, and what `reached` points at has reached it; act on it, then say Done.

    reached : spans of places, each as its first place and the one behind its last, one after the other
    """

    vpp: str
    turn: int
    time_s: float
    reached: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Turns:
    """Turns of one batch; each points into `refs`, the messages that have reached anybody in it.

    Not among them are selections: the broker alone reads what buyers have chosen, so nobody else is sent it.
    closing : prices have come to rest, or nothing can come any more: buyers choose now, and nothing else is done
    """

    refs: tuple[Ref, ...]
    turns: tuple[Turn, ...]
    closing: bool = False

    def of(self, vpp: str) -> Turn | None:
        """The turn of a VPP, if it has one."""
        return next((turn for turn in self.turns if turn.vpp == vpp), None)

    def deliveries(self, turn: Turn) -> tuple[Ref, ...]:
        """The messages that have reached a turn's VPP. ProtocolError `bad_content` if it points elsewhere."""
        places = turn.reached
        spans = tuple(zip(places[::2], places[1::2], strict=False))
        if len(places) % 2 or not all(start < end <= len(self.refs) for start, end in spans):
            raise ProtocolError("bad_content", f"turn {turn.turn} points to a message that it does not name")
        if sum(end - start for start, end in spans) > len(self.refs):
            raise ProtocolError("bad_content", f"turn {turn.turn} gives a message twice")
        return tuple(ref for start, end in spans for ref in self.refs[start:end])


class Trade(NamedTuple):
    """What was concluded between a VPP and another in one period; delivered_mw is positive where it buys."""

    period: int
    counterpart: str
    delivered_mw: float
    price_cny_per_mwh: float


@dataclass(frozen=True, slots=True)
class RoundOver:
    """What a round comes to for you, and what it leaves open: say what you make of it; you may declare anew after.

    trades : what `direct` is made of
    """

    turn: int
    round: int
    direct: DirectExchange
    trades: tuple[Trade, ...]
    left_open: OpenTrade


@dataclass(frozen=True, slots=True)
class Settle:
    """The trade that was concluded for you: plan your day again with it fixed, then send the audit.

    audit : how much of the day you are asked to show · trades : what `direct` is made of
    regret_cny : the most you could still have gained by moving, over all periods · round : the one that counts
    transfer_cny : what you pay beside your trades, below 0 what you get, by the rule of the mechanism
    """

    turn: int
    direct: DirectExchange
    audit: Disclosure
    trades: tuple[Trade, ...]
    regret_cny: float
    round: int = 0
    transfer_cny: float = 0.0


@dataclass(frozen=True, slots=True)
class Beat:
    """The broker is alive; these messages should have reached the node by now.

    confirmed : in real time, the number of the node's newest confirmation that has come
    """

    due: tuple[Ref, ...]
    confirmed: int


@dataclass(frozen=True, slots=True)
class Stop:
    """The run is over for this node. `complete`: whether it came to its end."""

    reason: str
    complete: bool


# --- control plane, viewer to broker and back -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Watch:
    """Somebody who takes no part asks for the tape from this byte on, and how the run is."""

    from_byte: int


@dataclass(frozen=True, slots=True)
class Count:
    """A number with its name."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Watched:
    """A piece of the tape, and how the run is.

    size : bytes on the tape so far · time_s : the run's own time · waiting_for : who owes an answer, for
    `waiting_s` · counts : of messages
    over : whether this run will write no more · fault : what broke it, empty if nothing did
    """

    from_byte: int
    piece: bytes
    size: int
    phase: str
    time_s: float
    waiting_for: tuple[str, ...]
    waiting_s: float
    counts: tuple[Count, ...]
    over: bool
    fault: str


DataMessage: TypeAlias = Declared | Offer | Selection | Answer | Concluded | Withdrawn
MarketMessage: TypeAlias = Declared | Offer | Selection | Answer
FromNode: TypeAlias = Hello | Ready | Heartbeat | Done | Resend | Reviewed | Audit | Failure | Bye
FromBroker: TypeAlias = Welcome | Refused | Begin | Turns | RoundOver | Settle | Beat | Resend | Stop
Viewing: TypeAlias = Watch | Watched
Message: TypeAlias = DataMessage | FromNode | FromBroker | Viewing
