"""Claims: what a network does to a message depends on the seed and on which attempt of which message it is, and on
nothing else; every condition has the distribution, the bounds and the windows that it says it has.

Statistics are over fixed draws, so a test that passes always passes; tolerances are four standard errors.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from hashlib import blake2b
from random import Random
from statistics import NormalDist, fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.conditions import Attempt, Conditions, Journey, LinkQueue, Transit, What, draw
from broker.conditions.latency import latency_s, smallest_latency_s
from market.network import (
    Constant,
    Empirical,
    Latency,
    LinkConditions,
    LinkOverride,
    Links,
    Lognormal,
    NetworkRules,
    NodeCompute,
    Normal,
    Outage,
    Partition,
    Retransmission,
    Uniform,
)

VPPS = ("A", "B", "C")
COUNT = 10_000
PHI = NormalDist()
KEPT = 1.0 - 2.0 * PHI.cdf(-3.0)  # the share of a normal distribution within three deviations


def network(rules: NetworkRules | None = None, seed: int = 7) -> Conditions:
    return Conditions(rules or NetworkRules(), VPPS, seed)


def link(conditions: LinkConditions, seed: int = 7) -> Conditions:
    """The same conditions everywhere."""
    return network(NetworkRules(every=conditions), seed)


def a_to_b(seq: int = 1, attempt: int = 1) -> Transit:
    return Transit(1, "A", "B", seq, attempt)


def delays_s(conditions: Conditions) -> list[float]:
    """Delays of the first arrivals of many messages."""
    return [conditions.attempt(a_to_b(seq), 0.0).delays_s[0] for seq in range(COUNT)]


# --- draws ---


def test_a_draw_is_the_hash_that_is_written_down() -> None:
    """Another value here would be another tape for every seed."""
    digest = blake2b(b"7|1|A|B|12|3|latency", digest_size=8).digest()
    number = int.from_bytes(digest, "big") >> 12
    assert draw(7, 1, "A", "B", 12, 3, What.LATENCY) == (number + 0.5) / 2**52


def test_every_part_of_the_key_counts() -> None:
    one = (7, 1, "A", "B", 12, 3, What.LATENCY)
    others = (8, 2, "B", "C", 13, 4, What.JITTER)
    changed = [draw(*(*one[:at], others[at], *one[at + 1 :])) for at in range(len(one))]  # type: ignore[arg-type]
    assert len({draw(*one), *changed}) == 8
    assert draw(7, 1, "B", "A", 12, 3, What.LATENCY) != draw(*one)


def test_draws_are_even_and_unrelated() -> None:
    one = [draw(3, 1, "A", "B", seq, 1, What.LATENCY) for seq in range(COUNT)]
    next_one = one[1:] + one[:1]
    other = [draw(3, 1, "A", "B", seq, 1, What.JITTER) for seq in range(COUNT)]
    assert fmean(one) == pytest.approx(0.5, abs=4 * math.sqrt(1 / 12 / COUNT))
    for second in (next_one, other):
        product = fmean((x - 0.5) * (y - 0.5) for x, y in zip(one, second, strict=True))
        assert abs(product) < 4 / 12 / math.sqrt(COUNT)
    largest_gap = max(abs((rank + 0.5) / COUNT - value) for rank, value in enumerate(sorted(one)))
    assert largest_gap < 1.95 / math.sqrt(COUNT)  # Kolmogorov and Smirnov, one in a thousand
    assert 0.0 < min(one) < max(one) < 1.0


EVERYTHING = NetworkRules(
    every=LinkConditions(Lognormal(0.05, 1.0), 0.03, 0.3, 0.2, 0.2, 0.4),
    links=(LinkOverride(Links(vpp="C"), latency=Normal(0.5, 0.1), loss=0.5),),
    outages=(Outage(Links(sender="A"), 2.0, 4.0),),
    partitions=(Partition((("A", "B"), ("C",)), 5.0, 6.0),),
)


@settings(max_examples=50, derandomize=True, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["AB", "BA", "AC", "CB"]), st.integers(1, 50), st.integers(1, 4), st.floats(0, 10)
        ),
        max_size=20,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_asking_does_not_matter(asked: list[tuple[str, int, int, float]], shuffle: Random) -> None:
    def answers(order: list[int]) -> dict[int, tuple[Attempt, Journey]]:
        conditions, found = network(EVERYTHING), {}
        for index in order:
            ends, seq, attempt, sent_s = asked[index]
            transit = Transit(2, ends[0], ends[1], seq, attempt)
            found[index] = (conditions.attempt(transit, sent_s), conditions.journey(transit, sent_s))
        return found

    order = list(range(len(asked)))
    straight = answers(order)
    shuffle.shuffle(order)
    assert answers(order) == straight


def test_another_seed_or_epoch_is_another_network() -> None:
    def arrivals(seed: int, epoch: int) -> list[Journey]:
        conditions = network(EVERYTHING, seed)
        return [conditions.journey(Transit(epoch, "A", "B", seq), 0.0) for seq in range(20)]

    assert arrivals(1, 1) == arrivals(1, 1)
    assert len({tuple(arrivals(seed, epoch)) for seed in (1, 2) for epoch in (1, 2)}) == 4


# --- latency ---


def _normal_moments() -> tuple[float, float]:
    """Mean and deviation of normal(50 ms, 10 ms) within three deviations."""
    return 0.05, 0.01 * math.sqrt(1 - 6 * PHI.pdf(3.0) / KEPT)


def _lognormal_moments(median_s: float, sigma: float) -> tuple[float, float]:
    def moment(power: int) -> float:
        share = (PHI.cdf(3.0 - power * sigma) - PHI.cdf(-3.0 - power * sigma)) / KEPT
        return median_s**power * math.exp((power * sigma) ** 2 / 2) * share

    return moment(1), math.sqrt(moment(2) - moment(1) ** 2)


def _half_normal_moments() -> tuple[float, float]:
    """Mean and deviation of normal(0, 10 ms) cut at 0 and at three deviations."""
    kept = KEPT / 2
    mean = (PHI.pdf(0.0) - PHI.pdf(3.0)) / kept
    return 0.01 * mean, 0.01 * math.sqrt(1 - 3 * PHI.pdf(3.0) / kept - mean**2)


@pytest.mark.parametrize(
    ("latency", "mean_s", "deviation_s", "low_s", "high_s"),
    [
        (Uniform(0.01, 0.09), 0.05, 0.08 / math.sqrt(12), 0.01, 0.09),
        (Normal(0.05, 0.01), *_normal_moments(), 0.02, 0.08),
        (Normal(0.0, 0.01), *_half_normal_moments(), 0.0, 0.03),
        (Lognormal(0.05, 0.5), *_lognormal_moments(0.05, 0.5), 0.05 * math.exp(-1.5), 0.05 * math.exp(1.5)),
        (Lognormal(0.05, 1.0), *_lognormal_moments(0.05, 1.0), 0.05 * math.exp(-3), 0.05 * math.exp(3)),
        (Empirical((0.01, 0.02, 0.02, 0.07)), 0.03, math.sqrt(0.00055), 0.01, 0.07),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, float) else "",
)
def test_latency_has_its_mean_its_spread_and_its_bounds(
    latency: Latency, mean_s: float, deviation_s: float, low_s: float, high_s: float
) -> None:
    conditions = link(LinkConditions(latency))
    drawn = delays_s(conditions)
    assert fmean(drawn) == pytest.approx(mean_s, abs=4 * deviation_s / math.sqrt(COUNT))
    spread = math.sqrt(fmean((delay - mean_s) ** 2 for delay in drawn))
    assert spread == pytest.approx(deviation_s, rel=0.08)
    assert conditions.smallest_s == pytest.approx(low_s, rel=1e-12)
    assert conditions.smallest_s <= min(drawn) < low_s + 0.2 * deviation_s + 1e-12
    assert max(drawn) <= high_s * (1 + 1e-12)


@pytest.mark.parametrize(
    ("latency", "quantile"),
    [
        (Uniform(0.01, 0.09), lambda share: 0.01 + 0.08 * share),
        (Normal(0.05, 0.01), lambda share: 0.05 + 0.01 * PHI.inv_cdf(PHI.cdf(-3) + KEPT * share)),
        (Lognormal(0.05, 1.0), lambda share: 0.05 * math.exp(PHI.inv_cdf(PHI.cdf(-3) + KEPT * share))),
        (Constant(0.05), lambda share: 0.05),
    ],
    ids=["uniform", "normal", "lognormal", "constant"],
)
def test_quantiles_are_those_of_the_distribution(latency: Latency, quantile: Callable[[float], float]) -> None:
    drawn = sorted(delays_s(link(LinkConditions(latency))))
    for share in (0.05, 0.25, 0.5, 0.75, 0.95):
        error = 4 * math.sqrt(share * (1 - share) / COUNT)
        low_s, high_s = quantile(share - error), quantile(share + error)
        assert low_s <= drawn[int(share * COUNT)] <= high_s


def test_truncation_spreads_the_tails_over_the_rest_and_heaps_nothing_on_the_bounds() -> None:
    """At the edges the inverse distribution reaches its bounds with the slope of the truncated density."""
    step = 1e-6
    slope = KEPT / PHI.pdf(3.0)  # deviations a share
    scores: list[tuple[Latency, Callable[[float], float]]] = [
        (Normal(1.0, 0.1), lambda delay_s: (delay_s - 1.0) / 0.1),
        (Lognormal(1.0, 0.5), lambda delay_s: math.log(delay_s) / 0.5),
    ]
    for latency, score in scores:
        assert score(latency_s(latency, step)) + 3.0 == pytest.approx(slope * step, rel=0.01)
        assert score(latency_s(latency, 2 * step)) + 3.0 == pytest.approx(slope * 2 * step, rel=0.01)
        assert 3.0 - score(latency_s(latency, 1.0 - step)) == pytest.approx(slope * step, rel=0.01)


LATENCIES = st.one_of(
    st.builds(Constant, st.floats(0, 10)),
    st.tuples(st.floats(0, 10), st.floats(0, 10)).map(lambda ends: Uniform(min(ends), max(ends))),
    st.builds(Normal, st.floats(0, 10), st.floats(0, 10)),
    st.builds(Lognormal, st.floats(1e-9, 10), st.floats(0, 5)),
    st.lists(st.floats(0, 10), min_size=1, max_size=9).map(lambda values: Empirical(tuple(sorted(values)))),
)


@settings(max_examples=400, derandomize=True, deadline=None)
@given(LATENCIES, st.floats(2.0**-53, 1 - 2.0**-53), st.floats(2.0**-53, 1 - 2.0**-53))
def test_latency_never_falls_below_its_bound_and_rises_with_the_share(
    latency: Latency, one: float, two: float
) -> None:
    low, high = sorted((one, two))
    assert 0.0 <= smallest_latency_s(latency) <= latency_s(latency, low)
    assert latency_s(latency, low) <= latency_s(latency, high) * (1 + 1e-12) + 1e-15
    assert math.isfinite(latency_s(latency, high))


@settings(max_examples=100, derandomize=True, deadline=None)
@given(LATENCIES, st.floats(0, 1), st.integers(0, 10**9), st.floats(0, 1e5))
def test_nothing_arrives_sooner_than_the_look_ahead(
    latency: Latency, jitter_s: float, seq: int, sent_s: float
) -> None:
    rules = NetworkRules(every=LinkConditions(latency, jitter_s, 0.3, 0.3, 0.3, 0.1, bandwidth_bit_per_s=1e5))
    conditions, queue = network(rules), LinkQueue()
    for _ in range(3):
        journey = conditions.journey(a_to_b(seq), sent_s, 100, queue)
        assert all(arrival_s >= sent_s + conditions.smallest_s for arrival_s in journey.arrivals_s)
        assert all(delay >= conditions.smallest_s for delay in conditions.attempt(a_to_b(seq), sent_s).delays_s)


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
        assert conditions.journey(a_to_b(seq), 1.5 + seq / 100) == Journey(arrivals_s, attempt - 1, None)


def test_the_perfect_network_takes_no_time() -> None:
    assert network().journey(a_to_b(), 3.0, 10**6) == Journey((3.0,), 0, None)
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
    assert conditions.attempt(Transit(1, "B", "A", 1), sent_s).lost_by is None
    assert conditions.attempt(Transit(1, "A", "C", 1), sent_s).lost_by is None


def test_a_message_waits_out_an_outage() -> None:
    conditions = network(
        NetworkRules(every=LinkConditions(Constant(0.05)), outages=(Outage(Links(vpp="B"), 0.0, 1.0),))
    )
    journey = conditions.journey(a_to_b(), 0.0)  # tried at 0, 0.2, 0.6 and 1.4
    assert journey.arrivals_s == pytest.approx((1.45,))
    assert (journey.lost_attempts, journey.blocked_by) == (3, None)
    back = conditions.journey(Transit(1, "B", "C", 1), 0.5)  # tried at 0.5, 0.7, 1.1
    assert back.arrivals_s == pytest.approx((1.15,))
    assert conditions.journey(Transit(1, "A", "C", 1), 0.0).arrivals_s == (0.05,)


def test_what_is_on_its_way_when_an_outage_begins_arrives() -> None:
    conditions = network(
        NetworkRules(every=LinkConditions(Constant(5.0)), outages=(Outage(Links("A", "B"), 2.0, 12.0),))
    )
    assert conditions.journey(a_to_b(), 1.9).arrivals_s == (6.9,)


def test_a_partition_keeps_groups_apart_and_nobody_else() -> None:
    rules = NetworkRules(partitions=(Partition((("A",), ("B", "D")), 1.0, 9.0),))
    conditions = Conditions(rules, ("A", "B", "C", "D"), 7)

    def through(ends: str, sent_s: float) -> bool:
        return conditions.attempt(Transit(1, ends[0], ends[1], 1), sent_s).lost_by is None

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
    assert journey == Journey((), 3, "partition A / B, C from 1 s on")
    assert network(rules).journey(a_to_b(), 0.5) == Journey((0.5,), 0, None)
    outage = NetworkRules(outages=(Outage(Links(receiver="B"), 0.0, 50.0),), retransmission=rules.retransmission)
    assert network(outage).journey(a_to_b(), 2.0).blocked_by == "outage of all to B from 0 s to 50 s"


def test_giving_up_counts_from_the_first_attempt_and_includes_its_limit() -> None:
    def journey(give_up_after_s: float) -> Journey:
        again = Retransmission(after_s=0.25, backoff=2.0, max_s=8.0, give_up_after_s=give_up_after_s)
        return network(NetworkRules(outages=(Outage(Links(), 0.0, 0.75),), retransmission=again)).journey(
            a_to_b(), 0.0
        )

    assert journey(0.75) == Journey((0.75,), 2, None)  # tried at 0, 0.25 and 0.75
    assert journey(0.7499).arrivals_s == ()


# --- bandwidth ---


def test_bandwidth_is_eight_bits_a_byte_and_one_message_at_a_time() -> None:
    conditions = link(LinkConditions(Constant(0.05), bandwidth_bit_per_s=64_000))
    queue = LinkQueue()
    sent = [(0.0, 1000), (0.0, 500), (0.1, 1000), (1.0, 2000)]  # 0.125, 0.0625, 0.125 and 0.25 s on the link
    arrivals_s = [
        conditions.journey(a_to_b(seq), sent_s, size, queue).arrivals_s[0]
        for seq, (sent_s, size) in enumerate(sent)
    ]
    assert arrivals_s == pytest.approx([0.175, 0.2375, 0.3625, 1.3])
    assert conditions.journey(Transit(1, "A", "C", 1), 0.0, 1000, queue).arrivals_s == pytest.approx((0.175,))
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


@settings(max_examples=200, derandomize=True, deadline=None)
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
        tried = (conditions.attempt(Transit(1, ends[0], ends[1], seq), 0.0) for seq in range(200))
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
