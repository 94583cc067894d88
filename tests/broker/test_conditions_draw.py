"""Claims: a draw depends on the seed and on which attempt of which message it is for, and on nothing else; so does
what the network does to a message, in whatever order it is asked.

Statistics are over fixed draws, so a test that passes always passes; tolerances are four standard errors.
"""

from __future__ import annotations

import math
from hashlib import blake2b
from random import Random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.network import Attempt, AttemptKey, RandomStream, Transmission, draw
from tests.broker.networks import COUNT, EVERYTHING, network
from tests.sampling import law


def test_a_draw_is_the_hash_that_is_written_down() -> None:
    """Another value here would be another tape for every seed."""
    digest = blake2b(b"7|1|A|B|12|3|latency", digest_size=8).digest()
    number = int.from_bytes(digest, "big") >> 12
    assert draw(7, 1, "A", "B", 12, 3, RandomStream.LATENCY) == (number + 0.5) / 2**52


def test_every_part_of_the_key_counts() -> None:
    one = (7, 1, "A", "B", 12, 3, RandomStream.LATENCY)
    others = (8, 2, "B", "C", 13, 4, RandomStream.JITTER)
    changed = [draw(*(*one[:at], others[at], *one[at + 1 :])) for at in range(len(one))]  # type: ignore[arg-type]
    assert len({draw(*one), *changed}) == 8
    assert draw(7, 1, "B", "A", 12, 3, RandomStream.LATENCY) != draw(*one)


def test_draws_are_even_and_unrelated() -> None:
    one = [draw(3, 1, "A", "B", seq, 1, RandomStream.LATENCY) for seq in range(COUNT)]
    next_one = one[1:] + one[:1]
    other = [draw(3, 1, "A", "B", seq, 1, RandomStream.JITTER) for seq in range(COUNT)]
    assert fmean(one) == pytest.approx(0.5, abs=4 * math.sqrt(1 / 12 / COUNT))
    for second in (next_one, other):
        product = fmean((x - 0.5) * (y - 0.5) for x, y in zip(one, second, strict=True))
        assert abs(product) < 4 / 12 / math.sqrt(COUNT)
    largest_gap = max(abs((rank + 0.5) / COUNT - value) for rank, value in enumerate(sorted(one)))
    assert largest_gap < 1.95 / math.sqrt(COUNT)  # Kolmogorov and Smirnov, one in a thousand
    assert 0.0 < min(one) < max(one) < 1.0


@law(50)
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
    def answers(order: list[int]) -> dict[int, tuple[Attempt, Transmission]]:
        conditions, found = network(EVERYTHING), {}
        for index in order:
            ends, seq, attempt, sent_s = asked[index]
            transit = AttemptKey(2, ends[0], ends[1], seq, attempt)
            found[index] = (conditions.attempt(transit, sent_s), conditions.journey(transit, sent_s))
        return found

    order = list(range(len(asked)))
    straight = answers(order)
    shuffle.shuffle(order)
    assert answers(order) == straight


def test_another_seed_or_epoch_is_another_network() -> None:
    def arrivals(seed: int, epoch: int) -> list[Transmission]:
        conditions = network(EVERYTHING, seed)
        return [conditions.journey(AttemptKey(epoch, "A", "B", seq), 0.0) for seq in range(20)]

    assert arrivals(1, 1) == arrivals(1, 1)
    assert len({tuple(arrivals(seed, epoch)) for seed in (1, 2) for epoch in (1, 2)}) == 4
