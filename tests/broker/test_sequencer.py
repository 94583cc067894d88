"""Claims: arrivals come in time order however they were sent; a batch holds what cannot affect each other."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from broker.delivery.network_log import NetworkLog
from broker.delivery.sequencer import Grant, Sequencer
from broker.delivery.undelivered import Undelivered
from broker.network import AttemptKey, Conditions, LinkQueue, Transmission
from broker.wire.messages import Ref
from market.model.network import Constant, LinkConditions, NetworkRules
from tests.sampling import law


class TableConditions(Conditions):
    """Arrivals chosen by a test, as delays after sending."""

    def __init__(self, smallest_s: float, delays_s: Callable[[AttemptKey], tuple[float, ...]]) -> None:
        super().__init__(NetworkRules(), (), seed=0)
        self.smallest_s = smallest_s
        self._table = delays_s

    def usual_s(self, sender: str, receiver: str) -> float | None:
        return None  # each message has a fate of its own

    def journey(
        self, transit: AttemptKey, sent_s: float, size_bytes: int = 0, queue: LinkQueue | None = None
    ) -> Transmission:
        arrivals = tuple(sent_s + delay_s for delay_s in self._table(transit))
        return Transmission(arrivals, 0, None if arrivals else "the table")


def perfect() -> Conditions:
    return Conditions(NetworkRules(), "ABC", seed=0)


def sequencer_of(conditions: Conditions) -> tuple[Sequencer, NetworkLog]:
    log = NetworkLog()
    return Sequencer(conditions, 1, log), log


def test_zero_delay_delivers_all_of_a_moment_as_one_batch() -> None:
    sequencer, _ = sequencer_of(perfect())
    sequencer.send(Ref("B", 1), ("A", "C"), 0.0, 100, "Offer")
    sequencer.send(Ref("A", 1), ("B", "C"), 0.0, 100, "Offer")
    assert sequencer.next_batch() == (
        Grant("A", 0.0, (Ref("B", 1),)),
        Grant("B", 0.0, (Ref("A", 1),)),
        Grant("C", 0.0, (Ref("A", 1), Ref("B", 1))),
    )
    assert sequencer.next_batch() == ()


def test_constant_delay_moves_time_on_by_itself() -> None:
    rules = NetworkRules(every=LinkConditions(Constant(0.05)))
    sequencer, _ = sequencer_of(Conditions(rules, "AB", seed=0))
    sequencer.send(Ref("A", 1), ("B",), 0.0, 100, "Offer")
    sequencer.send(Ref("A", 2), ("B",), 0.05, 100, "Offer")
    first, second = sequencer.next_batch(), sequencer.next_batch()
    assert [grant.time_s for grant in (*first, *second)] == [0.05, 0.1]
    assert sequencer.next_batch() == ()


def test_look_ahead_lets_independent_receivers_act_in_one_batch() -> None:
    slow_to_c = TableConditions(1.0, lambda transit: (1.5,) if transit.receiver == "C" else (1.0,))
    sequencer, _ = sequencer_of(slow_to_c)
    sequencer.send(Ref("A", 1), ("B", "C"), 0.0, 100, "Offer")
    assert [(grant.receiver, grant.time_s) for grant in sequencer.next_batch()] == [("B", 1.0), ("C", 1.5)]


def test_a_receiver_gets_one_moment_at_a_time() -> None:
    sequencer, _ = sequencer_of(TableConditions(1.0, lambda transit: (1.0 + 0.25 * transit.seq,)))
    for seq in (3, 1, 2):
        sequencer.send(Ref("A", seq), ("B",), 0.0, 100, "Offer")
    times = [sequencer.next_batch()[0] for _ in range(3)]
    assert [(grant.time_s, grant.refs[0].seq) for grant in times] == [(1.25, 1), (1.5, 2), (1.75, 3)]


def test_a_busy_receiver_gets_what_came_meanwhile_at_once() -> None:
    sequencer, log = sequencer_of(TableConditions(0.1, lambda transit: (0.1 * transit.seq,)))
    sequencer.busy("B", 1.0)
    for seq in (1, 2, 15):
        sequencer.send(Ref("A", seq), ("B",), 0.0, 100, "Offer")
    assert sequencer.next_batch() == (Grant("B", 1.0, (Ref("A", 1), Ref("A", 2))),)
    assert sequencer.next_batch() == (Grant("B", 1.5, (Ref("A", 15),)),)
    assert max(moment.queued for moment in log.moments) == 2


def test_a_copy_is_counted_and_not_given_again() -> None:
    sequencer, log = sequencer_of(TableConditions(0.1, lambda transit: (0.1, 0.3)))
    sequencer.send(Ref("A", 1), ("B",), 0.0, 100, "Offer")
    assert sequencer.next_batch() == (Grant("B", 0.1, (Ref("A", 1),)),)
    assert sequencer.next_batch() == ()
    link = log.link("A", "B")
    assert (link.sent, link.delivered, link.duplicated, link.bytes) == (1, 1, 1, 100)


def test_what_comes_after_something_newer_is_counted_as_late() -> None:
    sequencer, log = sequencer_of(TableConditions(0.1, lambda transit: (1.0 / transit.seq,)))
    sequencer.send(Ref("A", 1), ("B",), 0.0, 100, "Offer")
    sequencer.send(Ref("A", 2), ("B",), 0.0, 100, "Offer")
    order = [sequencer.next_batch()[0].refs[0].seq for _ in range(2)]
    assert order == [2, 1]
    link = log.link("A", "B")
    assert (link.late, link.delay_min_s, link.delay_max_s, link.delay_mean_s) == (1, 0.5, 1.0, 0.75)


def test_what_never_arrives_is_remembered_with_its_reason() -> None:
    sequencer, log = sequencer_of(TableConditions(0.1, lambda transit: ()))
    sequencer.send(Ref("A", 1), ("B",), 2.0, 100, "Offer")
    assert sequencer.next_batch() == ()
    assert sequencer.undelivered == [Undelivered("A", 1, "B", 2.0, "the table")]
    assert log.total("undeliverable") == 1


def test_a_wake_up_is_a_turn_without_messages() -> None:
    sequencer, _ = sequencer_of(perfect())
    sequencer.wake("A", 0.0)
    assert sequencer.next_batch() == (Grant("A", 0.0, ()),)


@law(200)
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
        table = TableConditions(smallest_s, lambda transit: (smallest_s + sent[transit.seq - 1][3],))
        sequencer, _ = sequencer_of(table)
        for index in order:
            sender, receiver, time_s, _ = sent[index]
            sequencer.send(Ref(sender, index + 1), (receiver,), time_s, 100, "Offer")
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
