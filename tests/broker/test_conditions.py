"""Claims: jitter, reordering, duplication, loss, outages and partitions do to a message what they say, on the
links that they name and in their windows; virtual time sums up what wall time would have met.

Statistics are over fixed draws, so a test that passes always passes; tolerances are four standard errors.
"""

from __future__ import annotations

import math
from collections import Counter
from statistics import fmean

import pytest

from broker.network import Attempt, AttemptKey, Conditions, Transmission
from market.model.network import (
    Constant,
    LinkConditions,
    LinkOverride,
    Links,
    NetworkRules,
    NodeCompute,
    Outage,
    Partition,
    Retransmission,
    Uniform,
)
from tests.broker.networks import COUNT, EVERYTHING, VPPS, a_to_b, delays_s, link, network

# --- jitter, reordering, duplication, loss ---


def test_jitter_is_even_and_comes_on_top() -> None:
    drawn = delays_s(link(LinkConditions(Constant(0.05), jitter_s=0.02)))
    assert 0.05 <= min(drawn) < 0.0501
    assert 0.0699 < max(drawn) <= 0.07
    assert fmean(drawn) == pytest.approx(0.06, abs=4 * 0.02 / math.sqrt(12 * COUNT))


def test_reordering_holds_back_the_share_it_says() -> None:
    drawn = Counter(delays_s(link(LinkConditions(Constant(0.05), reordering=0.1, reordering_s=0.2))))
    assert set(drawn) == {0.05, 0.25}
    assert drawn[0.25] / COUNT == pytest.approx(0.1, abs=4 * math.sqrt(0.09 / COUNT))


def test_duplication_brings_a_copy_with_a_delay_of_its_own() -> None:
    conditions = link(LinkConditions(Uniform(0.0, 1.0), duplication=0.1))
    attempts = [conditions.attempt(a_to_b(seq), 0.0) for seq in range(COUNT)]
    copies = [attempt.delays_s for attempt in attempts if len(attempt.delays_s) == 2]
    assert {len(attempt.delays_s) for attempt in attempts} == {1, 2}
    assert len(copies) / COUNT == pytest.approx(0.1, abs=4 * math.sqrt(0.09 / COUNT))
    assert fmean(copy for _, copy in copies) == pytest.approx(0.5, abs=4 / math.sqrt(12 * len(copies)))
    ahead = sum(copy < original for original, copy in copies) / len(copies)
    assert ahead == pytest.approx(0.5, abs=4 * 0.5 / math.sqrt(len(copies)))
    doubled = next(seq for seq in range(COUNT) if len(attempts[seq].delays_s) == 2)
    assert conditions.journey(a_to_b(doubled), 3.0).arrivals_s == tuple(
        sorted(3.0 + delay for delay in attempts[doubled].delays_s)
    )


@pytest.mark.parametrize("loss", [0.02, 0.2, 0.4])
def test_attempts_are_lost_as_often_as_it_says_and_journeys_pay_for_it(loss: float) -> None:
    conditions = link(LinkConditions(Constant(0.05), loss=loss))
    attempts = [conditions.attempt(a_to_b(seq), 0.0) for seq in range(COUNT)]
    lost = [attempt for attempt in attempts if attempt.lost_by]
    assert set(lost) == {Attempt((), "loss")}
    assert len(lost) / COUNT == pytest.approx(loss, abs=4 * math.sqrt(loss * (1 - loss) / COUNT))
    journeys = [conditions.journey(a_to_b(seq), 1.0) for seq in range(COUNT)]
    again = Retransmission()
    for count in range(4):  # the number of lost attempts is geometric, and each costs its wait
        expected = loss**count * (1 - loss)
        mine = [journey for journey in journeys if journey.lost_attempts == count]
        assert len(mine) / COUNT == pytest.approx(expected, abs=4 * math.sqrt(expected / COUNT))
        arrival_s = 1.0 + sum(again.wait_s(attempt) for attempt in range(1, count + 1)) + 0.05
        for journey in mine:
            assert journey.arrivals_s == pytest.approx((arrival_s,))


def test_a_journey_is_made_of_the_attempts_of_wall_time() -> None:
    """The same draws: what virtual time sums up is what wall time would have met."""
    conditions = network(EVERYTHING)
    again = EVERYTHING.retransmission
    for seq in range(300):
        sent_s, attempt = 1.5 + seq / 100, 1
        while (tried := conditions.attempt(a_to_b(seq, attempt), sent_s)).lost_by:
            sent_s += again.wait_s(attempt)
            attempt += 1
        arrivals_s = tuple(sorted(sent_s + delay for delay in tried.delays_s))
        assert conditions.journey(a_to_b(seq), 1.5 + seq / 100) == Transmission(arrivals_s, attempt - 1, None)


def test_the_perfect_network_takes_no_time() -> None:
    assert network().journey(a_to_b(), 3.0, 10**6) == Transmission((3.0,), 0, None)
    assert network().attempt(a_to_b(), 3.0) == Attempt((0.0,), None)
    assert (network().smallest_s, network().compute_s("A")) == (0.0, 0.0)


# --- retransmission ---


def test_waits_grow_up_to_the_longest() -> None:
    waits = [Retransmission().wait_s(attempt) for attempt in range(1, 9)]
    assert waits == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0])
    assert Retransmission(backoff=1.0).wait_s(10**9) == 0.2
    assert Retransmission(backoff=100.0).wait_s(10**9) == 5.0
    assert Retransmission(after_s=5.0).wait_s(3) == 5.0


# --- outages and partitions ---


@pytest.mark.parametrize(
    ("sent_s", "through"), [(1.999999, True), (2.0, False), (11.999999, False), (12.0, True), (100.0, True)]
)
def test_an_outage_takes_what_is_sent_from_its_start_to_before_its_end(sent_s: float, through: bool) -> None:
    conditions = network(NetworkRules(outages=(Outage(Links("A", "B"), 2.0, 12.0),)))
    assert (conditions.attempt(a_to_b(), sent_s).lost_by is None) == through
    assert conditions.attempt(AttemptKey(1, "B", "A", 1), sent_s).lost_by is None
    assert conditions.attempt(AttemptKey(1, "A", "C", 1), sent_s).lost_by is None


def test_a_message_waits_out_an_outage() -> None:
    conditions = network(
        NetworkRules(every=LinkConditions(Constant(0.05)), outages=(Outage(Links(vpp="B"), 0.0, 1.0),))
    )
    journey = conditions.journey(a_to_b(), 0.0)  # tried at 0, 0.2, 0.6 and 1.4
    assert journey.arrivals_s == pytest.approx((1.45,))
    assert (journey.lost_attempts, journey.blocked_by) == (3, None)
    back = conditions.journey(AttemptKey(1, "B", "C", 1), 0.5)  # tried at 0.5, 0.7, 1.1
    assert back.arrivals_s == pytest.approx((1.15,))
    assert conditions.journey(AttemptKey(1, "A", "C", 1), 0.0).arrivals_s == (0.05,)


def test_what_is_on_its_way_when_an_outage_begins_arrives() -> None:
    conditions = network(
        NetworkRules(every=LinkConditions(Constant(5.0)), outages=(Outage(Links("A", "B"), 2.0, 12.0),))
    )
    assert conditions.journey(a_to_b(), 1.9).arrivals_s == (6.9,)


def test_a_partition_keeps_groups_apart_and_nobody_else() -> None:
    rules = NetworkRules(partitions=(Partition((("A",), ("B", "D")), 1.0, 9.0),))
    conditions = Conditions(rules, ("A", "B", "C", "D"), 7)

    def through(ends: str, sent_s: float) -> bool:
        return conditions.attempt(AttemptKey(1, ends[0], ends[1], 1), sent_s).lost_by is None

    assert [through(ends, 5.0) for ends in ("AB", "BA", "AD", "BD", "DB", "AC", "CA", "CD")] == [
        False, False, False, True, True, True, True, True
    ]  # fmt: skip
    assert [through("AB", sent_s) for sent_s in (0.999, 1.0, 8.999, 9.0)] == [True, False, False, True]


def test_a_partition_that_never_heals_makes_a_message_undeliverable() -> None:
    rules = NetworkRules(
        partitions=(Partition((("A",), ("B", "C")), 1.0, None),),
        retransmission=Retransmission(give_up_after_s=1.0),
    )
    journey = network(rules).journey(a_to_b(), 2.0)  # tried at 2.0, 2.2 and 2.6; 3.4 is too late
    assert journey == Transmission((), 3, "partition A / B, C from 1 s on")
    assert network(rules).journey(a_to_b(), 0.5) == Transmission((0.5,), 0, None)
    outage = NetworkRules(outages=(Outage(Links(receiver="B"), 0.0, 50.0),), retransmission=rules.retransmission)
    assert network(outage).journey(a_to_b(), 2.0).blocked_by == "outage of all to B from 0 s to 50 s"


def test_giving_up_counts_from_the_first_attempt_and_includes_its_limit() -> None:
    def journey(give_up_after_s: float) -> Transmission:
        again = Retransmission(after_s=0.25, backoff=2.0, max_s=8.0, give_up_after_s=give_up_after_s)
        return network(NetworkRules(outages=(Outage(Links(), 0.0, 0.75),), retransmission=again)).journey(
            a_to_b(), 0.0
        )

    assert journey(0.75) == Transmission((0.75,), 2, None)  # tried at 0, 0.25 and 0.75
    assert journey(0.7499).arrivals_s == ()


# --- which link ---


def test_later_overrides_win_field_by_field() -> None:
    rules = NetworkRules(
        every=LinkConditions(Constant(1.0), loss=0.1),
        links=(
            LinkOverride(Links(sender="A"), latency=Constant(2.0), jitter_s=0.5),
            LinkOverride(Links(vpp="B"), latency=Constant(3.0)),
            LinkOverride(Links("A", "B"), loss=0.0),
            LinkOverride(Links(receiver="C"), latency=Constant(0.5), loss=0.0, jitter_s=0.0),
        ),
    )
    conditions = network(rules)

    def latency(ends: str) -> set[int]:
        tried = (conditions.attempt(AttemptKey(1, ends[0], ends[1], seq), 0.0) for seq in range(200))
        return {int(attempt.delays_s[0] * 10) if attempt.delays_s else -1 for attempt in tried}

    assert latency("AB") == {30, 31, 32, 33, 34}  # its latency, its jitter, and no loss
    assert latency("BA") == {30, -1}
    assert latency("AC") == {5}
    assert latency("BC") == {5}
    assert latency("CA") == {10, -1}
    assert conditions.smallest_s == 0.5


def test_the_look_ahead_is_that_of_links_that_there_are() -> None:
    one = NetworkRules(LinkConditions(Constant(0.05)), (LinkOverride(Links(vpp="C"), latency=Constant(2.0)),))
    assert network(one).smallest_s == 0.05
    assert Conditions(one, ("A", "C"), 7).smallest_s == 2.0
    assert Conditions(one, ("A",), 7).smallest_s == 0.05


def test_compute_time_is_that_of_all_or_of_one() -> None:
    conditions = network(NetworkRules(compute_s=0.02, compute=(NodeCompute("B", 0.2),)))
    assert [conditions.compute_s(vpp) for vpp in VPPS] == [0.02, 0.2, 0.02]
