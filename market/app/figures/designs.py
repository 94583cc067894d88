"""Draws what each design of trade is worth: costs of the system, and what each VPP gains."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from market.app.figures import style
from market.app.figures.columns import columns_by_name, name_columns, numbers
from market.app.figures.picture import Picture
from market.app.results.table import Table

COLOURS = {"once": style.ORANGE, "iterate": style.BLUE, "consensus": style.GREEN}
HATCHES = {"once": "///", "iterate": "", "consensus": "..."}


def designs_picture(designs: Table, gains: Table) -> Picture:
    """Every design beside the grid only and full cooperation."""
    return Picture(
        "designs",
        "What each design of trade is worth",
        "Left: what the system's day saves against the grid only, in CNY and as a share of what full cooperation "
        "saves. Right: what each VPP gains.",
        designs_figure(designs, gains),
    )


@style.drawn
def designs_figure(designs: Table, gains: Table) -> Figure:
    """Two panels from the tables `economics_designs` and `economics_design_gains`."""
    figure = style.new_figure(3.4)
    saving, shares = figure.subplots(1, 2, width_ratios=(1.0, 1.4))
    _savings(saving, designs)
    handles = _gains(shares, gains)
    style.outside_legend(figure, handles)
    return figure


def _savings(ax: Axes, table: Table) -> None:
    rows = [row for row in range(len(table.rows)) if table.rows[row][0] != "grid_only"]
    names = [str(table.rows[row][0]) for row in rows]
    saved, share = numbers(table, "saving_cny")[rows], numbers(table, "share_of_possible_saving")[rows]
    places = np.arange(len(rows))
    for place, name in enumerate(names):
        colour, hatch = COLOURS.get(name, style.LIGHT), HATCHES.get(name, "")
        ax.barh(place, saved[place], 0.6, color=colour, hatch=hatch, edgecolor="#303030", linewidth=0.4)
        label = f" {share[place]:.1%}" if np.isfinite(share[place]) else ""
        ax.annotate(label, (max(saved[place], 0.0), place), va="center", fontsize=9.5)
    ax.set_yticks(places, names)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set_title("Saved against the grid only")
    ax.margins(x=0.25)
    style.amount_axis(ax, "CNY")


def _gains(ax: Axes, table: Table) -> list[style.Entry]:
    vpps = [str(row[0]) for row in table.rows]
    designs = [name.removesuffix("_gain_cny") for name in table.columns[1:]]
    width = 0.8 / len(designs)
    gains = {name: numbers(table, f"{name}_gain_cny") for name in designs}
    rows = columns_by_name(vpps, gains)
    handles: list[style.Entry] = []
    for place, name in enumerate(designs):
        at = np.arange(len(rows)) + (place - (len(designs) - 1) / 2) * width
        colour, hatch = COLOURS.get(name, style.GREY), HATCHES.get(name, "")
        bars = ax.bar(
            at,
            [gains[name][members].mean() for members in rows.values()],
            width,
            color=colour,
            hatch=hatch,
            edgecolor="#303030",
            linewidth=0.4,
        )
        handles.append((bars.patches[0], name))
    ax.axhline(0.0, color=style.BLACK, linewidth=0.8)
    name_columns(ax, [*rows])
    ax.set_title("What each VPP gains")
    style.value_axis(ax, "CNY")
    return handles
