"""Draws the economics of a day: efficiency, gains, mark-ups and concentration."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from market.app.figures import style
from market.app.figures.columns import columns_by_name, name_columns, numbers
from market.app.figures.picture import Picture
from market.app.results.table import Table

PARTS = (
    ("selling_margin_cny", "gain: sold above feed-in", style.ORANGE, "///"),
    ("buying_margin_cny", "bought below retail", style.BLUE, ""),
    ("carbon_saving_cny", "lower carbon bill", style.GREEN, "..."),
    ("beside_prices_cny", "beside prices", style.VERMILLION, "\\\\\\"),
    ("replanning_cny", "another plan", style.PURPLE, "xx"),
)


def economics_picture(tables: Sequence[Table]) -> Picture:
    """Efficiency, gains, mark-ups and concentration in one picture."""
    by_name = {table.name.removeprefix("economics_"): table for table in tables}
    return Picture(
        "economics",
        "What the market is worth",
        "Above: what the system's day costs alone, in the game and in full cooperation; what each VPP gains and "
        "from where. Below: how far prices lie above the clearing price, and how concentrated sellers are (HHI).",
        economics_figure(by_name),
    )


@style.drawn
def economics_figure(tables: dict[str, Table]) -> Figure:
    """Four panels from the tables `welfare`, `gains` and `periods`."""
    figure = style.new_figure(6.6)
    (welfare, gains), (markups, concentration) = figure.subplots(2, 2)
    _welfare(welfare, tables["welfare"])
    legend = _gains(gains, tables["gains"])
    periods = tables["periods"]
    count = len(periods.rows)
    for ax, column, title, unit in (
        (markups, "mean_markup_cny_per_mwh", "Mark-up over the clearing price", "CNY/MWh"),
        (concentration, "hhi_delivered", "Concentration of sellers", "HHI of delivered energy"),
    ):
        values = np.nan_to_num(numbers(periods, column))
        ax.bar(np.arange(1, count + 1), values, width=0.75, color=style.SKY, edgecolor="#303030", linewidth=0.4)
        ax.set_title(title)
        style.period_axis(ax, count, most_ticks=12)
        style.value_axis(ax, unit)
    concentration.set_ylim(0.0, 1.05)
    if not np.nan_to_num(numbers(periods, "mean_markup_cny_per_mwh")).any():
        markups.set_ylim(0.0, 1.0)
    style.outside_legend(figure, legend)
    return figure


def _welfare(ax: Axes, table: Table) -> None:
    names = ("grid only", "game", "cooperation", "grid only,\nflat carbon")
    operation, carbon = numbers(table, "operation_cny"), numbers(table, "carbon_cny")
    places = np.arange(len(names))
    ax.barh(places, operation, 0.6, color=style.LIGHT, edgecolor="#303030", linewidth=0.4)
    ax.barh(places, carbon, 0.6, left=operation, color=style.BLUE, hatch="///", edgecolor="#303030", linewidth=0.4)
    ax.set_yticks(places, names)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set_title("System's day: operation, and carbon (blue)")
    style.amount_axis(ax, "CNY")


def _gains(ax: Axes, table: Table) -> list[style.Entry]:
    vpps = [str(row[0]) for row in table.rows if row[0] != "system"]
    drawn = [part for part in PARTS if part[0] in table.columns]
    parts = {column: numbers(table, column)[: len(vpps)] for column, *_ in drawn}
    rows = columns_by_name(vpps, parts)
    places = np.arange(len(rows))
    above, below = np.zeros(len(rows)), np.zeros(len(rows))
    for column, _, colour, hatch in drawn:
        part = np.array([parts[column][members].mean() for members in rows.values()])
        base = np.where(part >= 0.0, above, below)
        ax.bar(places, part, 0.6, bottom=base, color=colour, hatch=hatch, edgecolor="#303030", linewidth=0.4)
        above, below = above + np.maximum(part, 0.0), below + np.minimum(part, 0.0)
    ax.axhline(0.0, color=style.BLACK, linewidth=0.8)
    name_columns(ax, [*rows])
    ax.set_title("What each VPP gains by trading")
    style.value_axis(ax, "CNY")
    return [
        (Patch(facecolor=colour, hatch=hatch, edgecolor="#303030", linewidth=0.4), label)
        for _, label, colour, hatch in drawn
    ]
