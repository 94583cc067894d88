"""Draws the supply-demand ratio (14): each VPP's ratio and role in each period, and the market's sum."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from market.app.figures import style
from market.app.results.disclosed import disclosed
from market.app.results.recorded import RecordedRun
from market.app.results.units import POWER, fitting
from market.model.arrays import Array

LETTER = {"seller": "S", "buyer": "B", "idle": "·"}
MOST_LETTERS = 48  # in a row
MOST_ROWS_WITH_LETTERS = 20
SHOWN_RATIO = 2.0  # ratios beyond are drawn as this one
DIVERGING = LinearSegmentedColormap.from_list("orange_blue", [style.ORANGE, "#F7F7F7", style.BLUE])


@style.drawn
def sdr_figure(run: RecordedRun) -> Figure:
    """Supply-demand ratio (14) and role (15) of each VPP and period; below, surplus and deficit of all."""
    row_in = style.row_height_in(len(run.vpps), 0.3)
    height = row_in * len(run.vpps) + 0.7
    figure = style.new_figure(height + 2.9)
    upper, lower = figure.subplots(2, 1, height_ratios=[height, 2.0])
    _ratios(figure, upper, run, row_in)
    style.outside_legend(figure, _sums(lower, run))
    day = disclosed(run)
    style.say_hidden(figure, [vpp for vpp in day.members if 1 not in day.stages(vpp)])
    return figure


def _sums(ax: Axes, run: RecordedRun) -> list[style.Entry]:
    where, table = style.edges(run.period_count), run["roles"]
    total = {
        name: np.bincount(table["period"] - 1, table[name], minlength=run.period_count).astype(np.float64)
        for name in ("surplus_mw", "deficit_mw")
    }
    unit = fitting(POWER, max(float(values.max()) for values in total.values()))
    shown = {name: values * unit.factor for name, values in total.items()}
    fill: dict[str, Any] = {"facecolor": style.BLUE, "edgecolor": style.BLUE, "alpha": 0.55}
    surplus = style.stairs(ax, shown["surplus_mw"], where, fill=True, label="surplus_mw", **fill)
    width = 2.0 if run.period_count <= style.MANY_PERIODS else 1.0
    line: dict[str, Any] = {"color": style.VERMILLION, "linewidth": width}
    deficit = style.stairs(ax, shown["deficit_mw"], where, baseline=None, label="deficit_mw", **line)
    style.period_axis(ax, run.period_count)
    style.value_axis(ax, f"{unit.name}, all VPPs")
    style.from_zero(ax)
    return [(surplus, "surplus of the sellers"), (deficit, "deficit of the buyers")]


def _ratios(figure: Figure, ax: Axes, run: RecordedRun, row_in: float) -> None:
    count, periods = len(run.vpps), run.period_count
    image = ax.imshow(
        np.ma.masked_invalid(np.clip(_matrix(run), 0.0, SHOWN_RATIO)),
        cmap=DIVERGING,
        vmin=0.0,
        vmax=SHOWN_RATIO,
        aspect="auto",
        interpolation="nearest",
        extent=(0.5, periods + 0.5, count - 0.5, -0.5),
    )
    roomy = periods <= MOST_LETTERS and count <= MOST_ROWS_WITH_LETTERS
    meaning = "S sells, B buys, · balanced" if roomy else "blue sells, orange buys"
    ax.set_title(f"Own supply / own demand: {meaning}")
    if roomy:
        _letters(ax, run)
    style.period_axis(ax, periods, label=False)
    ax.grid(visible=False)
    style.name_rows(ax, run.vpps, row_in)
    bar = figure.colorbar(image, ax=ax, ticks=[0, 0.5, 1, 1.5, 2], pad=0.01, aspect=12)
    bar.ax.set_yticklabels(["0", "0.5", "1", "1.5", "≥ 2"])


def _matrix(run: RecordedRun) -> Array:
    """The ratios by VPP and period, shape (N, T); NaN where there is none."""
    table, place = run["roles"], {vpp: row for row, vpp in enumerate(run.vpps)}
    ratios = np.full((len(place), run.period_count), np.nan)
    ratios[[place[vpp] for vpp in table["vpp"].tolist()], table["period"] - 1] = table["sdr"]
    return ratios


def _letters(ax: Axes, run: RecordedRun) -> None:
    """The role of each VPP and period; lines part their cells."""
    table, place = run["roles"], {vpp: row for row, vpp in enumerate(run.vpps)}
    ax.hlines(np.arange(len(place) + 1) - 0.5, 0.5, run.period_count + 0.5, color="white", linewidth=0.8)
    ax.vlines(style.edges(run.period_count), -0.5, len(place) - 0.5, color="white", linewidth=0.8)
    size = 9 if run.period_count <= 36 else 7.5
    for vpp, period, role in zip(table["vpp"], table["period"], table["role"], strict=True):
        ax.text(period, place[vpp], LETTER[role], ha="center", va="center", fontsize=size)
