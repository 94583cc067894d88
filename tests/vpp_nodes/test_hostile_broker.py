"""Claims: whatever a broker orders or passes on, a node refuses and counts what cannot be, and goes on.

Trade that it has not negotiated ends it (`test_trade_check`).
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import get_args

import pytest

from broker.wire.frames import Envelope, decode, encode
from broker.wire.limits import MOST_AHEAD
from broker.wire.messages import (
    BROKER,
    Audit,
    Beat,
    Begin,
    Declared,
    Done,
    Hello,
    Message,
    Offer,
    Ref,
    Refused,
    Resend,
    Settle,
    Stop,
    Turn,
    Turns,
    Welcome,
)
from market.errors import MarketError, TradeError
from market.model.arrays import frozen
from market.model.declaration import Declaration
from market.model.disclosure import Disclosure
from market.model.plan import DirectExchange
from tests.broker.days import declaration, market_day, public_rules
from tests.broker.hostility import Hostile
from tests.broker.loopback import TOKEN, Loopback, blank_plan
from vpp_nodes.client import RESEND_AFTER_S, Client, Instruction, Note, Say, Tell
from vpp_nodes.node import Node

DAY = market_day({"A": [1.0, -1.0], "B": [1.0, 2.0], "C": [-1.0, -1.0]})
ROSTER = ("A", "B", "C")


def node_of(said: Declaration) -> Client:
    periods = len(said.roles)
    node = Node(said.vpp, public_rules(periods), lambda trade: blank_plan(periods, trade), lambda plan: said)
    who = Client(said.vpp, node, Hello(1, "digest", "", "a case", "test"), now=0.0)
    order(who, Welcome(1, 1002, 1003))
    return who


def order(who: Client, message: Message, epoch: int = 1, now: float = 0.0) -> list[Instruction]:
    return who.came(Envelope(epoch, BROKER, 0, message), control=True, now=now)


def data(who: Client, sender: str, seq: int, message: Message) -> list[Instruction]:
    return who.came(Envelope(1, sender, seq, message), control=False, now=0.0)


def begun(*, live: bool = False) -> Client:
    """A, asked to declare."""
    who = node_of(DAY[0])
    order(who, Begin(1, 0.0, ROSTER, live))
    return who


def trading() -> Client:
    """A, holding everybody's declaration."""
    who = begun()
    data(who, "B", 1, Declared(DAY[1]))
    data(who, "C", 1, Declared(DAY[2]))
    order(who, turn(2, Ref("B", 1), Ref("C", 1)))
    assert not who.refused
    return who


def settle(number: int, direct: DirectExchange) -> Settle:
    return Settle(number, direct, Disclosure.FULL, (), 0.0)


def turn(number: int, *refs: Ref) -> Turns:
    return Turns(refs, (Turn("A", number, 0.0, (0, len(refs)) if refs else ()),))


def confirmed(instructions: list[Instruction], number: int) -> bool:
    """Whether a turn ended with a confirmation, whatever was in it."""
    told = instructions[-1]
    return isinstance(told, Tell) and isinstance(told.message, Done) and told.message.turn == number


# --- what others are said to have published ---


@pytest.mark.parametrize(
    ("sender", "message", "reason"),
    [
        ("B", Offer(1, (0, 7), frozen([500.0, 500.0])), "bad_content"),
        ("B", Offer(1, (0,), frozen([500.0])), "bad_content"),
        ("B", Offer(1, (0, 1), frozen([500.0])), "bad_content"),
        ("B", Offer(1, (1, 0), frozen([500.0, 500.0])), "bad_content"),
        ("B", Offer(1, (0, 1), frozen([500.0, 1e308])), "bad_content"),
        ("B", Offer(2**53, (), frozen([])), "bad_content"),
        ("C", Offer(1, (0,), frozen([500.0])), "bad_content"),
        ("Z", Offer(1, (0,), frozen([500.0])), "bad_content"),
        ("Z", Declared(declaration("Z", [1.0, 1.0])), "not_a_member"),
        ("B", Declared(declaration("B", [-1.0, -1.0])), "out_of_turn"),
    ],
)
def test_what_another_cannot_have_published_does_not_count(sender: str, message: Message, reason: str) -> None:
    who = trading()
    data(who, sender, 9, message)
    assert confirmed(order(who, turn(3, Ref(sender, 9))), 3)
    assert who.refused == {reason: 1}


@pytest.mark.parametrize(
    ("sender", "said", "reason"),
    [
        ("B", declaration("B", [1.0]), "bad_content"),
        ("B", declaration("C", [1.0, 1.0]), "wrong_sender"),
        ("B", replace(DAY[1], satisfaction_cny_per_h=frozen([1e308, 1e308])), "bad_content"),
        ("Z", declaration("Z", [1.0, 1.0]), "not_a_member"),
    ],
)
def test_a_declaration_that_cannot_be_opens_no_market(sender: str, said: Declaration, reason: str) -> None:
    who = begun()
    data(who, sender, 1, Declared(said))
    data(who, "C", 1, Declared(DAY[2]))
    assert order(who, turn(2, Ref(sender, 1), Ref("C", 1))) == [Tell(Done(2, 1, (), ()), 1)]
    assert who.refused == {reason: 1}


def test_an_early_offer_that_cannot_be_does_not_count() -> None:
    who = begun()
    data(who, "C", 1, Offer(1, (0, 1), frozen([500.0, 500.0])))
    data(who, "C", 2, Declared(DAY[2]))
    data(who, "B", 1, Declared(DAY[1]))
    assert confirmed(order(who, turn(2, Ref("C", 1), Ref("C", 2), Ref("B", 1))), 2)
    assert who.refused == {"bad_content": 1}


# --- orders ---


@pytest.mark.parametrize(
    ("message", "epoch", "reason"),
    [
        (Begin(3, 0.0, ROSTER, False), 1, "out_of_turn"),
        (Begin(3, 0.0, ROSTER, True), 1, "out_of_turn"),
        (Begin(3, 0.0, ("B", "C"), False), 2, "bad_content"),
        (Begin(3, 0.0, ("A", "A", "B"), False), 2, "bad_content"),
        (Begin(3, 0.0, (), False), 2, "bad_content"),
        (turn(3, Ref("B", 1), Ref("B", 1)), 1, "bad_content"),
        (Welcome(1, 0, 1003), 1, "bad_content"),
        (Welcome(1, 1002, 2**53), 1, "bad_content"),
        (settle(3, DirectExchange(frozen([]), frozen([]))), 1, "bad_content"),
        (settle(3, DirectExchange(frozen([0.0] * 2), frozen([0.0] * 3))), 1, "bad_content"),
        (settle(3, DirectExchange(frozen([-1.0] * 2), frozen([0.0] * 2))), 1, "bad_content"),
        (settle(3, DirectExchange(frozen([0.0] * 2), frozen([1e308] * 2))), 1, "bad_content"),
        (settle(3, DirectExchange(frozen([0.0] * 2), frozen([0.0] * 2), 1e308)), 1, "bad_content"),
    ],
)
def test_an_order_that_cannot_be_meant_has_no_effect(message: Message, epoch: int, reason: str) -> None:
    who = trading()
    data(who, "B", 2, Offer(1, (0, 1), frozen([500.0, 500.0])))
    assert order(who, message, epoch) == []
    assert who.refused == {reason: 1}
    assert confirmed(order(who, turn(3, Ref("B", 2))), 3)
    done = order(who, settle(4, DirectExchange(frozen([0.0] * 2), frozen([0.0] * 2))))
    (audit,) = [each for each in done if not isinstance(each, Note)]  # which is for who looks at the node
    assert isinstance(audit, Tell)
    assert isinstance(audit.message, Audit)


def test_in_real_time_there_are_no_turns() -> None:
    who = begun(live=True)
    data(who, "B", 1, Declared(DAY[1]))
    assert order(who, turn(2, Ref("B", 1))) == []
    assert who.refused == {"out_of_turn": 1}
    assert confirmed(who.tick(0.0), 2)  # the first was for its own declaration


def test_a_turn_before_anything_has_begun_is_refused() -> None:
    who = node_of(DAY[0])
    assert order(who, turn(1), epoch=0) == []
    assert who.refused == {"out_of_turn": 1}


@pytest.mark.parametrize("refs", [(Ref("B", 2**53),), tuple(Ref(name, 2**53) for name in "BCDEFG")])
def test_messages_without_number_are_not_all_asked_for_at_once(refs: tuple[Ref, ...]) -> None:
    who = begun(live=True)
    order(who, Beat(refs, 0))
    (asked,) = who.tick(RESEND_AFTER_S)
    assert isinstance(asked, Tell)
    assert isinstance(asked.message, Resend)
    assert len(asked.message.refs) == MOST_AHEAD


def test_what_is_asked_for_a_thousand_times_is_said_again_once() -> None:
    who = begun()
    again = order(who, Resend((Ref("A", 1), Ref("A", 2**53), Ref("B", 1)) * 1000))
    assert [isinstance(instruction, Say) for instruction in again] == [True]


# --- anything at all ---


@pytest.mark.parametrize("seed", range(40))
def test_a_broker_may_say_anything_at_any_time(seed: int) -> None:
    chance = Random(seed)
    says = Hostile(Loopback(public_rules(2), DAY), "A", chance)
    who = chance.choice((begun, trading, lambda: begun(live=True), lambda: node_of(DAY[0])))()
    for number in range(250):
        kind = chance.choice([kind for kind in get_args(Message) if kind not in (Stop, Refused)])
        message = says.anything(kind)
        sender, epoch = chance.choice((BROKER, BROKER, "B", "C", "Z")), chance.choice((1, 1, 1, 1, 0, 2))
        frame = encode(Envelope(epoch, sender, chance.choice((1, 2, 3, number)), message), TOKEN)
        try:
            who.came(decode(frame, TOKEN), control=chance.random() < 0.5, now=float(number) / 10)
            who.tick(float(number) / 10)
        except TradeError:
            return  # told of trade that was never negotiated: it has nothing to go on with
        except MarketError as error:
            raise AssertionError(f"{message} ended the node: {error}") from error
    assert who.refused
