"""Claims: every latency has the distribution and the bounds that it says it has, and nothing arrives sooner.

Statistics are over fixed draws, so a test that passes always passes; tolerances are four standard errors.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist, fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.network import LinkQueue
from broker.network.latency import latency_s, smallest_latency_s
from market.model.network import (
    Constant,
    Empirical,
    Latency,
    LinkConditions,
    Lognormal,
    NetworkRules,
    Normal,
    Uniform,
)
from tests.broker.networks import COUNT, a_to_b, delays_s, link, network
from tests.sampling import law

PHI = NormalDist()
KEPT = 1.0 - 2.0 * PHI.cdf(-3.0)  # the share of a normal distribution within three deviations


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


@law(400)
@given(LATENCIES, st.floats(2.0**-53, 1 - 2.0**-53), st.floats(2.0**-53, 1 - 2.0**-53))
def test_latency_never_falls_below_its_bound_and_rises_with_the_share(
    latency: Latency, one: float, two: float
) -> None:
    low, high = sorted((one, two))
    assert 0.0 <= smallest_latency_s(latency) <= latency_s(latency, low)
    assert latency_s(latency, low) <= latency_s(latency, high) * (1 + 1e-12) + 1e-15
    assert math.isfinite(latency_s(latency, high))


@law(100)
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
