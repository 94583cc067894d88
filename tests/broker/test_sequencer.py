"""Claims: arrivals come in time order however they were sent; a batch holds what cannot affect each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from broker.delay import ConstantDelay, Transit, delay_of
from broker.sequencer import Grant, Sequencer
from broker.wire.messages import Ref
from market.network import Constant, LinkConditions, NetworkRules


@dataclass(frozen=True)
class TableDelay:
    """Delays chosen by a test."""

    smallest_s: float
    rule: Callable[[Transit], float]

    def delay_s(self, transit: Transit) -> float:
        return self.rule(transit)


def test_zero_delay_delivers_all_of_a_moment_as_one_batch() -> None:
    sequencer = Sequencer(ConstantDelay(0.0), seed=0, epoch=1)
    sequencer.send(Ref("B", 1), ("A", "C"), 0.0)
    sequencer.send(Ref("A", 1), ("B", "C"), 0.0)
    assert sequencer.next_batch() == (
        Grant("A", 0.0, (Ref("B", 1),)),
        Grant("B", 0.0, (Ref("A", 1),)),
        Grant("C", 0.0, (Ref("A", 1), Ref("B", 1))),
    )
    assert sequencer.next_batch() == ()


def test_constant_delay_moves_time_on_by_itself() -> None:
    sequencer = Sequencer(delay_of(NetworkRules(LinkConditions(Constant(0.05)))), seed=0, epoch=1)
    sequencer.send(Ref("A", 1), ("B",), 0.0)
    sequencer.send(Ref("A", 2), ("B",), 0.05)
    first, second = sequencer.next_batch(), sequencer.next_batch()
    assert [grant.time_s for grant in (*first, *second)] == [0.05, 0.1]
    assert sequencer.in_flight == 0


def test_look_ahead_lets_independent_receivers_act_in_one_batch() -> None:
    slow_to_c = TableDelay(1.0, lambda transit: 1.5 if transit.receiver == "C" else 1.0)
    sequencer = Sequencer(slow_to_c, seed=0, epoch=1)
    sequencer.send(Ref("A", 1), ("B", "C"), 0.0)
    assert [(grant.receiver, grant.time_s) for grant in sequencer.next_batch()] == [("B", 1.0), ("C", 1.5)]


def test_a_receiver_gets_one_moment_at_a_time() -> None:
    by_number = TableDelay(1.0, lambda transit: 1.0 + 0.25 * transit.seq)
    sequencer = Sequencer(by_number, seed=0, epoch=1)
    for seq in (3, 1, 2):
        sequencer.send(Ref("A", seq), ("B",), 0.0)
    times = [sequencer.next_batch()[0] for _ in range(3)]
    assert [(grant.time_s, grant.refs[0].seq) for grant in times] == [(1.25, 1), (1.5, 2), (1.75, 3)]


def test_a_wake_up_is_a_turn_without_messages() -> None:
    sequencer = Sequencer(ConstantDelay(0.0), seed=0, epoch=1)
    sequencer.wake("A", 0.0)
    assert sequencer.next_batch() == (Grant("A", 0.0, ()),)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("ABC"), st.sampled_from("ABC"), st.floats(0, 10), st.floats(0, 3)), max_size=25
    ),
    st.floats(0, 2),
    st.randoms(use_true_random=False),
)
def test_the_order_of_sending_does_not_matter(
    sent: list[tuple[str, str, float, float]], smallest_s: float, shuffle: Random
) -> None:
    def batches(order: list[int]) -> list[tuple[Grant, ...]]:
        table = TableDelay(smallest_s, lambda transit: smallest_s + sent[transit.seq - 1][3])
        sequencer = Sequencer(table, seed=0, epoch=1)
        for index in order:
            sender, receiver, time_s, _ = sent[index]
            sequencer.send(Ref(sender, index + 1), (receiver,), time_s)
        found = []
        while batch := sequencer.next_batch():
            found.append(batch)
        return found

    order = list(range(len(sent)))
    straight = batches(order)
    shuffle.shuffle(order)
    assert batches(order) == straight
    for batch in straight:
        times = [grant.time_s for grant in batch]
        assert max(times) - min(times) <= smallest_s
        assert len({grant.receiver for grant in batch}) == len(batch)
    for receiver in "ABC":
        moments = [grant.time_s for batch in straight for grant in batch if grant.receiver == receiver]
        assert moments == sorted(set(moments))
    assert sum(len(grant.refs) for batch in straight for grant in batch) == len(sent)
