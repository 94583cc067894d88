"""Distributions of latency: their lower bounds and their inverse distribution functions."""

from __future__ import annotations

import math
from statistics import NormalDist

from market.model.network import Constant, Empirical, Latency, Lognormal, Normal, Uniform

_CUT = 3.0  # deviations
_STANDARD = NormalDist()
_CUT_SHARE = _STANDARD.cdf(-_CUT)


def smallest_latency_s(latency: Latency) -> float:
    """The lower bound of a latency, seconds; what `latency_s` returns is never below it."""
    match latency:
        case Constant(value_s):
            return value_s
        case Uniform(low_s, _):
            return low_s
        case Normal(mean_s, deviation_s):
            return max(0.0, mean_s - _CUT * deviation_s)
        case Lognormal(median_s, sigma):
            return median_s * math.exp(-_CUT * sigma)
        case Empirical(samples_s):
            return samples_s[0]


def latency_s(latency: Latency, share: float) -> float:
    """The latency, seconds, below which lies the given share (0 < share < 1) of all: the inverse distribution."""
    match latency:
        case Constant(value_s):
            return value_s
        case Uniform(low_s, high_s):
            return min(low_s + share * (high_s - low_s), high_s)
        case Normal(mean_s, deviation_s):
            return _truncated_normal_s(mean_s, deviation_s, share)
        case Lognormal(median_s, sigma):
            score = _STANDARD.inv_cdf(_CUT_SHARE + share * (1.0 - 2.0 * _CUT_SHARE))
            return max(smallest_latency_s(latency), median_s * math.exp(sigma * min(score, _CUT)))
        case Empirical(samples_s):
            return samples_s[int(share * len(samples_s))]


def _truncated_normal_s(mean_s: float, deviation_s: float, share: float) -> float:
    if deviation_s == 0.0:
        return mean_s
    low_score = max(-_CUT, -mean_s / deviation_s)
    low_share = _STANDARD.cdf(low_score)
    score = _STANDARD.inv_cdf(low_share + share * (1.0 - _CUT_SHARE - low_share))
    smallest_s = max(0.0, mean_s - _CUT * deviation_s)
    return max(smallest_s, mean_s + deviation_s * min(score, _CUT))
