"""The schedule of who cannot steer its output but knows how it may come out: the newsvendor's, (M19)."""

from __future__ import annotations

import numpy as np

from market.errors import ModelError
from market.model.arrays import Array


def newsvendor_quantile(price_cny_per_mwh: Array, short_cny_per_mwh: Array, long_cny_per_mwh: Array) -> Array:
    """The share of all outcomes below which the best schedule lies, shape (periods,), (M19).

        (β − β⁻) / (β⁺ − β⁻)

    β is what scheduled energy earns, β⁺ what energy that is short costs, β⁻ what energy that is long earns. It is
    the critical ratio of the newsvendor: Pinson, Chevallier, Kariniotakis, Trading wind generation from short-term
    probabilistic forecasts of wind power, IEEE Transactions on Power Systems 22 (2007). Where all three are one it
    does not matter, and is 1/2. ModelError unless β⁻ ≤ β ≤ β⁺.

    >>> newsvendor_quantile(np.array([300.0]), np.array([600.0]), np.array([240.0])).round(4).tolist()
    [0.1667]
    """
    price, short, long = np.broadcast_arrays(price_cny_per_mwh, short_cny_per_mwh, long_cny_per_mwh)
    if ((price > short) | (price < long)).any():
        t = int(np.argmax((price > short) | (price < long)))
        raise ModelError(
            "the price of scheduled energy must lie between those of imbalance; got "
            f"{price.flat[t]:g} outside {long.flat[t]:g} … {short.flat[t]:g} CNY/MWh in period {t + 1}"
        )
    spread = short - long
    ratio: Array = np.where(spread > 0.0, (price - long) / np.where(spread > 0.0, spread, 1.0), 0.5)
    return ratio


def newsvendor_schedule_mw(outcomes_mw: Array, quantile: Array) -> Array:
    """What to schedule of outcomes that are equally likely, shape (periods,): the least that reaches the quantile.

    outcomes_mw : shape (scenarios, periods)

    >>> newsvendor_schedule_mw(np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([0.5])).tolist()
    [2.0]
    """
    ranked = np.sort(outcomes_mw, axis=0)
    count = len(ranked)
    place = np.clip(np.ceil(quantile * count - 1e-9).astype(int) - 1, 0, count - 1)
    chosen: Array = ranked[place, np.arange(ranked.shape[1])]
    return chosen


def expected_revenue_cny(
    schedule_mw: Array,
    outcomes_mw: Array,
    price_cny_per_mwh: Array,
    short_cny_per_mwh: Array,
    long_cny_per_mwh: Array,
    period_h: float,
) -> float:
    """The mean over all outcomes of what a schedule earns, imbalance settled at two prices.

    outcomes_mw : shape (scenarios, periods); all else of shape (periods,)
    """
    over = outcomes_mw - schedule_mw
    settled = np.where(over > 0.0, long_cny_per_mwh, short_cny_per_mwh) * over
    return float((price_cny_per_mwh * schedule_mw + settled).sum(axis=1).mean()) * period_h
