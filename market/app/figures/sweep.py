"""Draws how results move with one parameter: a sweep of the sensitivities."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from market.app.figures import style
from market.app.figures.columns import numbers
from market.app.figures.picture import Picture
from market.app.results.table import Table

MOVED = (
    ("Total cost", "CNY", (("grid_only_total_cny", style.ALONE, "s"), ("game_total_cny", style.TRADING, "o"))),
    ("Carbon cost", "CNY", (("grid_only_carbon_cny", style.ALONE, "s"), ("game_carbon_cny", style.TRADING, "o"))),
    ("Trading saves", "CNY", (("saving_cny", style.BLUE, "D"),)),
    ("Price", "CNY/MWh", (("mean_price_cny_per_mwh", style.GREEN, "^"),)),
)


def sweep_picture(label: str, base: float, table: Table) -> Picture:
    """The picture of one sweep; `base` is the scenario's own value."""
    return Picture(
        table.name,
        f"Sensitivity: {label}",
        "Grey squares: grid only; orange circles: with trading. The dotted line is the scenario's own value.",
        sweep_figure(label, base, table),
    )


@style.drawn
def sweep_figure(label: str, base: float, table: Table) -> Figure:
    """Total and carbon cost, saving and mean price over the values of one parameter."""
    figure = style.new_figure(3.0)
    values = numbers(table, "value")
    for ax, (title, unit, lines) in zip(figure.subplots(1, len(MOVED)), MOVED, strict=True):
        for column, colour, marker in lines:
            ax.plot(values, numbers(table, column), color=colour, marker=marker, markersize=4.5)
        if np.isfinite(base):
            ax.axvline(base, color=style.BLACK, linewidth=0.8, linestyle=":")
        ax.set_title(f"{title}, {unit}")
        ax.locator_params(axis="x", nbins=4)
        style.value_axis(ax, "")
        style.give_room(ax)
    figure.supxlabel(label, fontsize=10)
    labels = ("grid only", "with trading", "the scenario's own value")
    style.outside_legend(figure, list(zip(figure.axes[0].get_lines(), labels, strict=False)))
    return figure
