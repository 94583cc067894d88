"""Draws the supply-demand ratio (14): each VPP's ratio and role in each period, and the market's sum."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from market.app.figures import style
from market.app.results.disclosed import disclosed
from market.app.results.recorded import RecordedRun

LETTER = {"seller": "S", "buyer": "B", "idle": "·"}
MOST_LETTERS = 48
SHOWN_RATIO = 2.0  # ratios beyond are drawn as this one
DIVERGING = LinearSegmentedColormap.from_list("orange_blue", [style.ORANGE, "#F7F7F7", style.BLUE])


@style.drawn
def sdr_figure(run: RecordedRun) -> Figure:
    """Supply-demand ratio (14) and role (15) of each VPP and period; below, surplus and deficit of all, MW."""
    height = 0.3 * len(run.vpps) + 0.7
    figure = style.new_figure(height + 2.9)
    upper, lower = figure.subplots(2, 1, height_ratios=[height, 2.0])
    _ratios(figure, upper, run)
    where = style.edges(run.period_count)
    table = run["roles"]
    total = {
        name: np.bincount(table["period"] - 1, table[name], minlength=run.period_count)
        for name in ("surplus_mw", "deficit_mw")
    }
    surplus = lower.stairs(
        total["surplus_mw"],
        where,
        fill=True,
        facecolor=style.BLUE,
        edgecolor=style.BLUE,
        alpha=0.55,
        label="surplus_mw",
    )
    deficit = lower.stairs(
        total["deficit_mw"], where, baseline=None, color=style.VERMILLION, linewidth=2, label="deficit_mw"
    )
    style.period_axis(lower, run.period_count)
    style.value_axis(lower, "MW, all VPPs")
    lower.set_ylim(bottom=0)
    style.outside_legend(figure, [(surplus, "surplus of the sellers"), (deficit, "deficit of the buyers")])
    day = disclosed(run)
    style.say_hidden(figure, [vpp for vpp in day.members if 1 not in day.stages(vpp)])
    return figure


def _ratios(figure: Figure, ax: Axes, run: RecordedRun) -> None:
    table = run["roles"]
    ratio = np.array([run.by_period(table.where(vpp=vpp), "sdr") for vpp in run.vpps])
    mesh = ax.pcolormesh(
        style.edges(run.period_count),
        np.arange(len(run.vpps) + 1) - 0.5,
        np.ma.masked_invalid(np.clip(ratio, 0.0, SHOWN_RATIO)),
        cmap=DIVERGING,
        vmin=0.0,
        vmax=SHOWN_RATIO,
        edgecolors="white",
        linewidth=0.6 if run.period_count <= MOST_LETTERS else 0.0,
    )
    title = "Own supply / own demand"
    if run.period_count <= MOST_LETTERS:
        title += ": S sells, B buys, · balanced"
        place = {vpp: row for row, vpp in enumerate(run.vpps)}
        for vpp, period, role in zip(table["vpp"], table["period"], table["role"], strict=True):
            ax.text(period, place[vpp], LETTER[role], ha="center", va="center", fontsize=9)
    ax.set_yticks(range(len(run.vpps)), run.vpps)
    ax.invert_yaxis()
    ax.grid(visible=False)
    ax.set_title(title)
    style.period_axis(ax, run.period_count, label=False)
    bar = figure.colorbar(mesh, ax=ax, ticks=[0, 0.5, 1, 1.5, 2], pad=0.01, aspect=12)
    bar.ax.set_yticklabels(["0", "0.5", "1", "1.5", "≥ 2"])
