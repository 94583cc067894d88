"""Brings numbers of intervals or instants to the periods of a horizon. Pure functions; times in seconds."""

from __future__ import annotations

import numpy as np

from market.model.arrays import Array


def mean_of_intervals(first_s: float, step_s: float, values: Array, edges_s: Array) -> Array:
    """The mean over each period of numbers that hold on intervals of equal length, shape (periods,).

    first_s : when the first interval begins · edges_s : where the periods begin and end, shape (periods + 1,),
    all of them within the intervals

    >>> mean_of_intervals(0.0, 1800.0, np.array([1.0, 3.0, 5.0, 5.0]), np.array([0.0, 3600.0, 7200.0]))
    array([2., 5.])
    """
    place = (edges_s - first_s) / step_s
    near = np.rint(place)
    per = int(near[1] - near[0])
    if per and np.allclose(place, near, rtol=0.0, atol=1e-6) and np.all(np.diff(near) == per):
        start = int(near[0])
        means: Array = values[start : start + per * (len(edges_s) - 1)].reshape(-1, per).mean(axis=1)
        return means
    total = np.concatenate(([0.0], np.cumsum(values)))
    summed = np.interp(place, np.arange(len(total)), total)
    made: Array = np.diff(summed) / np.diff(place)
    return made


def held(first_s: float, step_s: float, values: Array, edges_s: Array) -> Array:
    """The number that holds as each period begins, shape (periods,). Arguments as above."""
    made: Array = values[np.floor((edges_s[:-1] - first_s) / step_s + 1e-6).astype(int)]
    return made


def mean_of_instants(times_s: Array, values: Array, edges_s: Array) -> Array:
    """The mean over each period of what changes evenly from one instant to the next, shape (periods,).

    Behind the last instant it stays as it is.

    >>> mean_of_instants(np.array([0.0, 60.0, 120.0]), np.array([0.0, 2.0, 2.0]), np.array([0.0, 60.0, 120.0]))
    array([1., 2.])
    """
    if edges_s[-1] > times_s[-1]:
        times_s, values = np.append(times_s, edges_s[-1]), np.append(values, values[-1])
    area = np.concatenate(([0.0], np.cumsum(np.diff(times_s) * (values[1:] + values[:-1]) / 2.0)))
    before = np.clip(np.searchsorted(times_s, edges_s, side="right") - 1, 0, len(times_s) - 1)
    there = np.interp(edges_s, times_s, values)
    summed = area[before] + (edges_s - times_s[before]) * (values[before] + there) / 2.0
    made: Array = np.diff(summed) / np.diff(edges_s)
    return made


def filled(values: Array, how: str) -> Array:
    """The numbers with every NaN filled: by the one before (`hold`), evenly (`linear`), or by 0 (`zero`).

    One that has none before it, or for `linear` none on one side, stays.

    >>> filled(np.array([1.0, np.nan, 3.0]), "linear")
    array([1., 2., 3.])
    """
    missing = np.isnan(values)
    if how == "zero":
        return np.where(missing, 0.0, values)
    places, known = np.arange(len(values)), np.flatnonzero(~missing)
    if not len(known):
        return values
    if how == "hold":
        last = np.maximum.accumulate(np.where(missing, -1, places))
        return np.where(last >= 0, values[np.maximum(last, 0)], np.nan)
    outside = (places < known[0]) | (places > known[-1])
    return np.where(missing & ~outside, np.interp(places, known, values[known]), values)


def runs(missing: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> list[tuple[int, int]]:
    """Where runs of True begin, and how long they are.

    >>> runs(np.array([True, False, True, True]))
    [(0, 1), (2, 2)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([0], missing.astype(np.int8), [0]))))
    return [(int(start), int(end - start)) for start, end in zip(edges[::2], edges[1::2], strict=True)]
