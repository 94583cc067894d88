"""Draws what sellers who learn ask and earn over the days, between the day's own end and the joint optimum."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from market.app.figures import style
from market.app.figures.names import short_names
from market.app.figures.picture import Picture
from market.app.results.table import Table
from market.model.arrays import Array

_LOOKS = {"q_learning": (style.BLUE, "o"), "bandit": (style.ORANGE, "s")}
_ALONE = " alone"
_MARKS = 8  # on a line


def learning_picture(paths: Table, ends: Table, day_end: str) -> Picture:
    """Prices, Δ and regret. day_end : what the day's own negotiation ends in, in words"""
    return Picture(
        "learning",
        "Sellers who learn",
        f"Left: the mean price that learners ask, all learning at once, between the prices of the {day_end} and "
        "those of the largest joint profit that was found. Middle: Δ, the share of the way from the one's profit "
        "to the other's. Right: what a seller who learns among best replies could still have earned by other "
        "prices. Bold: mean of all runs; thin: each of them.",
        learning_figure(paths, ends, day_end),
    )


@style.drawn
def learning_figure(paths: Table, ends: Table, day_end: str) -> Figure:
    """Three panels from the tables `learning` and `learning_ends`."""
    figure = style.new_figure(3.7)
    prices, delta, regret = figure.subplots(1, 3)
    rows = [dict(zip(paths.columns, row, strict=True)) for row in paths.rows]
    last = [dict(zip(ends.columns, row, strict=True)) for row in ends.rows]
    together = [row for row in rows if not str(row["setting"]).endswith(_ALONE)]
    alone = [row for row in rows if str(row["setting"]).endswith(_ALONE)]
    entries = _lines(prices, together, "mean_price_cny_per_mwh")
    _lines(delta, together, "delta")
    shown = [row for row in last if not str(row["setting"]).endswith(_ALONE)]
    for column, dashes in (("equilibrium_price_cny_per_mwh", "--"), ("joint_price_cny_per_mwh", ":")):
        by_vpp = {str(row["vpp"]): float(row[column]) for row in shown}
        line = prices.axhline(
            float(np.mean([*by_vpp.values()])), color=style.BLACK, linestyle=dashes, linewidth=1.3
        )
        name = day_end if dashes == "--" else "largest joint profit"
        entries.append((line, name))
    delta.axhline(0.0, color=style.BLACK, linestyle="--", linewidth=1.3)
    delta.axhline(1.0, color=style.BLACK, linestyle=":", linewidth=1.3)
    _name(prices, "Mean price asked", "CNY/MWh")
    _name(delta, "Δ", "")
    if alone:
        who = str(alone[0]["setting"]).removesuffix(_ALONE)
        _lines(regret, alone, "regret_bound_cny")
        regret.set_ylim(bottom=0.0)
        _name(regret, f"Regret, {short_names([who], 12)[who]} alone", "CNY a day")
    else:
        regret.remove()
    style.outside_legend(figure, entries)
    return figure


def _lines(ax: Axes, rows: list[dict[str, str | float]], column: str) -> list[style.Entry]:
    """A bold line for each kind of learner, and a thin one for each of its runs."""
    entries: list[style.Entry] = []
    for kind, (colour, marker) in _LOOKS.items():
        mine = [row for row in rows if row["learner"] == kind]
        if not mine:
            continue
        days = np.unique([float(row["day"]) for row in mine])
        runs = [_by_day([row for row in mine if row["seed"] == seed], column, days) for seed in _seeds(mine)]
        for run in runs if len(runs) > 1 else ():
            ax.plot(days, run, color=colour, linewidth=0.7, alpha=0.45)
        (line,) = ax.plot(
            days,
            np.mean(runs, axis=0),
            color=colour,
            marker=marker,
            markersize=4.5,
            markevery=max(1, len(days) // _MARKS),
        )
        entries.append((line, kind.replace("_", " ")))
    return entries


def _seeds(rows: list[dict[str, str | float]]) -> list[float]:
    return sorted({float(row["seed"]) for row in rows})


def _by_day(rows: list[dict[str, str | float]], column: str, days: Array) -> Array:
    """The mean over VPPs on each day."""
    return np.array([np.mean([float(row[column]) for row in rows if float(row["day"]) == day]) for day in days])


def _name(ax: Axes, title: str, unit: str) -> None:
    ax.set_title(title)
    style.value_axis(ax, unit)
    style.amount_axis(ax, "day")
