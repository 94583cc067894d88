"""Claims: a node joins, takes turns only when all they name is here, re-sends, and gives up with a story."""

from __future__ import annotations

import pytest

from broker.wire.frames import Envelope
from broker.wire.messages import (
    BROKER,
    Beat,
    Begin,
    Declared,
    Done,
    Hello,
    Message,
    Offer,
    Ready,
    Ref,
    Refused,
    Resend,
    Stop,
    Turn,
    Turns,
    Welcome,
)
from market.arrays import frozen
from market.errors import RunError
from tests.broker.days import market_day, public_rules
from tests.broker.loopback import blank_plan
from vpp_nodes.client import (
    RESEND_AFTER_S,
    Client,
    Instruction,
    Note,
    OpenData,
    Say,
    Stage,
    Tell,
)
from vpp_nodes.node import Node

DAY = market_day({"A": [1.0], "B": [-1.0]})
ROSTER = ("A", "B")
SESSION = 5
HELLO = Hello(1, "digest", "", "a case", "test")


def client() -> Client:
    node = Node("A", public_rules(1), lambda trade: blank_plan(1, trade), lambda plan: DAY[0])
    return Client("A", node, HELLO, now=0.0)


def order(who: Client, message: Message, now: float = 0.0, sender: str = BROKER) -> list[Instruction]:
    return who.came(Envelope(1, sender, 0, message), control=True, now=now)


def data(who: Client, sender: str, seq: int, message: Message, now: float = 0.0) -> list[Instruction]:
    return who.came(Envelope(1, sender, seq, message), control=False, now=now)


def joined() -> Client:
    who = client()
    order(who, Welcome(SESSION, 1002, 1003))
    order(who, Begin(1, 0.0, ROSTER, False))
    return who


def test_joining_opens_the_data_plane_and_reports_it() -> None:
    who = client()
    assert order(who, Welcome(SESSION, 1002, 1003)) == [Note("A is let in by the broker"), OpenData(1002, 1003)]
    assert who.data_open() == [Tell(Ready(SESSION), 1)]
    assert who.stage is Stage.TAKING_PART


def turns(number: int, *refs: Ref) -> Turns:
    """A's turn, with what has reached it, beside one of B's."""
    theirs = Ref("C", 9)
    return Turns(
        (theirs, *refs),
        (Turn("B", number + 100, 0.0, (0,)), Turn("A", number, 0.0, tuple(range(1, 1 + len(refs))))),
    )


def test_beginning_declares_then_ends_the_turn() -> None:
    who = client()
    order(who, Welcome(SESSION, 1002, 1003))
    told, declared, done = order(who, Begin(1, 0.0, ROSTER, False))
    assert told == Note("A plans its day, in epoch 1 with A, B")
    assert declared == Say(Envelope(1, "A", 1, Declared(DAY[0])))
    assert done == Tell(Done(1, 1, (), ()), 1)


def test_a_turn_waits_for_every_message_it_names() -> None:
    who = joined()
    assert order(who, turns(2, Ref("B", 1))) == []
    opening, done = data(who, "B", 1, Declared(DAY[1]))
    assert isinstance(opening, Say)
    assert isinstance(opening.envelope.message, Offer)
    assert isinstance(done, Tell)
    assert done.message == Done(2, 2, done.message.seen, (0,))  # type: ignore[union-attr]


def test_data_that_came_before_its_turn_is_kept() -> None:
    who = joined()
    assert data(who, "B", 1, Declared(DAY[1])) == []
    assert len(order(who, turns(2, Ref("B", 1)))) == 2


def test_what_a_turn_misses_is_asked_for_after_a_while_and_not_before() -> None:
    who = joined()
    order(who, turns(2, Ref("B", 1)), now=10.0)
    assert who.tick(10.0 + RESEND_AFTER_S / 2) == []
    assert who.tick(10.0 + RESEND_AFTER_S) == [Tell(Resend((Ref("B", 1),)), 1)]
    assert who.tick(10.0 + RESEND_AFTER_S * 1.5) == []
    assert who.tick(10.0 + RESEND_AFTER_S * 2) == [Tell(Resend((Ref("B", 1),)), 1)]


def test_a_turn_that_is_said_again_is_taken_once_on_either_plane() -> None:
    who = joined()
    data(who, "B", 1, Declared(DAY[1]))
    assert len(data(who, BROKER, 0, turns(2, Ref("B", 1)))) == 2
    assert order(who, turns(2, Ref("B", 1))) == []
    assert who.refused == {}


def test_what_reached_others_only_is_not_kept() -> None:
    who = joined()
    data(who, "C", 9, Declared(DAY[1]))
    order(who, turns(2))
    data(who, "C", 9, Declared(DAY[1]))
    assert who.refused == {}


def test_a_turn_that_points_nowhere_is_refused() -> None:
    who = joined()
    assert order(who, Turns((Ref("B", 1),), (Turn("A", 2, 0.0, (1,)),))) == []
    assert who.refused == {"bad_content": 1}


def test_a_node_says_again_what_it_said_and_only_that() -> None:
    who = joined()
    again = order(who, Resend((Ref("A", 1), Ref("A", 2), Ref("A", 0), Ref("B", 1))))
    assert again == [Say(Envelope(1, "A", 1, Declared(DAY[0])))]


@pytest.mark.parametrize(
    ("message", "sender", "reason"),
    [
        (Begin(1, 0.0, ROSTER, False), BROKER, "out_of_turn"),  # a turn that is over
        (Ready(SESSION), BROKER, "out_of_turn"),
        (Stop("now", complete=True), "B", "wrong_sender"),
    ],
)
def test_an_order_that_may_not_come_is_counted_and_ignored(message: Message, sender: str, reason: str) -> None:
    who = joined()
    assert order(who, message, sender=sender) == []
    assert who.refused == {reason: 1}
    assert who.stage is Stage.TAKING_PART


def test_duplicates_and_wrong_planes_are_counted() -> None:
    who = joined()
    data(who, "B", 1, Declared(DAY[1]))
    data(who, "B", 1, Declared(DAY[1]))
    data(who, "B", 2, Stop("now", complete=True))
    data(who, "A", 1, Declared(DAY[0]))  # its own message, echoed to all: no news
    assert who.refused == {"duplicate": 1, "wrong_plane": 1}
    order(who, turns(2, Ref("B", 1)))
    data(who, "B", 1, Declared(DAY[1]))  # consumed already
    assert who.refused["duplicate"] == 2


def test_a_refusal_ends_the_node_with_the_reason() -> None:
    with pytest.raises(RunError, match="the broker refused: no room"):
        order(client(), Refused("no room", later=False))


def test_a_broker_that_never_answers_is_given_up() -> None:
    who = client()
    who.tick(NODE_JOIN_S)
    with pytest.raises(RunError, match="no answer from the broker for 15 s"):
        who.tick(NODE_JOIN_S + 0.1)


def test_a_broker_that_falls_silent_is_given_up_and_a_beat_prevents_it() -> None:
    who = joined()
    order(who, Beat((), 0), now=SILENCE_S)
    who.tick(SILENCE_S + 1.0)
    with pytest.raises(RunError, match="no sign of life from the broker"):
        who.tick(2 * SILENCE_S + 0.1)


def test_a_stop_stops() -> None:
    who = joined()
    order(who, Stop("the run is complete", complete=True))
    assert who.stage is Stage.STOPPED


def test_offers_before_the_last_declaration_are_kept_not_priced_against() -> None:
    """Under unequal delays a rival's offer can overtake a declaration."""
    three = market_day({"A": [1.0], "B": [1.0], "C": [-1.0]})
    node = Node("A", public_rules(1), lambda trade: blank_plan(1, trade), lambda plan: three[0])
    who = Client("A", node, HELLO, now=0.0)
    order(who, Welcome(SESSION, 1002, 1003))
    order(who, Begin(1, 0.0, ("A", "B", "C"), False))
    data(who, "B", 1, Declared(three[1]))
    data(who, "B", 2, Offer(1, (0,), frozen([600.0])))
    early = order(who, turns(2, Ref("B", 1), Ref("B", 2)))
    assert early == [Tell(Done(2, 1, (), ()), 1)]
    data(who, "C", 1, Declared(three[2]))
    opening, reply, done = order(who, turns(3, Ref("C", 1)))
    assert isinstance(opening, Say)
    assert isinstance(reply, Say)
    first, second = opening.envelope.message, reply.envelope.message
    assert isinstance(first, Offer)
    assert isinstance(second, Offer)
    assert second.price_cny_per_mwh[0] > first.price_cny_per_mwh[0]
    assert isinstance(done, Tell)
    assert isinstance(done.message, Done)
    assert {entry.vpp: entry.version for entry in done.message.seen} == {"A": 2, "B": 1}
