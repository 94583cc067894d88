"""Claims: nobody waits without end, and what is not answered has a name: orders, confirmations, farewells.

A node's own trouble is its own: where losses are waited for or withdrawn, it is lost like one that died.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from broker.protocol.actions import ControlCame, DataCame, Notice, Parcel, ProcessEnded, Reply, Send, Tick
from broker.protocol.coordinator import FAREWELL_AGAIN_S, NOT_ACCEPTED, RESEND_AFTER_S
from broker.protocol.losses import MOST_FAULTS
from broker.protocol.run_progress import Phase
from broker.tape import Back, DoneSaid, EpochBegun, Left, OrderGiven, TurnGiven
from broker.wire.frames import Envelope, decode, encode
from broker.wire.messages import (
    Audit,
    Beat,
    Bye,
    Declared,
    Done,
    Failure,
    Hello,
    Message,
    Ready,
    Refused,
    Stop,
    Trouble,
    Welcome,
)
from market.errors import DispatchError, MarketError, RunError
from market.model.network import Constant, LinkConditions, NetworkRules, OnLoss, TimeMode
from tests.broker.days import declaration, market_day, public_rules
from tests.broker.loopback import TOKEN, Hop, Loopback, blank_plan, prices_of
from tests.tapes import of_kind

DAY = {"A": [2.0, 1.0], "B": [-1.0, -1.5], "C": [-0.5, 0.4]}
WALL = NetworkRules(time=TimeMode.WALL, every=LinkConditions(Constant(0.01)))
HELLO = Hello(1, "digest", "", "loopback", "test")
STEPS = 60_000


def market(network: NetworkRules | None = None, steal: Callable[[Hop, bytes], bool] | None = None) -> Loopback:
    run = Loopback(public_rules(2), market_day(DAY), network=network or NetworkRules())
    run.steal = steal or run.steal
    run.join()
    return run


def until(run: Loopback, there: Callable[[], bool]) -> Loopback:
    for _ in range(STEPS):
        if there():
            return run
        run.step()
    raise AssertionError(f"does not come: {run.coordinator.progress(run.now)}")


def at(phase: Phase, network: NetworkRules | None = None) -> Loopback:
    run = market(network)
    return until(run, lambda: run.coordinator.phase is phase)


def tell(run: Loopback, vpp: str, message: Message, route: str = "") -> list[object]:
    """A member tells the broker something; what the broker does at once."""
    envelope = Envelope(run.coordinator.epoch.number, vpp, 0, message)
    return [*run.coordinator.handle(ControlCame((route or vpp).encode(), envelope), run.now)]


def publish(run: Loopback, vpp: str, seq: int, message: Message) -> None:
    envelope = Envelope(run.coordinator.epoch.number, vpp, seq, message)
    run.event(DataCame(Parcel(envelope, encode(envelope, TOKEN))))


def turn_of(run: Loopback, vpp: str) -> int:
    given = [r for r in run.tape if isinstance(r, TurnGiven | OrderGiven)]
    return [r.number for r in given if r.receiver == vpp][-1]


# --- what comes again ---


def test_a_turn_that_is_ended_again_and_a_message_that_comes_again_are_no_fault() -> None:
    run = at(Phase.PLANNING)
    for _ in range(3):
        publish(run, "A", 1, Declared(run.declarations[0]))
        tell(run, "A", Done(turn_of(run, "A"), 1, (), ()))
    assert run.coordinator.epoch.counters["duplicates"] == 2
    done = run.run()
    assert done.counters["superseded"] >= 4
    assert not done.refused
    assert prices_of(done) == prices_of(market().run())


def test_an_audit_that_comes_again_is_no_fault_and_the_first_counts() -> None:
    run = at(Phase.SETTLING)
    first = Audit(turn_of(run, "A"), blank_plan(2), blank_plan(2), 1.0, ())
    tell(run, "A", first)
    before = run.coordinator.proceedings().counters["superseded"]
    assert tell(run, "A", replace(first, peak_memory_mb=2.0)) == []
    done = run.run()
    assert done.counters["superseded"] > before
    assert done.audits["A"] == first
    assert not done.refused


# --- confirmations in real time ---


def test_in_real_time_a_confirmation_that_skips_is_refused_until_those_before_it_have_come() -> None:
    run = at(Phase.PLANNING, WALL)
    run.pause("A")

    def confirmed() -> int:
        return run.coordinator.clockwork.beat("A").confirmed

    tell(run, "A", Done(2, 0, (), ()))
    assert (confirmed(), run.coordinator.refused) == (0, {"gap": 1})
    for number in (1, 2, 2, 1):
        run.event(ControlCame(b"A", Envelope(1, "A", 0, Done(number, 0, (), ()))))
    assert (confirmed(), run.coordinator.refused) == (2, {"gap": 1})
    assert [record.done.turn for record in of_kind(run.tape, DoneSaid) if record.vpp == "A"] == [1, 2]


def test_in_real_time_the_beat_says_which_confirmation_has_come() -> None:
    run = market(NetworkRules(time=TimeMode.WALL, every=LinkConditions(Constant(2.0))))
    beats: list[int] = []

    def hear(hop: Hop, frame: bytes) -> bool:
        message = decode(frame, TOKEN).message
        if isinstance(message, Beat) and hop.receiver == "A":
            beats.append(message.confirmed)
        return False

    run.steal = hear
    run.run()
    made = [record.done.turn for record in of_kind(run.tape, DoneSaid) if record.vpp == "A"]
    assert made == list(range(1, len(made) + 1))
    assert beats
    assert set(beats) <= {0, *made}


def test_a_gap_in_confirmations_does_not_make_a_member_lost() -> None:
    run = at(Phase.PLANNING, replace(WALL, on_loss=OnLoss.WAIT))
    run.pause("A")
    for number in range(2, 2 + 3 * NOT_ACCEPTED):
        tell(run, "A", Done(number, 1, (), ()))
    run.now += 1.0
    run.event(Tick())
    assert "A" in run.coordinator.membership.members


# --- who does not get on ---


def mute(hop: Hop, frame: bytes) -> bool:
    """A's confirmations are lost, every one; its signs of life are not."""
    return hop.sender == "A" and isinstance(decode(frame, TOKEN).message, Done)


def test_who_leaves_an_order_unanswered_is_named_though_it_gives_signs_of_life() -> None:
    with pytest.raises(RunError, match=r"A's node is alive, and for 300 s it does not answer while planning"):
        market(steal=mute).run()


def test_how_long_an_answer_may_take_is_the_scenarios() -> None:
    run = market(NetworkRules(answer_s=20.0), mute)
    with pytest.raises(RunError, match="for 20 s it does not answer"):
        run.run()
    assert run.now < 30.0


def test_who_leaves_orders_unanswered_again_and_again_is_lost_each_time_and_then_ends_the_run() -> None:
    run = market(NetworkRules(on_loss=OnLoss.WAIT), mute)
    with pytest.raises(
        RunError,
        match=r"A was lost 3 times, and the market came no further: its node is alive, and for 300 s it does",
    ):
        run.run()
    lost = of_kind(run.tape, Left)
    assert [(left.vpp, "does not answer" in left.how) for left in lost] == [("A", True)] * (MOST_FAULTS - 1)
    assert [back.vpp for back in of_kind(run.tape, Back)] == ["A"] * (MOST_FAULTS - 1)


def test_the_others_trade_without_who_does_not_answer_where_that_is_the_rule() -> None:
    run = market(NetworkRules(on_loss=OnLoss.WITHDRAW), mute)
    until(run, lambda: run.coordinator.phase is Phase.OVER)
    assert run.coordinator.proceedings().withdrawn == ("A",)


def refused_often(run: Loopback, times: int) -> None:
    """A says that it has published a message, and what comes of it is refused, so often; then time passes."""
    run.pause("A")
    tell(run, "A", Done(turn_of(run, "A"), 1, (), ()))
    for _ in range(times):
        publish(run, "A", 1, Declared(declaration("A", [1e9, 1.0])))
    run.now += RESEND_AFTER_S
    run.event(Tick())


def test_what_comes_and_is_refused_is_asked_for_some_times_and_then_its_sender_is_lost() -> None:
    run = at(Phase.PLANNING)
    refused_often(run, NOT_ACCEPTED - 1)
    with pytest.raises(RunError, match=r"A's messages are not accepted \(refused: bad_content ×8\) while"):
        refused_often(run, 1)


OWN, ANOTHER = 11, 12  # connections


def publish_on(run: Loopback, connection: int, vpp: str, seq: int, message: Message) -> None:
    envelope = Envelope(run.coordinator.epoch.number, vpp, seq, message)
    run.event(DataCame(Parcel(envelope, encode(envelope, TOKEN)), connection))


@pytest.mark.parametrize("accepted_before", [True, False])
def test_what_another_says_in_a_members_name_does_not_count_against_it(accepted_before: bool) -> None:
    run = at(Phase.PLANNING)
    run.pause("A")
    if accepted_before:
        publish_on(run, OWN, "A", 1, Declared(run.declarations[0]))
    seq = 2 if accepted_before else 1
    tell(run, "A", Done(turn_of(run, "A"), seq, (), ()))
    wrong = Declared(declaration("A", [1e9, 1.0]))
    publish_on(run, OWN, "A", seq, wrong)
    for _ in range(5 * NOT_ACCEPTED):
        publish_on(run, ANOTHER, "A", seq, wrong)
        tell(run, "A", Audit(9, None, None, 1.0, ()), route="another's")
    run.now += RESEND_AFTER_S
    run.event(Tick())
    assert "A" in run.coordinator.membership.members
    assert run.coordinator.refused["wrong_route"] == 5 * NOT_ACCEPTED
    for _ in range(NOT_ACCEPTED):
        publish_on(run, OWN, "A", seq, wrong)
    run.now += RESEND_AFTER_S
    with pytest.raises(RunError, match=r"A's messages are not accepted \(refused: \w+ ×9\) while"):
        run.event(Tick())


def test_who_sends_what_is_refused_is_lost_alone_where_losses_are_waited_for() -> None:
    run = at(Phase.PLANNING, NetworkRules(on_loss=OnLoss.WAIT))
    refused_often(run, NOT_ACCEPTED)
    (left,) = of_kind(run.tape, Left)
    assert left.vpp == "A"
    assert "not accepted (refused: bad_content ×8)" in left.how
    run.resume("A")
    assert prices_of(run.run()) == prices_of(market().run())


# --- who says that it cannot go on ---


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        (Trouble.DISPATCH, DispatchError, "its day cannot be planned"),
        (Trouble.TRADE, RunError, "it was told of trade that it cannot have negotiated"),
        (Trouble.ERROR, RunError, "it has met an error of its own"),
    ],
)
def test_a_failure_ends_the_run_where_a_loss_does(kind: Trouble, error: type[MarketError], words: str) -> None:
    with pytest.raises(error, match=f"^A's node cannot go on: {words}$"):
        tell(at(Phase.PLANNING), "A", Failure(kind))


def test_who_was_told_to_leave_is_named_where_a_loss_ends_the_run() -> None:
    with pytest.raises(RunError, match=r"A's node was ended by whoever runs it while planning"):
        tell(at(Phase.PLANNING), "A", Failure(Trouble.LEFT))


@pytest.mark.parametrize("kind", Trouble)
def test_a_failure_is_a_loss_where_losses_are_waited_for(kind: Trouble) -> None:
    run = at(Phase.PLANNING, NetworkRules(on_loss=OnLoss.WAIT))
    heard, *_ = tell(run, "A", Failure(kind))
    assert isinstance(heard, Reply)
    assert isinstance(heard.message, Stop)
    assert not heard.message.complete
    assert "A" in run.coordinator.membership.absent
    assert run.coordinator.phase is Phase.PLANNING
    run.kill("A")  # another takes its place
    assert prices_of(run.run()) == prices_of(market().run())


def test_whose_day_cannot_be_planned_is_waited_for_and_then_the_run_ends_for_that_reason() -> None:
    run = at(Phase.PLANNING, NetworkRules(on_loss=OnLoss.WAIT))
    tell(run, "A", Failure(Trouble.DISPATCH))
    run.pause("A")
    with pytest.raises(DispatchError, match=r"A node cannot go on: its day cannot be planned; waited 60 s"):
        until(run, lambda: False)


def test_the_others_trade_without_who_cannot_go_on_where_that_is_the_rule() -> None:
    run = at(Phase.PLANNING, NetworkRules(on_loss=OnLoss.WITHDRAW))
    run.event(ControlCame(b"A", Envelope(1, "A", 0, Failure(Trouble.DISPATCH))))
    done = run.run()
    assert done.withdrawn == ("A",)
    assert set(done.audits) == {"B", "C"}


# --- joining ---


@pytest.mark.parametrize("on_loss", OnLoss)
def test_while_all_join_a_lost_node_s_place_is_free_again_and_nothing_is_on_the_tape(on_loss: OnLoss) -> None:
    run = Loopback(public_rules(2), market_day(DAY), network=NetworkRules(on_loss=on_loss))
    tell(run, "A", HELLO)
    tell(run, "A", Ready(1))
    tape = list(run.tape)
    told = run.coordinator.handle(Tick(), run.now + 11.0)
    assert [action for action in told if isinstance(action, Notice)] != []
    assert run.coordinator.membership.members == {}
    run.now += 11.0
    (welcome,) = tell(run, "A", HELLO, route="another")
    assert isinstance(welcome, Reply)
    assert isinstance(welcome.message, Welcome)
    assert run.tape == tape
    assert not of_kind(run.tape, EpochBegun)


@pytest.mark.parametrize("phase", [Phase.JOINING, Phase.PLANNING])
@pytest.mark.parametrize("again", ["falls silent", "dies too"])
def test_a_place_that_was_taken_again_and_never_proved_open_is_free_again(phase: Phase, again: str) -> None:
    """The last words of a node that has died may come after the news of its death, and take its place."""
    run = Loopback(public_rules(2), market_day(DAY), network=NetworkRules(on_loss=OnLoss.WAIT))
    run.join() if phase is Phase.PLANNING else None
    until(run, lambda: run.coordinator.phase is phase)
    run.event(ProcessEnded("A", "was killed", restarted=True))
    tell(run, "A", HELLO, route="the dead one's")
    assert isinstance(tell(run, "A", HELLO, route="the new one's")[0], Reply)
    for _ in range(11):
        run.now += 1.0
        for vpp in set(run.coordinator.membership.members) - {"A"}:
            run.coordinator.membership.heard(vpp, run.now)
        run.event(ProcessEnded("A", "was killed", restarted=True) if again == "dies too" else Tick())
    (answer,) = tell(run, "A", HELLO, route="the new one's")
    assert isinstance(answer, Reply)
    assert isinstance(answer.message, Welcome)


def test_a_place_that_is_taken_may_be_asked_for_again_later_and_a_wrong_market_may_not() -> None:
    run = market()
    tell(run, "A", HELLO)
    (taken,) = tell(run, "A", HELLO, route="another")
    assert isinstance(taken, Reply)
    assert isinstance(taken.message, Refused)
    assert taken.message.later
    (wrong, told) = tell(run, "A", replace(HELLO, public_digest="other rules"), route="another")
    assert isinstance(wrong, Reply)
    assert isinstance(wrong.message, Refused)
    assert not wrong.message.later
    assert isinstance(told, Notice)


def test_the_broker_of_another_session_is_not_meant() -> None:
    run = Loopback(public_rules(2), market_day(DAY))
    tell(run, "A", HELLO)
    tell(run, "A", Ready(99))
    assert "A" in run.coordinator.membership.missing()
    tell(run, "A", Ready(1))
    assert "A" not in run.coordinator.membership.missing()


# --- taking leave ---


def over() -> Loopback:
    """A run that has just come to its end; nobody has taken leave."""
    return at(Phase.OVER)


def stops(run: Loopback) -> list[str]:
    """Whom the broker tells, when some time has passed, that the run is over."""
    run.now += FAREWELL_AGAIN_S
    told = run.coordinator.handle(Tick(), run.now)
    return [action.vpp for action in told if isinstance(action, Send) and isinstance(action.message, Stop)]


def test_members_are_told_that_the_run_is_over_until_they_take_leave() -> None:
    run = over()
    assert stops(run) == stops(run) == ["A", "B", "C"]
    tell(run, "B", Bye())
    assert stops(run) == ["A", "C"]
    assert not run.coordinator.taken_leave(run.now)
    tell(run, "A", Bye())
    run.event(ProcessEnded("C", "exited"))
    assert stops(run) == []
    assert run.coordinator.taken_leave(run.now)


def test_who_does_not_take_leave_is_seen_off_for_as_long_as_silence_is_borne_and_no_longer() -> None:
    run = over()
    assert not run.coordinator.taken_leave(run.now + 9.9)
    assert run.coordinator.taken_leave(run.now + 10.0)


def test_who_is_waited_for_is_seen_off_for_longer() -> None:
    """A link that is down in the end, or a node that is stopped, may be back: 10 s, and half of 60 s."""
    run = at(Phase.OVER, NetworkRules(on_loss=OnLoss.WAIT))
    assert not run.coordinator.taken_leave(run.now + 39.9)
    assert run.coordinator.taken_leave(run.now + 40.0)


def test_who_asks_after_the_end_is_told_that_it_is_over() -> None:
    run = over()
    (told,) = tell(run, "A", HELLO, route="another")
    assert told == Reply(b"another", Stop("the run is complete", complete=True))


def test_who_waits_for_a_place_is_told_as_well_when_the_run_is_over() -> None:
    run = at(Phase.PLANNING)
    (taken,) = tell(run, "A", HELLO, route="another")
    assert isinstance(taken, Reply)
    assert isinstance(taken.message, Refused)
    told = run.coordinator.farewell("so it is", run.now, complete=False)
    assert Reply(b"another", Stop("so it is", complete=False)) in told


def test_who_has_got_the_place_that_it_waited_for_is_told_once() -> None:
    run = at(Phase.PLANNING, NetworkRules(on_loss=OnLoss.WAIT))
    tell(run, "A", HELLO, route="another")
    run.event(ProcessEnded("A", "was killed", restarted=True))
    tell(run, "A", HELLO, route="another")
    told = run.coordinator.farewell("so it is", run.now, complete=False)
    assert [action for action in told if isinstance(action, Reply)] == []


def test_a_run_that_was_broken_off_says_so_to_everybody() -> None:
    run = at(Phase.PLANNING)
    told = run.coordinator.farewell("the broker was interrupted", run.now, complete=False)
    stop = Stop("the broker was interrupted", complete=False)
    assert {action.vpp for action in told if isinstance(action, Send) and action.message == stop} == set(DAY)
