"""Claims: the machines of broker and nodes together reach the oracle's equilibrium, however sockets interleave.

Whole markets without sockets: real coordinator, real node machines, encoded frames, random order of connections.
"""

from __future__ import annotations

from collections import Counter
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.protocol.actions import DataCame, Parcel, ProcessEnded, Tick
from broker.protocol.epoch import Said
from broker.protocol.run_progress import Phase
from broker.tape import Ended, MessageSaid, Opened, TurnGiven
from broker.wire.frames import Envelope, decode, encode
from broker.wire.messages import BROKER, Audit, Declared, Done, Hello, Message, Offer, Ready, Ref, Selection, Stop
from market.errors import RunError
from market.game.period import period_games
from market.game.result import Verdict
from market.game.solver import solve_day
from market.model.arrays import frozen
from market.model.network import Constant, LinkConditions, Lognormal, NetworkRules, Uniform
from market.model.plan import DispatchPlan
from market.model.public import PublicRules
from market.model.rules import PriceRule
from tests.broker.days import declaration, market_day, market_rules, public_rules
from tests.broker.loopback import TOKEN, Hop, Loopback, blank_plan, prices_of
from tests.sampling import law
from tests.tapes import entries, of_kind

DAY = {  # glut, scarcity, one seller, nobody buys, nobody sells
    "A": [2.0, 1.0, 2.0, 1.0, -1.0],
    "B": [1.5, 0.8, -1.0, 1.0, -1.0],
    "C": [-1.0, -2.0, -0.5, 0.0, -1.0],
    "D": [-1.2, -1.0, 0.0, 1.0, 0.0],
}


def loopback(**options: object) -> Loopback:
    return Loopback(public_rules(periods=5), market_day(DAY), **options)  # type: ignore[arg-type]


def test_the_market_agrees_with_the_oracle() -> None:
    market = loopback()
    proceedings = market.run()
    expected = solve_day(period_games(market.declarations, market.public), market.public.market)
    assert [r.verdict for r in proceedings.results] == [
        *[Verdict.EQUILIBRIUM] * 3,
        Verdict.NO_TRADE,
        Verdict.NO_TRADE,
    ]
    for got, wanted in zip(proceedings.results, expected, strict=True):
        assert got.verdict == wanted.verdict
        if got.game.tradable:
            np.testing.assert_allclose(got.price_cny_per_mwh, wanted.price_cny_per_mwh, rtol=0, atol=1e-6)
            np.testing.assert_allclose(got.probability, wanted.probability, rtol=0, atol=1e-9)
    assert proceedings.refused == Counter()


def test_the_settled_trade_reaches_every_node() -> None:
    proceedings = loopback().run()
    for vpp, audit in proceedings.audits.items():
        sold = [
            sum(r.delivered_mw[:, r.game.sellers.index(vpp)]) if vpp in r.game.sellers else 0.0
            for r in proceedings.results
        ]
        assert isinstance(audit.after, DispatchPlan)
        np.testing.assert_allclose(audit.after.direct_out_mw, sold, atol=1e-12)


@law(15)
@given(st.integers(0, 10**6))
def test_the_tape_does_not_depend_on_how_sockets_interleave(seed: int) -> None:
    plain, mixed = loopback(), loopback(seed=seed)
    plain.run()
    mixed.run()
    assert entries(mixed.tape) == entries(plain.tape)


def test_a_constant_delay_changes_times_and_nothing_else() -> None:
    swift, slow = loopback(), loopback(network=NetworkRules(every=LinkConditions(Constant(0.05))))
    at_once, later = swift.run(), slow.run()
    assert prices_of(later) == prices_of(at_once)
    assert at_once.time_s == 0.0
    assert later.time_s > 0.0
    turns = {round(record.time_s / 0.05, 6) for record in of_kind(slow.tape, TurnGiven)}
    assert turns == set(range(1, len(turns) + 1))  # every step of the exchange takes one delay


def test_everything_delivered_is_on_the_tape_before() -> None:
    """Each message that a turn names stands on the tape above it, and the tape ends with the verdict."""
    market = loopback()
    market.run()
    known: set[Ref] = set()
    for record in market.tape:
        if isinstance(record, MessageSaid):
            known.add(Ref(record.sender, record.seq))
        elif isinstance(record, TurnGiven):
            assert {*record.refs} <= known
    assert isinstance(market.tape[0], Opened)
    assert market.tape[-1] == Ended(Verdict.EQUILIBRIUM)


def test_nobody_prices_before_holding_every_declaration() -> None:
    proceedings = loopback().run()
    said = [type(entry.message) for entry in proceedings.said]
    assert said[:4] == [Declared] * 4
    assert Declared not in said[4:]


def test_a_node_answers_many_inputs_once_and_says_nothing_twice() -> None:
    proceedings = loopback().run()
    newest: dict[tuple[str, type[Message]], Said] = {}
    for entry in proceedings.said:
        before = newest.get((entry.sender, type(entry.message)))
        if before is not None and isinstance(entry.message, Offer):
            assert isinstance(before.message, Offer)
            assert entry.message.version == before.message.version + 1
            assert (entry.message.price_cny_per_mwh != before.message.price_cny_per_mwh).any()
        newest[(entry.sender, type(entry.message))] = entry


@pytest.mark.parametrize("seed", range(3))
def test_lost_frames_of_the_data_plane_are_sent_again(seed: int) -> None:
    undisturbed = loopback()
    undisturbed.run()
    chance = Random(seed)
    lost = Counter[str]()

    def steal(hop: Hop, frame: bytes) -> bool:
        if hop.plane == "data" and chance.random() < 0.2:
            lost[hop.receiver] += 1
            return True
        return False

    market = loopback(seed=seed, steal=steal)
    proceedings = market.run()
    assert lost[BROKER] > 0
    assert sum(lost.values()) > lost[BROKER]
    assert proceedings.counters["resent"] > 0
    assert proceedings.counters["asked_again"] > 0
    assert entries(market.tape) == entries(undisturbed.tape)


def test_messages_that_never_come_end_the_run_with_a_story() -> None:
    market = loopback(steal=lambda hop, frame: hop == Hop("data", "B", BROKER))
    with pytest.raises(
        RunError, match=r"for 300 s what it says it has published does not come while .* waiting for B"
    ):
        market.run()


def test_a_local_rule_goes_on_by_itself_until_it_rests() -> None:
    """A lone seller hears nothing new from anybody: its own rule must keep the market awake."""
    day = {"A": [2.0], "B": [-1.0]}
    market = Loopback(public_rules(1, market=market_rules(rule=PriceRule.GRADIENT)), market_day(day))
    proceedings = market.run()
    best = Loopback(public_rules(1), market_day(day)).run()
    assert proceedings.results[0].verdict is Verdict.EQUILIBRIUM
    assert proceedings.results[0].rounds > 2
    np.testing.assert_allclose(prices_of(proceedings)[0], prices_of(best)[0], rtol=0, atol=1e-4)


def undercutting() -> PublicRules:
    """Two periods with τ = 0: in the first A and B are both needed and have too much, in the second too little."""
    return public_rules(periods=2, market=market_rules(temperature=0.0))


UNDERCUTTING_DAY = {"A": [2.0, 1.0], "B": [2.0, 1.0], "C": [-3.0, -3.0]}


@pytest.mark.parametrize(
    "network",
    [
        NetworkRules(),
        NetworkRules(every=LinkConditions(Constant(0.05))),
        NetworkRules(every=LinkConditions(Lognormal(0.05, 1.0))),
        NetworkRules(every=LinkConditions(Uniform(0.01, 0.09), jitter_s=0.05, loss=0.2)),
    ],
    ids=["at once", "constant", "lognormal", "jitter and loss"],
)
def test_undercutting_without_end_is_called_cycling_whatever_the_network(network: NetworkRules) -> None:
    """By hand: willing to pay 700 for all of 3 MW, in a band from 400 to 750, C wants 3.501 · 700/p − 0.501 MW.

    Above a rival a third of that is left, worth most at the cap: 350 · (2450.7/750 − 0.501)/3 = 322.8. A price of
    400 + m sells 2 MW against a dearer rival: undercutting pays down to m = 161.4, that is to 562.
    """
    market = Loopback(undercutting(), market_day(UNDERCUTTING_DAY), network=network)
    glut, scarcity = market.run().results
    assert scarcity.verdict is Verdict.EQUILIBRIUM
    assert scarcity.price_cny_per_mwh.tolist() == [750.0, 750.0]
    assert glut.verdict is Verdict.CYCLING
    assert "prices of A, B repeat after " in glut.evidence
    assert ", between 562 and 750 CNY/MWh: (7" in glut.evidence
    assert len(glut.evidence) < 300
    assert not glut.delivered_mw.any()
    alone, rested = solve_day(period_games(market.declarations, market.public), market.public.market)
    assert (alone.verdict, rested.verdict) == (glut.verdict, scarcity.verdict)
    assert ", between 562 and 750 CNY/MWh: (750, 750) → " in alone.evidence
    assert market.tape[-1] == Ended(Verdict.CYCLING)


def test_the_clearing_rule_rests_at_its_start() -> None:
    """p_clr clears the market, so `tatonnement` has nothing to do, and in glut its rest is no equilibrium."""
    rules = public_rules(5, market=market_rules(rule=PriceRule.TATONNEMENT))
    glut, scarcity, lone, _, _ = Loopback(rules, market_day(DAY)).run().results
    assert [glut.rounds, scarcity.rounds, lone.rounds] == [1, 1, 1]
    assert [glut.verdict, scarcity.verdict] == [Verdict.UNCERTIFIED, Verdict.EQUILIBRIUM]
    assert glut.certificate is not None
    assert glut.certificate.epsilon_cny > 1.0


def test_the_offer_budget_ends_a_period_that_would_go_on() -> None:
    rules = public_rules(periods=5, market=market_rules(offer_budget=2))
    proceedings = Loopback(rules, market_day(DAY)).run()
    verdicts = [result.verdict for result in proceedings.results]
    assert Verdict.BUDGET_SPENT in verdicts
    spent = proceedings.results[verdicts.index(Verdict.BUDGET_SPENT)]
    assert "raise market.offer_budget" in spent.evidence
    assert not spent.delivered_mw.any()


# --- what is not accepted ---


def started() -> Loopback:
    """A market in which everybody has been asked to declare and nobody has."""
    market = loopback(steal=lambda hop, frame: hop.plane == "data")
    for vpp in market.clients:
        market.tell(vpp, Hello(1, "digest", "", "loopback", "test"))
    while market.coordinator.phase is not Phase.PLANNING:
        market.step()
    return market


def publish(market: Loopback, sender: str, message: Message, *, seq: int = 1, epoch: int = 1) -> str:
    """The reason for which a published message is refused, empty if it is not."""
    envelope = Envelope(epoch, sender, seq, message)
    before = market.coordinator.refused.copy()
    market.event(DataCame(Parcel(envelope, encode(envelope, TOKEN))))
    return next(iter(market.coordinator.refused - before), "")


@pytest.mark.parametrize(
    ("sender", "message", "seq", "epoch", "reason"),
    [
        ("Z", Declared(declaration("Z", [0.0] * 5)), 1, 1, "not_a_member"),
        ("A", Declared(declaration("A", [0.0] * 5)), 1, 2, "wrong_epoch"),
        ("A", Declared(declaration("A", [0.0] * 5)), 2, 1, "gap"),
        ("A", Declared(declaration("B", [0.0] * 5)), 1, 1, "wrong_sender"),
        ("A", Declared(declaration("A", [0.0] * 4)), 1, 1, "bad_content"),
        ("A", Declared(declaration("A", [1e9] * 5)), 1, 1, "bad_content"),
        ("A", Offer(1, (0,), frozen([500.0])), 1, 1, "out_of_turn"),
        ("A", Selection(1, (0,), (1,), frozen([1.0]), frozen([1.0])), 1, 1, "out_of_turn"),
        ("A", Stop("now", complete=True), 1, 1, "wrong_sender"),
    ],
)
def test_a_message_that_may_not_come_is_refused(
    sender: str, message: Message, seq: int, epoch: int, reason: str
) -> None:
    assert publish(started(), sender, message, seq=seq, epoch=epoch) == reason


def test_the_same_message_again_is_a_duplicate_and_counted() -> None:
    market = started()
    declared = Declared(declaration("A", [0.0] * 5))
    assert publish(market, "A", declared) == ""
    assert publish(market, "A", declared) == ""
    assert market.coordinator.epoch.counters["duplicates"] == 1


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (Offer(1, (0, 1, 2), frozen([500.0, 500.0, 1e6])), "bad_content"),
        (Offer(1, (0, 1), frozen([500.0, 500.0])), "bad_content"),
        (Offer(0, (0, 1, 2), frozen([500.0, 500.0, 500.0])), "bad_content"),
        (Declared(declaration("A", DAY["A"])), "out_of_turn"),
        (Selection(1, (0, 1, 2), (1, 1, 1), frozen([1.0] * 3), frozen([1.0] * 3)), "bad_content"),
        (Offer(1, (), frozen([])), "bad_content"),
        (Selection(1, (), (), frozen([]), frozen([])), "bad_content"),
    ],
)
def test_an_offer_must_fit_the_market(message: Message, reason: str) -> None:
    market = loopback()
    for vpp in market.clients:
        market.tell(vpp, Hello(1, "digest", "", "loopback", "test"))
    while market.coordinator.phase is not Phase.TRADING or "A" not in market.coordinator.clockwork.waiting_for():
        market.step()
    upto = max(record.seq for record in of_kind(market.tape, MessageSaid) if record.sender == "A")
    assert publish(market, "A", message, seq=upto + 1) == reason


@pytest.mark.parametrize(
    ("probability", "requested"),
    [
        ([0.5, 0.6, 0.5, 0.5, 1.0], [0.1] * 5),
        ([-0.5, 1.5, 0.5, 0.5, 1.0], [0.1] * 5),
        ([0.5, 0.5, 0.5, 0.5, 1.0], [0.9, 0.9, 0.1, 0.1, 0.1]),
        ([0.5, 0.5, 0.5, 0.5, 1.0], [-0.1] * 5),
        ([0.5, 0.5, 1.0], [0.1] * 3),
    ],
)
def test_a_selection_must_fit_the_market(probability: list[float], requested: list[float]) -> None:
    market = loopback()
    for vpp in market.clients:
        market.tell(vpp, Hello(1, "digest", "", "loopback", "test"))
    while market.coordinator.phase is not Phase.TRADING or "C" not in market.coordinator.clockwork.waiting_for():
        market.step()
    answer = Selection(1, (0, 1, 2), (2, 2, 1), frozen(probability), frozen(requested))
    assert publish(market, "C", answer, seq=2) == "bad_content"


@pytest.mark.parametrize(
    ("vpp", "route", "message", "reason"),
    [
        ("Z", "Z", Ready(1), "not_a_member"),
        ("A", "stranger", Done(1, 0, (), ()), "wrong_route"),
        ("A", "A", Done(77, 0, (), ()), "out_of_turn"),
        ("A", "A", Audit(1, blank_plan(5), blank_plan(5), 0.0, ()), "out_of_turn"),
        ("A", "A", Stop("please", complete=False), "out_of_turn"),
    ],
)
def test_a_control_message_that_may_not_come_is_refused(
    vpp: str, route: str, message: Message, reason: str
) -> None:
    market = started()
    before = market.coordinator.refused.copy()
    market.carry(Hop("control", route, BROKER), encode(Envelope(1, vpp, 0, message), TOKEN))
    while (refused := market.coordinator.refused - before) == Counter():
        market.step()
    assert refused == Counter({reason: 1})


@pytest.mark.parametrize(
    ("vpp", "digest", "story"),
    [
        ("Z", "digest", "no VPP 'Z'"),
        ("A", "other rules", "are not those of this market"),
        ("A", "digest", "has joined already"),
    ],
)
def test_who_may_not_join_is_told_why(vpp: str, digest: str, story: str) -> None:
    market = started()
    hop = Hop("control", "stranger", BROKER)
    market.carry(hop, encode(Envelope(1, vpp, 0, Hello(2, digest, "", "elsewhere", "test")), TOKEN))
    answers: list[Message] = []

    def watch(hop: Hop, frame: bytes) -> bool:
        if hop.receiver == "stranger":
            answers.append(decode(frame, TOKEN).message)
        return hop.plane == "data" or hop.receiver == "stranger"

    market.steal = watch
    while not answers:
        market.step()
    assert story in str(answers[0])


# --- patience ---


def test_who_does_not_come_is_named() -> None:
    market = loopback()
    market.tell("A", Hello(1, "digest", "", "loopback", "test"))
    market.now = 31.0
    with pytest.raises(RunError, match="waited 30 s for A, B, C, D to join"):
        market.event(Tick())


def test_a_silent_member_is_named() -> None:
    market = started()
    market.now += 10.5
    with pytest.raises(RunError, match=r"\(process 1\) has given no sign of life for 1[01] s"):
        market.event(Tick())


def test_a_dead_process_ends_the_run_at_once() -> None:
    market = started()
    with pytest.raises(RunError, match=r"B's process was killed by signal 9 while planning \(turn 4, waiting for"):
        market.event(ProcessEnded("B", "was killed by signal 9"))
