"""Draws what became of a day: how far plants deviate from their schedules, and what that costs each of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from market.app.figures import style
from market.app.figures.costs import CNY, SCENARIOS, amount, groups_of_rows, meaning_of_bars
from market.app.results.recorded import RecordedRun
from market.app.results.units import POWER, fitting
from market.model.arrays import Array

_BARS = tuple((f"{scenario}_realised", colour, hatch) for scenario, colour, hatch, _ in SCENARIOS)


@style.drawn
def imbalance_figure(run: RecordedRun) -> Figure:
    """Above, what all VPPs are short of and long of in each period, with trade; below, what it costs each of them.

    Of many VPPs those with the largest costs have a row each, the others one with their mean.
    """
    groups = groups_of_rows(run, run["imbalance"].distinct("vpp"))
    row_in = style.row_height_in(len(groups), 0.34, least_in=0.2)
    height = row_in * len(groups) + 0.7
    figure = style.new_figure(height + 2.9)
    upper, lower = figure.subplots(2, 1, height_ratios=[2.1, height])
    entries = _deviations(upper, run)
    entries += _costs(lower, run, groups, row_in)
    style.outside_legend(figure, entries)
    return figure


def _deviations(ax: Axes, run: RecordedRun) -> list[style.Entry]:
    rows, where = run["imbalance"].where(scenario="game"), style.edges(run.period_count)
    short, long = (_sum(run, rows["period"], part) for part in _both(rows["deviation_mw"]))
    unit = fitting(POWER, float(np.abs([short, long]).max(initial=0.0)))
    look: dict[str, Any] = {"alpha": 0.6}
    above = style.stairs(ax, short * unit.factor, where, fill=True, facecolor=style.VERMILLION, **look)
    below = style.stairs(ax, long * unit.factor, where, fill=True, facecolor=style.BLUE, **look)
    line: dict[str, Any] = {"color": style.BLACK, "linewidth": 1.4}
    net = style.stairs(ax, (short + long) * unit.factor, where, baseline=None, **line)
    ax.axhline(0.0, color=style.BLACK, linewidth=0.8)
    ax.set_title("Deviations from the schedule, with trading")
    style.period_axis(ax, run.period_count)
    style.value_axis(ax, f"{unit.name}, all VPPs")
    return [(above, "short"), (below, "long"), (net, "all together")]


def _both(deviation_mw: Array) -> tuple[Array, Array]:
    return np.maximum(deviation_mw, 0.0), np.minimum(deviation_mw, 0.0)


def _sum(run: RecordedRun, period: Array, values: Array) -> Array:
    return np.bincount(period - 1, values, minlength=run.period_count).astype(np.float64)


def _costs(ax: Axes, run: RecordedRun, groups: dict[str, list[str]], row_in: float) -> list[style.Entry]:
    rows = np.arange(len(groups))
    for shift, (scenario, colour, hatch) in zip((-0.19, 0.19), _BARS, strict=True):
        costs = [_mean([run.account(vpp, scenario, "imbalance_cny") for vpp in vpps]) for vpps in groups.values()]
        look: dict[str, Any] = {"color": colour, "hatch": hatch, "edgecolor": "#303030", "linewidth": 0.4}
        ax.barh(rows + shift, costs, height=0.36, **look)
    before, after = (amount(run.account("system", scenario, "imbalance_cny")) for scenario, *_ in _BARS)
    ax.set_title(f"Imbalance costs. All: {before} → {after} CNY")
    ax.axvline(0, color=style.BLACK, linewidth=0.8)
    ax.grid(axis="y", visible=False)
    style.amount_axis(ax, CNY.name)
    style.name_rows(ax, [*groups], row_in)
    return meaning_of_bars()


def _mean(values: list[float]) -> float:
    """NaN where nobody's is known."""
    known = [value for value in values if value == value]
    return float(np.mean(known)) if known else float("nan")
