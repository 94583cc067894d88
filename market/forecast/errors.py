"""Simple models of forecasts: perfect, yesterday's values, and noise with a seed, all of them pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

import numpy as np

from market.model.arrays import Array
from market.model.parameter import parameter

_BITS = 52  # of a double's 53: n + 1/2 is exact, so that neither 0 nor 1 can come out


class ForecastModel(StrEnum):
    """How a forecast comes of what is realised, or the other way round."""

    PERFECT = "perfect"  # all comes as expected
    PERSISTENCE = "persistence"  # what was 24 hours before is expected
    NOISE = "noise"  # a relative error, drawn from a seed


class GivenSeries(StrEnum):
    """What the series of a scenario are."""

    REALITY = "reality"  # the forecast is made of them
    FORECAST = "forecast"  # reality is


@dataclass(frozen=True, slots=True)
class ForecastErrors:
    """How forecast and reality differ where a scenario gives only one of them, (M18)."""

    model: ForecastModel = parameter(
        "",
        "How forecasts come about: perfect; persistence, the value 24 hours before; noise, a relative error drawn "
        "from a seed",
        default=ForecastModel.PERFECT,
    )
    given: GivenSeries = parameter(
        "",
        "What the series are: reality, of which the forecast is made, or the forecast, of which reality is",
        default=GivenSeries.REALITY,
    )
    noise_share: float = parameter(
        "share", "Standard deviation of the relative error", symbol="σ", default=0.1, ge=0, le=10
    )
    noise_correlation: float = parameter(
        "1", "Correlation of the errors of two moments an hour apart", symbol="ρ", default=0.8, ge=0, le=0.999999
    )
    noise_seed: int = parameter("1", "Seed of the noise", default=0, ge=0, le=2**53)


def noisy(values: Array, share: float, correlation: float, period_h: float, seed: int, name: str) -> Array:
    """Values with a relative error each, shape (periods,), (M18); no value changes its sign.

        x_t max(0, 1 + e_t),  e_t = ρ' e_{t−1} + √(1 − ρ'²) σ n_t,  ρ' = ρ^Δt,  e_1 = σ n_1,  n standard normal

    The usual autoregressive error of first order of forecasts of wind and load, such as in Söder, Simulation of
    wind speed forecast errors for operation planning of multi-area power systems, PMAPS 2004. n is drawn from the
    seed and the series' name, so that each series has an error of its own whatever others there are.

    >>> noisy(np.array([2.0, 2.0]), 0.0, 0.8, 1.0, 7, "A_wt_mw").tolist()
    [2.0, 2.0]
    """
    keep = correlation**period_h
    fresh = np.sqrt(1.0 - keep * keep)
    drawn = share * standard_normal(len(values), seed, name)
    errors = np.zeros(len(values))
    for t, each in enumerate(drawn.tolist()):
        errors[t] = keep * errors[t - 1] + fresh * each if t else each
    return values * np.maximum(1.0 + errors, 0.0)


def standard_normal(count: int, seed: int, name: str) -> Array:
    """Independent draws of the standard normal distribution, fixed for each seed and name, shape (count,).

    By Box and Muller, A note on the generation of random normal deviates, Annals of Mathematical Statistics 29
    (1958), of uniform numbers that are hashes.
    """
    pairs = (count + 1) // 2
    first, second = (np.array([_uniform(f"{seed}|{name}|{at}|{way}") for at in range(pairs)]) for way in "rp")
    radius = np.sqrt(-2.0 * np.log(first))
    both = np.stack([radius * np.cos(2.0 * np.pi * second), radius * np.sin(2.0 * np.pi * second)], axis=1)
    drawn: Array = both.ravel()[:count]
    return drawn


def _uniform(key: str) -> float:
    """A number strictly between 0 and 1."""
    number = int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big") >> (64 - _BITS)
    return (number + 0.5) / (1 << _BITS)
