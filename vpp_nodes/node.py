"""One VPP's behaviour from the first plan to the audit: one machine, no input/output.

`handle(event)` takes what the broker asks and returns what to publish and what to reply, in that order. The
virtual time of a turn changes nothing it decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from broker.protocol.conclusion import trades_of
from broker.screening.messages import screen_exchange
from broker.wire.messages import Answer, DataMessage, Declared, MarketMessage, Offer, Seen, Trade
from market.coordination.consensus import Participant
from market.coordination.pool import pooled
from market.day_certificate.market_end import MarketEnd
from market.errors import ProtocolError, TradeError
from market.game.result import Verdict
from market.model.arrays import frozen
from market.model.declaration import Declaration
from market.model.disclosure import Disclosure, ShownPlan, shown
from market.model.plan import DirectExchange, DispatchPlan
from market.model.public import PublicRules
from market.model.reality import Reality
from market.model.rules import MarketRules, Mechanism
from market.settlement.regret_bounds import RegretBounds
from market.settlement.settlement import direct_exchange, transfer_cny
from vpp_nodes.answerer import Answerer
from vpp_nodes.buyer import Buyer
from vpp_nodes.clearer import Clearer
from vpp_nodes.offer_book import OfferBook
from vpp_nodes.payment import paid_cny
from vpp_nodes.plain_trades import Heard
from vpp_nodes.plan_rounds import Planner, PlanRounds, Replanner, ReviewedRound, RoundEnd
from vpp_nodes.seller import Seller
from vpp_nodes.shared_work import EpochGames, PricedTogether, SharedWork
from vpp_nodes.strategies.behaviour import Behaviour, usual_behaviour
from vpp_nodes.trade_check import check_cleared_trades, check_open_trade, check_trades

Declarer: TypeAlias = Callable[[DispatchPlan], Declaration]
Certifier: TypeAlias = Callable[[MarketEnd, float], RegretBounds]
Realiser: TypeAlias = Callable[[DispatchPlan, DispatchPlan], Reality]


@dataclass(frozen=True, slots=True)
class Begun:
    """An epoch has begun with this roster, for this round of the day.

    live : in real time, without turns · choose_last : buyers choose in a closing turn alone
    """

    roster: tuple[str, ...]
    round: int = 0
    live: bool = False
    choose_last: bool = False


@dataclass(frozen=True, slots=True)
class Reached:
    """These messages have reached us, each with its sender. closing : where buyers choose last, choose now"""

    messages: tuple[tuple[str, DataMessage], ...]
    closing: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """This trade was concluded for us, it is said, in this round; so much of our day is to be shown.

    transfer_cny : what we pay beside it
    """

    direct: DirectExchange
    audit: Disclosure
    trades: tuple[Trade, ...]
    round: int = 0
    transfer_cny: float = 0.0


NodeEvent: TypeAlias = Begun | Reached | RoundEnd | Settled


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The turn is over: publish `messages`; `seen` was consumed; the rule wants more in `pending` periods."""

    messages: tuple[MarketMessage, ...]
    seen: tuple[Seen, ...]
    pending: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Audited:
    """What is shown of the plans without trade and with it, and of the one declared by if that is another.

    regret : of the day, where the rules ask for it · reality : what became of both plans, likewise
    """

    before: ShownPlan
    after: ShownPlan
    planned: DispatchPlan | None = None
    regret: RegretBounds | None = None
    reality: Reality | None = None


NodeReply: TypeAlias = Confirmed | ReviewedRound | Audited


@dataclass(frozen=True, slots=True)
class OwnPlans:
    """A VPP's own day, which is nobody else's business: without trade, and with it; and what became of both."""

    before: DispatchPlan
    after: DispatchPlan
    reality: Reality | None = None

    @property
    def ended(self) -> DispatchPlan:
        """The plan by which the day ended: in reality, where that is told."""
        if self.reality is None:
            return self.after
        assert isinstance(self.reality.after_plan, DispatchPlan)  # its owner has it whole
        return self.reality.after_plan


def same_trade(known: tuple[DirectExchange, tuple[Trade, ...]], settled: Settled) -> bool:
    """Whether what is settled is the trade that we know of, to the last digit."""
    direct, told = known[0], settled.direct
    same = np.array_equal(direct.in_mw, told.in_mw) and np.array_equal(direct.out_mw, told.out_mw)
    return same and direct.quota_in_t == told.quota_in_t and known[1] == settled.trades


class Traders:
    """The two behaviours of one VPP in one epoch, round one book of offers. choose_last : see `Begun`"""

    def __init__(
        self, vpp: str, games: EpochGames, rules: MarketRules, behaviour: Behaviour, *, choose_last: bool
    ) -> None:
        self._choose_last = choose_last
        self._declared = games.games
        self.book = OfferBook(games.pages)
        self.seller = Seller(vpp, self.book, behaviour.pricer)
        self.buyer = Buyer(vpp, self.book, rules, behaviour.chooser)

    def open(self) -> tuple[MarketMessage, ...]:
        """The first offer, if any."""
        opening = self.seller.open()
        return (opening,) if opening else ()

    def take(self, sender: str, message: Offer | Answer) -> None:
        """Consume an offer."""
        if isinstance(message, Answer):
            raise ProtocolError("out_of_turn", f"{sender} answers prices in a game")
        self.book.take(sender, message)

    def seen(self) -> tuple[Seen, ...]:
        """The newest offers that were consumed."""
        return self.book.seen()

    @property
    def pending(self) -> tuple[int, ...]:
        """Periods in which the seller wants another step."""
        return self.seller.pending

    def answer(self) -> tuple[MarketMessage, ...]:
        """What the newest offers call for; one answer, however many have come."""
        said = (self.seller.answer(), None if self._choose_last else self.buyer.answer())
        return tuple(message for message in said if message is not None)

    def close(self) -> tuple[MarketMessage, ...]:
        """What a buyer chooses at the prices that stand."""
        chosen = self.buyer.answer()
        return () if chosen is None else (chosen,)

    def heard(self) -> Heard:
        """What the end of the market can be held against."""
        games = self.book.games
        return Heard(
            self._declared,
            games,
            {period: self.book.prices(period) for period in games},
            self.buyer.requested_mw(),
        )


class Node:
    """One VPP. `plan` solves its day (with a trade fixed, or none), `declare` makes a plan public.

    replan : its best plan with the market as an option, None where a day has one round
    participant : the VPP in a consensus of so many, None where there is none
    certify : its regret of a day that ended so and cost it so much, CNY; None where it cannot tell
    behaviour : how it prices and chooses, by the market's rules where nothing else is said
    realise : what becomes in reality of its plans without trade and with it; None where it cannot tell
    work : what it shares with other nodes of its process
    refused : what it was told and may not count, by reason · plans : its day, once it is settled
    """

    def __init__(
        self,
        vpp: str,
        public: PublicRules,
        plan: Planner,
        declare: Declarer,
        replan: Replanner | None = None,
        participant: Callable[[int], Participant] | None = None,
        certify: Certifier | None = None,
        behaviour: Behaviour | None = None,
        realise: Realiser | None = None,
        work: SharedWork | None = None,
    ) -> None:
        self.refused: Counter[str] = Counter()
        self.plans: OwnPlans | None = None
        self._vpp = vpp
        self._public = public
        self._plan = plan
        self._declare = declare
        self._roster: tuple[str, ...] = ()
        self._members: frozenset[str] = frozenset()
        self._tells_seen = True
        self._choose_last = False
        self._participant = participant
        self._certify = certify
        self._realise = realise
        self._work = work or SharedWork()
        self._behaviour = behaviour or usual_behaviour(public.market)
        self._ends: dict[int, Heard] = {}
        self._rounds = PlanRounds(plan, replan, public.horizon.period_h)
        self._declarations: dict[str, Declaration] = {}
        self._traders: Traders | Answerer | Clearer | None = None
        self._early: list[tuple[str, Offer | Answer]] = []  # what came before the last declaration

    def handle(self, event: NodeEvent) -> NodeReply:
        """Take an event; DispatchError if the day cannot be planned, ProtocolError if an order cannot be meant.

        TradeError if it tells of trade that cannot have been negotiated.
        """
        if isinstance(event, Begun):
            self._tells_seen = event.live or self._public.market.mechanism is not Mechanism.GAME
            self._choose_last = event.choose_last
            return self._begin(event.roster, event.round)
        if isinstance(event, RoundEnd):
            return self._review(event)
        if isinstance(event, Settled):
            return self._settle(event)
        return self._reached(event.messages, closing=event.closing)

    def _begin(self, roster: tuple[str, ...], round: int) -> Confirmed:
        if round > self._public.market.coupling_rounds:
            raise ProtocolError("out_of_turn", f"round {round} begins, of a day that has fewer")
        declaration = self._declare(self._rounds.begin(round))
        self._roster, self._members = roster, frozenset(roster)
        self._declarations = {self._vpp: declaration}
        self._traders, self._early = None, []
        return self._confirmed((Declared(declaration), *self._open_if_complete()))

    def _reached(self, messages: Sequence[tuple[str, DataMessage]], *, closing: bool) -> Confirmed:
        self._take_all(messages)
        if closing and isinstance(self._traders, Traders):
            return self._confirmed(self._traders.close())
        if self._traders is not None:
            return self._confirmed(self._traders.answer())
        return self._confirmed(self._open_if_complete())

    def consider(self, messages: Sequence[tuple[str, DataMessage]]) -> None:
        """Take what has reached it, and let its pricer know what it will ask; `Reached` nothing then answers."""
        self._take_all(messages)
        pricer = self._behaviour.pricer
        if isinstance(self._traders, Traders) and isinstance(pricer, PricedTogether):
            pricer.expect(self._traders.seller.turns())

    def _take_all(self, messages: Sequence[tuple[str, DataMessage]]) -> None:
        for sender, message in messages:
            try:
                self._take(sender, message)
            except ProtocolError as error:
                self.refused[error.reason] += 1

    def _take(self, sender: str, message: DataMessage) -> None:
        """Let what another has said count; ProtocolError if it may not: the broker's word is not taken for it."""
        if isinstance(message, Offer | Answer) and self._traders is not None:
            self._traders.take(sender, message)
        elif isinstance(message, Offer | Answer):
            self._early.append((sender, message))
        elif isinstance(message, Declared):
            if sender not in self._members:
                raise ProtocolError("not_a_member", f"{sender!r:.40} is not on the roster")
            if sender in self._declarations:
                raise ProtocolError("out_of_turn", f"{sender} declares twice in one epoch")
            self._work.screen(sender, message, self._public)
            self._declarations[sender] = message.declaration

    def _open_if_complete(self) -> tuple[MarketMessage, ...]:
        """Nobody prices before holding everybody's declaration: a missing rival looks like an infinite price."""
        if len(self._declarations) < len(self._roster):
            return ()
        declarations = [self._declarations[vpp] for vpp in self._roster]
        self._traders = traders = self._new_traders(declarations)
        opening = traders.open()
        early, self._early = self._early, []
        self._take_all(early)
        return opening + (traders.answer() if early else ())

    def _new_traders(self, declarations: Sequence[Declaration]) -> Traders | Answerer | Clearer:
        if self._public.market.mechanism is Mechanism.CONSENSUS:
            if self._participant is None:
                raise ProtocolError("out_of_turn", f"{self._vpp} cannot answer prices")
            return Answerer(declarations, self._vpp, self._public, self._participant(len(declarations)))
        if self._public.market.mechanism.clears:
            return Clearer(declarations, self._public)
        games = self._work.games(declarations, self._public)
        return Traders(self._vpp, games, self._public.market, self._behaviour, choose_last=self._choose_last)

    def _confirmed(self, messages: tuple[MarketMessage, ...]) -> Confirmed:
        if self._traders is None:
            return Confirmed(messages, (), ())
        seen = self._traders.seen() if self._tells_seen else ()
        return Confirmed(messages, seen, self._traders.pending)

    def _review(self, end: RoundEnd) -> ReviewedRound:
        screen_exchange(end.direct, self._public.horizon.periods)
        heard = self._heard()
        if heard is None:
            raise ProtocolError("out_of_turn", f"round {end.round} is over, in which we have had no part")
        check_trades(self._declared(), self._public, end.direct, end.trades, heard)
        check_open_trade(self._declared(), self._public, end.left_open, heard)
        self.remember_end(end.round)
        return self._rounds.review(end)

    def _settle(self, settled: Settled) -> Audited:
        """A node that has come back when all was settled but its own part has not planned yet."""
        known = self._rounds.reviewed.get(settled.round)
        if known is not None:
            if not same_trade((known.end.direct, known.end.trades), settled):
                raise TradeError(f"{self._vpp}: round {settled.round} is settled with other trades than it had")
            after = known.after or self._plan(settled.direct)
            return self._shown(settled, after, known.planned if settled.round else None)
        if isinstance(self._traders, Answerer):
            return self._settle_pool(self._traders, settled)
        if self._public.market.mechanism.clears:
            return self._settle_cleared(settled)
        if settled.round:
            raise ProtocolError("out_of_turn", f"round {settled.round} is settled, in which we have had no part")
        screen_exchange(settled.direct, self._public.horizon.periods)
        check_trades(self._declared(), self._public, settled.direct, settled.trades, self._heard())
        return self._shown(settled, self._plan(settled.direct), None)

    def _settle_pool(self, answerer: Answerer, settled: Settled) -> Audited:
        now = answerer.standing(settled.round)
        if now is None:
            raise ProtocolError("out_of_turn", f"round {settled.round} is settled, which we do not know of")
        traded = (now.net_in_mw, now.price_cny_per_mwh, Verdict.EQUILIBRIUM, "")
        results = pooled(answerer.roster, *traded, self._public)
        direct = direct_exchange(self._vpp, results, self._public)
        if settled.round and not same_trade((direct, tuple(trades_of(self._vpp, results))), settled):
            raise TradeError(f"{self._vpp}: other trades are settled than round {settled.round} has agreed on")
        if not settled.round and settled.trades:
            raise TradeError(f"{self._vpp}: trades are settled where nothing was agreed on")
        return self._shown(settled, self._plan(settled.direct), None)

    def _settle_cleared(self, settled: Settled) -> Audited:
        """What we are told has to be what we have worked out; without all declarations, what ours allows."""
        screen_exchange(settled.direct, self._public.horizon.periods)
        if settled.round:
            raise ProtocolError("out_of_turn", f"round {settled.round} is settled of a day that has one")
        if isinstance(self._traders, Clearer):
            results = self._traders.results
            ours = direct_exchange(self._vpp, results, self._public), tuple(trades_of(self._vpp, results))
            nothing = not settled.trades and not settled.transfer_cny  # what is stalled is not traded
            if not nothing and (
                not same_trade(ours, settled) or transfer_cny(self._vpp, results) != settled.transfer_cny
            ):
                raise TradeError(f"{self._vpp}: other trades are settled than follow from the declarations")
        check_cleared_trades(self._declared(), self._public, settled.direct, settled.trades)
        return self._shown(settled, self._plan(settled.direct), None)

    def _shown(self, settled: Settled, after: DispatchPlan, planned: DispatchPlan | None) -> Audited:
        before, audit = self._rounds.before(), settled.audit
        reality = self._reality(before, after)
        self.plans = OwnPlans(before, after, reality)
        planned = planned if audit is Disclosure.FULL else None
        regret, told = self._regret(settled, after), reality.shown(audit) if reality else None
        return Audited(shown(before, audit), shown(after, audit), planned, regret, told)

    def _reality(self, before: DispatchPlan, after: DispatchPlan) -> Reality | None:
        """What becomes of its plans, where the rules ask for it."""
        if self._public.imbalance is None:
            return None
        if self._realise is None:
            raise ProtocolError("out_of_turn", f"{self._vpp} cannot tell what becomes of its day")
        return self._realise(before, after)

    def _regret(self, settled: Settled, after: DispatchPlan) -> RegretBounds | None:
        """Of the day; without an upper bound where it was not there when the market ended."""
        if not self._public.market.day_certificate:
            return None
        end = self.market_end(settled.round, settled.direct, settled.trades)
        if end is None or self._certify is None:
            return RegretBounds(0.0, None)
        return self._certify(end, after.objective_cny + paid_cny(settled.trades, self._public.horizon.period_h))

    def remember_end(self, round: int) -> None:
        """Keep how the market of a round has ended: it may be the one that is settled."""
        heard = self._heard()
        if heard is not None and self._public.market.day_certificate:
            self._ends[round] = heard

    def market_end(self, round: int, direct: DirectExchange, trades: Sequence[Trade]) -> MarketEnd | None:
        """How the market of a round has ended with these trades, None where that is not known here."""
        heard = self._ends.get(round) or (None if round else self._heard())
        if heard is None or not heard.declared:
            return None
        held_cny_per_h = np.zeros(self._public.horizon.periods)
        for trade in trades:
            held_cny_per_h[trade.period] += max(trade.delivered_mw, 0.0) * trade.price_cny_per_mwh
        offers = tuple(
            heard.price_cny_per_mwh[game.period] if game.tradable else game.least_price_cny_per_mwh
            for game in heard.declared
        )
        return MarketEnd(heard.declared, offers, direct.in_mw, frozen(held_cny_per_h))

    def _declared(self) -> Declaration:
        """What we have declared, or would have."""
        return self._declarations.get(self._vpp) or self._declare(self._rounds.before())

    def _heard(self) -> Heard | None:
        """What was negotiated as far as we know; None if we were not there, nothing if nobody ever traded."""
        if not self._roster:
            return None
        return self._traders.heard() if isinstance(self._traders, Traders) else Heard((), {}, {}, {})
