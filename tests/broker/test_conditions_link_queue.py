"""Claims: a link of limited bandwidth carries one message at a time and is not idle while one that fits waits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.network import AttemptKey, LinkQueue
from market.model.network import Constant, LinkConditions, Links, NetworkRules, Outage
from tests.broker.networks import a_to_b, link, network
from tests.sampling import law


def test_bandwidth_is_eight_bits_a_byte_and_one_message_at_a_time() -> None:
    conditions = link(LinkConditions(Constant(0.05), bandwidth_bit_per_s=64_000))
    queue = LinkQueue()
    sent = [(0.0, 1000), (0.0, 500), (0.1, 1000), (1.0, 2000)]  # 0.125, 0.0625, 0.125 and 0.25 s on the link
    arrivals_s = [
        conditions.journey(a_to_b(seq), sent_s, size, queue).arrivals_s[0]
        for seq, (sent_s, size) in enumerate(sent)
    ]
    assert arrivals_s == pytest.approx([0.175, 0.2375, 0.3625, 1.3])
    assert conditions.journey(AttemptKey(1, "A", "C", 1), 0.0, 1000, queue).arrivals_s == pytest.approx((0.175,))
    assert conditions.attempt(a_to_b(9), 0.0, 1000, LinkQueue()).delays_s == pytest.approx((0.175,))
    assert conditions.attempt(a_to_b(9), 0.0, 1000).delays_s == pytest.approx((0.175,))
    assert conditions.attempt(a_to_b(9), 0.0, 1000).link_s == pytest.approx(0.125)


def test_an_attempt_made_later_leaves_the_link_to_others_until_then() -> None:
    rules = NetworkRules(every=LinkConditions(bandwidth_bit_per_s=8000), outages=(Outage(Links(), 0.0, 0.15),))
    conditions, queue = network(rules), LinkQueue()
    first = conditions.journey(a_to_b(1), 0.0, 100, queue)  # on the link 0 to 0.1, lost; again 0.3 to 0.4
    second = conditions.journey(a_to_b(2), 0.1, 150, queue)  # 0.1 to 0.25
    third = conditions.journey(a_to_b(3), 0.26, 100, queue)  # no room before 0.3: 0.4 to 0.5
    assert first.arrivals_s == pytest.approx((0.4,))
    assert second.arrivals_s == pytest.approx((0.25,))
    assert third.arrivals_s == pytest.approx((0.5,))


@law(200)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 8)), max_size=25))
def test_a_link_carries_one_message_at_a_time_and_is_not_idle_for_nothing(asked: list[tuple[int, int]]) -> None:
    """Against a table of unit slots: each message takes the first run of free slots."""
    queue, taken = LinkQueue(), set[int]()
    for ready, duration in asked:
        start = ready
        while any(slot in taken for slot in range(start, start + duration)) or (
            duration == 0 and _inside(start, taken)
        ):
            start += 1
        taken |= set(range(start, start + duration))
        assert queue.depart_s("A", "B", float(ready), float(duration)) == start + duration


def _inside(moment: int, taken: set[int]) -> bool:
    """Whether a moment lies strictly inside a span that is taken; spans that touch are one."""
    return moment in taken and moment - 1 in taken


def test_a_link_is_idle_where_nothing_is_on_it() -> None:
    queue = LinkQueue()
    queue.depart_s("A", "B", 1.0, 1.0)
    queue.depart_s("A", "B", 2.0, 0.5)
    queue.depart_s("A", "B", 4.0, 1.0)
    moments = (0.5, 1.0, 2.0, 2.4, 2.5, 3.9, 4.5, 5.0)
    assert [queue.idle_s("A", "B", now_s) for now_s in moments] == [0.5, 2.5, 2.5, 2.5, 2.5, 3.9, 5.0, 5.0]
    assert queue.idle_s("B", "A", 1.5) == 1.5
