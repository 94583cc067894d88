"""Draws one day under every mechanism: saving, price, budget, gains of each VPP, and what lies would pay."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from market.app.analysis.lies import FAMILY
from market.app.figures import style
from market.app.figures.columns import numbers
from market.app.figures.picture import Picture
from market.app.results.table import Table
from market.model.arrays import Array

_ABOUT = tuple(FAMILY)
_MOST_TOLD = 12  # columns whose numbers fit in


def mechanisms_picture(mechanisms: Table, gains: Table, lies: Table) -> Picture:
    """Everything in one picture."""
    return Picture(
        "mechanisms",
        "One day under every mechanism",
        "Above: the share of the possible saving that is reached, the mean price of traded energy, and what the "
        "mechanism itself takes in (below 0: somebody has to add it). Below: what each VPP gains, and the most "
        "that any VPP gains by the best lie about its surplus S, deficit D, willingness k or reserve r.",
        mechanisms_figure(mechanisms, gains, lies),
    )


@style.drawn
def mechanisms_figure(mechanisms: Table, gains: Table, lies: Table) -> Figure:
    """Five panels from the three tables of the study."""
    figure = style.new_figure(6.6)
    (above,), (below,) = figure.subfigures(2, 1, squeeze=False)
    rows = [row for row, cells in enumerate(mechanisms.rows) if cells[0] not in ("grid_only", "cooperation")]
    names = [str(mechanisms.rows[row][0]).replace("_", " ") for row in rows]
    shown = (
        ("share_of_possible_saving", "Share of the possible saving", style.BLUE),
        ("mean_price_cny_per_mwh", "Mean price, CNY/MWh", style.GREEN),
        ("budget_cny", "Budget, CNY", style.VERMILLION),
    )
    for place, (ax, (column, title, colour)) in enumerate(zip(above.subplots(1, 3), shown, strict=True)):
        _bars(ax, names if place == 0 else [""] * len(names), numbers(mechanisms, column)[rows], colour)
        ax.set_title(title)
    won, lied = below.subplots(1, 2, width_ratios=(max(len(gains.rows) - 1, 4), 5))
    _matrix(won, names, [str(row[0]) for row in gains.rows[:-1]], _gains(gains), "What each VPP gains, CNY")
    _matrix(lied, [""] * len(names), list(_ABOUT), _lies(lies, mechanisms, rows), "The best lie gains, CNY")
    return figure


def _bars(ax: Axes, names: list[str], values: Array, colour: str) -> None:
    places = np.arange(len(names))
    drawn = np.nan_to_num(values)
    ax.barh(places, drawn, 0.62, color=colour, edgecolor="#303030", linewidth=0.4)
    for place, value in enumerate(values.tolist()):
        told = "" if np.isnan(value) else f"{value:.3f}" if 5e-4 < abs(value) <= 2.0 else f"{value:,.0f}"
        told = told.replace("-0", "0") if told == "-0" else told.replace("-", "−")
        ax.annotate(f" {told}", (max(drawn[place], 0.0), place), va="center", fontsize=8)
    ax.axvline(0.0, color=style.BLACK, linewidth=0.8)
    ax.set_yticks(places, names, fontsize=9)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.margins(x=0.22)
    ax.locator_params(axis="x", nbins=4)
    ax.xaxis.set_major_formatter(style.THOUSANDS)


def _matrix(ax: Axes, names: list[str], columns: list[str], values: Array, title: str) -> None:
    """Numbers in cells, the darker the larger: blue above 0, red below."""
    most = float(np.nanmax(np.abs(values), initial=0.0)) or 1.0
    ax.imshow(values, cmap="RdBu", vmin=-1.6 * most, vmax=1.6 * most, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        told = "–" if np.isnan(value) else f"{value:,.0f}".replace("-", "−")
        if len(columns) <= _MOST_TOLD:
            ax.annotate("0" if told == "−0" else told, (column, row), ha="center", va="center", fontsize=8.5)
    crowded = len(columns) > 6
    ax.set_xticks(range(len(columns)), columns, rotation=90 if crowded else 0, fontsize=8 if crowded else 9)
    ax.set_yticks(range(len(names)), names, fontsize=9)
    ax.grid(visible=False)
    ax.tick_params(length=0)
    ax.set_title(title)


def _gains(table: Table) -> Array:
    """Shape (mechanisms, VPPs)."""
    return np.array([numbers(table, column)[:-1] for column in table.columns[1:]])


def _lies(table: Table, mechanisms: Table, rows: list[int]) -> Array:
    """Shape (mechanisms, things declared): the most of all VPPs."""
    found = np.full((len(rows), len(_ABOUT)), np.nan)
    order = {str(mechanisms.rows[row][0]): place for place, row in enumerate(rows)}
    for mechanism, _, about, _, gain in table.rows:
        cell = (order[str(mechanism)], _ABOUT.index(str(about)))
        found[cell] = np.fmax(found[cell], float(gain))
    return found
