"""Draws how the saving of cooperation may be shared, and who would gain by leaving."""

from __future__ import annotations

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from market.app.figures import style
from market.app.figures.columns import numbers
from market.app.figures.picture import Picture
from market.app.results.table import Table

_MOST_BARS = 12  # of plants that are told apart as groups of bars; of more, points


def division_picture(shares: Table, stability: Table) -> Picture:
    """Every division beside the market's outcome."""
    return Picture(
        "division",
        "Fair shares of what all save together",
        "Left: what each plant gets by each division. Right: the most that a coalition would gain by leaving; "
        "nothing where the shares are in the core.",
        division_figure(shares, stability),
    )


@style.drawn
def division_figure(shares: Table, stability: Table) -> Figure:
    """Two panels from the tables `division_shares` and `division_stability`."""
    figure = style.new_figure(3.6)
    bars, leaving = figure.subplots(1, 2, width_ratios=(1.9, 1.0))
    handles = _shares(bars, shares, [str(row[0]) for row in stability.rows])
    _leaving(leaving, stability)
    style.outside_legend(figure, handles)
    return figure


def _shares(ax: Axes, table: Table, names: list[str]) -> list[tuple[Artist | tuple[Artist, ...], str]]:
    vpps = [str(row[0]) for row in table.rows[:-1]]
    width = 0.84 / len(names)
    handles: list[tuple[Artist | tuple[Artist, ...], str]] = []
    for place, name in enumerate(names):
        how, values = style.vpp_style(place), numbers(table, f"{name}_cny")[:-1]
        at = np.arange(len(vpps)) + (place - (len(names) - 1) / 2) * width
        label = name.replace("_", " ")
        if len(vpps) > _MOST_BARS:
            (line,) = ax.plot(at, values, how.marker, color=how.colour, markersize=4.5)
            handles.append((line, label))
            continue
        drawn = ax.bar(at, values, width, color=how.colour, hatch=how.hatch, edgecolor="#303030", linewidth=0.4)
        handles.append((tuple(drawn.patches), label))
        if name == "shapley" and np.isfinite(numbers(table, "shapley_error_cny")[:-1]).all():
            ax.errorbar(at, values, numbers(table, "shapley_error_cny")[:-1], fmt="none", ecolor=style.BLACK)
    ax.axhline(0.0, color=style.BLACK, linewidth=0.8)
    crowded = len(vpps) > 6
    ax.set_xticks(np.arange(len(vpps)), vpps, rotation=90 if crowded else 0, fontsize=8 if crowded else 10)
    ax.grid(axis="x", visible=False)
    ax.set_title("What each plant gets")
    style.value_axis(ax, "CNY")
    return handles


def _leaving(ax: Axes, table: Table) -> None:
    names, gains = [str(row[0]).replace("_", " ") for row in table.rows], numbers(table, "leaving_gain_cny")
    who, core = table.columns.index("leaving"), table.columns.index("in_core")
    most = float(gains.max()) or 1.0
    for place, row in enumerate(table.rows):
        how = style.vpp_style(place)
        ax.barh(place, gains[place], 0.6, color=how.colour, hatch=how.hatch, edgecolor="#303030", linewidth=0.4)
        plants = str(row[who]).split()
        told = f"{gains[place]:,.0f}: {len(plants)} plants" if plants else f"in the core: {row[core]}"
        ax.annotate(f" {told}", (gains[place], place), va="center", fontsize=8.5)
    ax.set_xlim(0.0, most * 1.75)
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set_title("Most gained by leaving")
    ax.set_xlabel("CNY")
    ax.locator_params(axis="x", nbins=4)
    ax.xaxis.set_major_formatter(style.THOUSANDS)
