"""Claims: a node joins, takes turns only when all they name is here, re-sends, and gives up with a story.

An order that comes again is answered again from what was said; in real time confirmations are said again until the
broker has them; one patience holds for a broker that is not found and for one that is lost.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from broker.wire.frames import Envelope
from broker.wire.messages import (
    BROKER,
    Audit,
    Beat,
    Begin,
    Bye,
    Declared,
    Done,
    Hello,
    Message,
    Offer,
    Ready,
    Ref,
    Refused,
    Resend,
    Selection,
    Settle,
    Stop,
    Turn,
    Turns,
    Welcome,
)
from market.errors import RunError
from market.model.arrays import frozen
from market.model.declaration import Role
from market.model.disclosure import Disclosure, disclosure_of, least
from market.model.plan import DirectExchange, DispatchPlan
from tests.broker.days import market_day, public_rules
from tests.broker.loopback import blank_plan
from vpp_nodes.client import (
    QUIET_S,
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
from vpp_nodes.patience import PATIENCE_S

DAY = market_day({"A": [1.0], "B": [-1.0]})
ROSTER = ("A", "B")
SESSION = 5
HELLO = Hello(1, "digest", "", "a case", "test")


def node(asked: Callable[[DirectExchange | None], None] = lambda trade: None) -> Node:
    """A's behaviour; `asked` hears of each day that it plans."""

    def plan(trade: DirectExchange | None) -> DispatchPlan:
        asked(trade)
        return blank_plan(1, trade)

    return Node("A", public_rules(1), plan, lambda plan: DAY[0])


def client(patience_s: float = PATIENCE_S) -> Client:
    return Client("A", node(), HELLO, now=0.0, patience_s=patience_s)


def order(
    who: Client, message: Message, now: float = 0.0, sender: str = BROKER, epoch: int = 1
) -> list[Instruction]:
    return who.came(Envelope(epoch, sender, 0, message), control=True, now=now)


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
        (Turn("B", number + 100, 0.0, (0, 1)), Turn("A", number, 0.0, (1, 1 + len(refs)) if refs else ())),
    )


def test_beginning_declares_then_ends_the_turn() -> None:
    who = client()
    order(who, Welcome(SESSION, 1002, 1003))
    told, planned, declared, done = order(who, Begin(1, 0.0, ROSTER, False))
    assert told == Note("A plans its day, in epoch 1 with A, B")
    sells, buys = DAY[0].roles.count(Role.SELLER), DAY[0].roles.count(Role.BUYER)
    assert planned == Note(f"A has planned its day and trades: it can sell in {sells} periods and buy in {buys}")
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
    _, done = data(who, BROKER, 0, turns(2, Ref("B", 1)))
    assert order(who, turns(2, Ref("B", 1))) == [done]
    assert data(who, BROKER, 0, turns(2, Ref("B", 1))) == [done]
    assert order(who, turns(3)) != []
    assert order(who, turns(2, Ref("B", 1))) == []  # it has been left
    assert who.refused == {}


def test_what_has_reached_others_waits_until_it_reaches_us() -> None:
    who = joined()
    data(who, "C", 9, Declared(DAY[1]))
    assert order(who, turns(2)) != []
    assert order(who, turns(3, Ref("C", 9))) != []  # without asking for it
    assert who.refused == {"not_a_member": 1}  # so it was taken


@pytest.mark.parametrize("reached", [(1,), (0,), (1, 2), (0, 2), (1, 0), (0, 0), (0, 1, 0, 1), (0, 1, 1)])
def test_a_turn_that_points_nowhere_is_refused(reached: tuple[int, ...]) -> None:
    who = joined()
    assert order(who, Turns((Ref("B", 1),), (Turn("A", 2, 0.0, reached),))) == []
    assert who.refused == {"bad_content": 1}


def test_a_turn_of_a_game_does_not_say_what_its_references_tell() -> None:
    """What has been consumed follows from what came with the turn (tests/broker/test_consumption.py)."""
    who = joined()
    data(who, "B", 1, Declared(DAY[1]))
    answers = [order(who, turns(2, Ref("B", 1))), *(order(who, turns(number)) for number in range(3, 200))]
    seen = [step.message.seen for *_, step in answers if isinstance(step, Tell) and isinstance(step.message, Done)]
    own = [sum(isinstance(step, Say) for step in answer) for answer in answers]
    assert len(seen) == len(answers)
    assert own[-1] == 0  # it has come to rest
    assert sum(own) > 1
    assert set(seen) == {()}


def test_a_node_that_waits_for_others_answers_when_it_is_asked_what_it_answers_at_once_alone() -> None:
    alone = joined()
    together = Client("A", node(), HELLO, now=0.0, waits_for_others=True)
    order(together, Welcome(SESSION, 1002, 1003))
    together.data_open()
    order(together, Begin(1, 0.0, ROSTER, False))
    for who in (alone, together):
        data(who, "B", 1, Declared(DAY[1]))
    told = order(alone, turns(2, Ref("B", 1)))
    assert order(together, turns(2, Ref("B", 1))) == []
    assert together.answer(0.0) == []  # not before it has taken in what has come
    together.consider()
    assert together.answer(0.0) == told
    assert together.answer(0.0) == []


def test_a_node_says_again_what_it_said_and_only_that() -> None:
    who = joined()
    again = order(who, Resend((Ref("A", 1), Ref("A", 2), Ref("A", 0), Ref("B", 1))))
    assert again == [Say(Envelope(1, "A", 1, Declared(DAY[0])))]


@pytest.mark.parametrize(
    ("message", "sender", "reason"),
    [
        (Begin(7, 0.0, ROSTER, False), BROKER, "out_of_turn"),  # an epoch begins once
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


# --- patience ---


@pytest.mark.parametrize("patience_s", [PATIENCE_S, 7.0])
def test_a_broker_that_never_answers_is_looked_for_all_that_time_and_then_given_up(patience_s: float) -> None:
    who = client(patience_s)
    asked = [who.tick(float(now)) for now in range(int(patience_s) + 1)]
    moments = [now for now, said in enumerate(asked) if said]
    assert all(said in ([], [Tell(HELLO, 1)]) for said in asked)
    doubling = (0, 2, 6, 14, 30, 46)  # after twice as long, at most 16 s
    assert moments == [now for now in doubling if now <= patience_s]
    with pytest.raises(RunError, match=f"no answer from the broker for {patience_s:g} s: is it running"):
        who.tick(patience_s + 0.1)


def test_a_broker_that_falls_silent_is_looked_for_as_long_and_a_beat_prevents_it() -> None:
    who = joined()
    order(who, Beat((), 0), now=PATIENCE_S)
    assert who.tick(PATIENCE_S + 1.0) == []
    assert who.tick(PATIENCE_S + QUIET_S + 0.1) == [Tell(HELLO, 1)]  # is it still there?
    assert who.tick(2 * PATIENCE_S) == [Tell(HELLO, 1)]
    with pytest.raises(RunError, match="no sign of life from the broker for 60 s"):
        who.tick(2 * PATIENCE_S + 0.1)


def test_a_place_that_is_taken_is_waited_for_as_long_and_said_once() -> None:
    who = client()
    taken = Refused("A has joined already", later=True)
    assert order(who, taken, now=1.0) == [Note("A waits: A has joined already")]
    assert order(who, taken, now=PATIENCE_S) == []
    with pytest.raises(RunError, match="the broker refused for 60 s: A has joined already"):
        who.tick(PATIENCE_S + 0.1)


def test_what_the_transport_has_found_out_is_said_once_and_goes_into_the_end() -> None:
    who = client()
    assert who.unreachable("nobody listens") == [Note("A looks for its broker: nobody listens")]
    assert who.unreachable("nobody listens") == []
    assert who.unreachable("") == []  # a connection stands for a moment, as of a node that was stopped meanwhile
    assert who.unreachable("nobody listens") == []
    with pytest.raises(RunError, match="no answer from the broker for 60 s; last seen: nobody listens"):
        who.tick(PATIENCE_S + 0.1)


# --- again: an order, a place, an end ---


def settle(number: int, audit: Disclosure = Disclosure.FULL) -> Settle:
    nothing = frozen([0.0])
    return Settle(number, DirectExchange(nothing, nothing), audit, (), 0.25)


def test_begin_and_settle_are_answered_again_from_what_was_said_without_planning_again() -> None:
    asked = list[object]()
    who = Client("A", node(asked.append), HELLO, now=0.0)
    order(who, Welcome(SESSION, 1002, 1003))
    begin = Begin(1, 0.0, ROSTER, False)
    *_, done = order(who, begin)
    assert order(who, begin) == order(who, begin) == [done]
    told, audit = order(who, settle(2))
    assert told == Note("A settles: it trades in 0 periods, and has planned them in")
    assert order(who, settle(2)) == order(who, settle(2)) == [audit]
    assert asked == [None, settle(2).direct]
    assert order(who, begin) == []  # it has been left
    assert who.refused == {}


def test_a_settlement_that_is_older_is_refused_and_one_of_an_epoch_that_is_over_is_not_answered() -> None:
    who = joined()
    order(who, settle(3))
    assert order(who, settle(2)) == []
    assert who.refused == {"out_of_turn": 1}
    order(who, Begin(9, 0.0, ROSTER, False), epoch=2)
    assert order(who, settle(3)) == []
    assert who.refused == {"out_of_turn": 1}


@pytest.mark.parametrize("asked", Disclosure)
@pytest.mark.parametrize("willing", Disclosure)
def test_a_node_shows_no_more_than_is_asked_for_and_no_more_than_it_is_willing_to(
    asked: Disclosure, willing: Disclosure
) -> None:
    who = Client("A", node(), HELLO, now=0.0, audit=willing)
    order(who, Welcome(SESSION, 1002, 1003))
    order(who, Begin(1, 0.0, ROSTER, False))
    _, told = order(who, settle(2, asked))
    assert isinstance(told, Tell)
    assert isinstance(told.message, Audit)
    assert {disclosure_of(told.message.before), disclosure_of(told.message.after)} == {least(asked, willing)}
    assert who.settled is not None
    assert who.settled.order == settle(2, asked)
    assert isinstance(who.settled.plans.after, DispatchPlan)  # its owner sees all of it


def test_who_is_let_in_by_the_same_broker_keeps_its_epoch_and_says_ready_again() -> None:
    who = joined()
    who.data_open()
    assert order(who, Welcome(SESSION, 1002, 1003)) == [Tell(Ready(SESSION), 1)]
    assert len(order(who, Begin(1, 0.0, ROSTER, False))) == 1  # known: only said again


def test_a_data_plane_that_was_not_proved_open_is_opened_afresh_at_the_next_welcome() -> None:
    who = client()
    order(who, Welcome(SESSION, 1002, 1003))
    assert order(who, Welcome(SESSION, 1002, 1003)) == [OpenData(1002, 1003)]


def test_another_broker_at_the_same_place_is_joined_anew_and_what_was_before_counts_no_more() -> None:
    who = joined()
    who.data_open()
    assert order(who, Welcome(SESSION + 1, 2002, 2003))[-1] == OpenData(2002, 2003)
    assert who.data_open() == [Tell(Ready(SESSION + 1), 1)]
    told, _, declared, done = order(who, Begin(1, 0.0, ROSTER, False))
    assert isinstance(told, Note)
    assert declared == Say(Envelope(1, "A", 1, Declared(DAY[0])))
    assert done == Tell(Done(1, 1, (), ()), 1)


@pytest.mark.parametrize("complete", [True, False])
def test_a_stop_stops_is_answered_by_taking_leave_and_says_whether_the_run_came_to_its_end(complete: bool) -> None:
    who = joined()
    stop = Stop("so it is", complete)
    bye, told = Tell(Bye(), 1), Note("A ends: so it is")
    assert order(who, stop) == ([bye, told] if complete else [bye])  # else the node's end tells it, once
    assert order(who, stop) == order(who, stop) == [bye]  # the first may have been lost
    assert who.stage is Stage.STOPPED
    assert (who.complete, who.why) == (complete, "A ends: so it is")


def test_behind_a_stop_nothing_counts_and_nothing_is_said() -> None:
    who = joined()
    order(who, Stop("so it is", complete=True))
    for late in (
        Welcome(SESSION + 1, 1002, 1003),
        Begin(9, 0.0, ROSTER, False),
        settle(2),
        Refused("no", later=False),
    ):
        assert order(who, late, epoch=2) == []
    assert who.stage is Stage.STOPPED
    assert who.refused == {}


# --- a second node for one VPP ---

TAKEN = "A has joined already (process 7); stop that node first"


@pytest.mark.parametrize("complete", [True, False])
def test_who_waited_for_a_place_until_the_run_was_over_says_so_and_had_no_part_in_it(complete: bool) -> None:
    who = client()
    order(who, Refused(TAKEN, later=True))
    assert order(who, Stop("so it is", complete)) == [Tell(Bye(), 1)]
    assert not who.complete
    assert who.why == "A ends: so it is; this node had no part in it: its place was another node's"


def test_who_waits_for_a_place_and_hears_no_more_of_the_broker_does_not_say_that_it_is_refused() -> None:
    who = client()
    order(who, Refused(TAKEN, later=True), now=20.0)
    who.unreachable("nobody listens")
    with pytest.raises(
        RunError, match=r"no answer from the broker for 40 s; last seen: nobody listens; before, it"
    ):
        who.tick(PATIENCE_S + 0.1)


# --- real time ---


def live() -> Client:
    """A in real time: it has declared and made its opening offer, with a confirmation of each."""
    who = client()
    order(who, Welcome(SESSION, 1002, 1003))
    order(who, Begin(1, 0.0, ROSTER, True))
    data(who, "B", 1, Declared(DAY[1]))
    assert numbers(who.tick(0.0)) == [2]
    return who


def numbers(instructions: list[Instruction]) -> list[int]:
    told = [instruction.message for instruction in instructions if isinstance(instruction, Tell)]
    return [message.turn for message in told if isinstance(message, Done)]


def test_in_real_time_confirmations_are_counted_and_those_that_have_not_come_are_said_again_in_order() -> None:
    who = live()
    assert numbers(order(who, Beat((), 0), now=RESEND_AFTER_S)) == [1, 2]
    assert numbers(order(who, Beat((), 1), now=RESEND_AFTER_S)) == [2]
    assert numbers(order(who, Beat((), 2), now=RESEND_AFTER_S)) == []
    assert numbers(order(who, Beat((), 0), now=RESEND_AFTER_S)) == []  # an old beat that was late


def test_confirmations_that_were_just_made_are_not_said_again() -> None:
    assert numbers(order(live(), Beat((), 0), now=RESEND_AFTER_S / 2)) == []


def test_in_real_time_a_repeated_begin_is_answered_by_all_that_has_not_come() -> None:
    who = live()
    assert numbers(order(who, Begin(1, 0.0, ROSTER, True), now=RESEND_AFTER_S)) == [1, 2]
    order(who, Beat((), 2), now=RESEND_AFTER_S)
    assert order(who, Begin(1, 0.0, ROSTER, True), now=2 * RESEND_AFTER_S) == []


def test_a_beat_that_confirms_more_than_was_said_confirms_what_was() -> None:
    who = live()
    assert order(who, Beat((), 99), now=RESEND_AFTER_S) == []
    data(who, "B", 2, Selection(1, (0,), (1,), frozen([1.0]), frozen([1.0])), now=1.0)
    assert numbers(who.tick(1.0)) == [3]
    assert numbers(order(who, Beat((), 2), now=1.0 + RESEND_AFTER_S)) == [3]


def test_offers_before_the_last_declaration_are_kept_not_priced_against() -> None:
    """Under unequal delays a rival's offer can overtake a declaration."""
    three = market_day({"A": [1.0], "B": [1.0], "C": [-1.0]})
    behaviour = Node("A", public_rules(1), lambda trade: blank_plan(1, trade), lambda plan: three[0])
    who = Client("A", behaviour, HELLO, now=0.0)
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
    assert done.message.seen == ()
