"""Draws the results of studies: sensitivities, economics, robustness, the four models.

Each is drawn from a table of its study alone, in the style of all figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from market.app.figures import style
from market.app.figures.named import largest
from market.app.figures.names import short_names
from market.app.figures.picture import Picture
from market.app.results.table import Table
from market.model.arrays import Array

ALONE, TRADING = style.GREY, style.ORANGE
PARTS = (
    ("selling_margin_cny", "gain: sold above feed-in", style.ORANGE, "///"),
    ("buying_margin_cny", "bought below retail", style.BLUE, ""),
    ("carbon_saving_cny", "lower carbon bill", style.GREEN, "..."),
    ("beside_prices_cny", "beside prices", style.VERMILLION, "\\\\\\"),
    ("replanning_cny", "another plan", style.PURPLE, "xx"),
)
MOVED = (
    ("Total cost", "CNY", (("grid_only_total_cny", ALONE, "s"), ("game_total_cny", TRADING, "o"))),
    ("Carbon cost", "CNY", (("grid_only_carbon_cny", ALONE, "s"), ("game_carbon_cny", TRADING, "o"))),
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
        _give_room(ax)
    figure.supxlabel(label, fontsize=10)
    labels = ("grid only", "with trading", "the scenario's own value")
    style.outside_legend(figure, list(zip(figure.axes[0].get_lines(), labels, strict=False)))
    return figure


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


def robustness_picture(table: Table) -> Picture:
    """How often each fact holds on disturbed data."""
    draws = int(table.rows[0][table.columns.index("draws")]) if table.rows else 0
    return Picture(
        "robustness",
        "How firmly the facts stand",
        f"Share of {draws} draws, each with every datum moved at random by up to 5 %, in which a fact holds. "
        "Hatched: it does not hold on the data as they are.",
        robustness_figure(table),
    )


@style.drawn
def robustness_figure(table: Table) -> Figure:
    """A bar for each fact."""
    figure = style.new_figure(0.19 * len(table.rows) + 1.2)
    ax = figure.subplots()
    kinds = dict(zip(("theorem", "calibrated", "finding"), (style.LIGHT, style.SKY, style.ORANGE), strict=True))
    kind, holds, share = (table.columns.index(name) for name in ("kind", "holds", "share"))
    for place, row in enumerate(table.rows):
        hatch = "" if row[holds] == "yes" else "////"
        ax.barh(
            place, float(row[share]), 0.75, color=kinds[str(row[kind])], hatch=hatch, edgecolor="#303030", lw=0.4
        )
    names = [f"{row[0]}  {row[1]}" for row in table.rows]
    ax.set_yticks(range(len(names)), names, fontsize=8)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.set_xlim(0.0, 1.02)
    ax.set_xlabel("share of draws in which it holds")
    ax.grid(axis="y", visible=False)
    style.outside_legend(figure, [(_patch(colour, ""), name) for name, colour in kinds.items()])
    return figure


def models_picture(table: Table) -> Picture:
    """The four models side by side."""
    return Picture(
        "models",
        "Models 1 to 4 of VPP1",
        "1: 280 CNY/t flat, 2: 320 CNY/t flat, 3: carbon left out of the plan, billed by the steps, 4: the steps. "
        "Orange: under its own bill; grey: all four plans billed by the steps.",
        models_figure(table),
    )


@style.drawn
def models_figure(table: Table) -> Figure:
    """Total, carbon cost and emission of each model; axes do not begin at 0, since differences are small."""
    figure = style.new_figure(2.9)
    places = np.arange(1, len(table.rows) + 1)
    shown = (
        ("Total cost, CNY", ("stepped_total_cny", "total_cny")),
        ("Carbon cost, CNY", ("stepped_carbon_cny", "carbon_cny")),
        ("Emission, t CO2", ("emission_t",)),
        ("Curtailed, MWh", ("curtailed_mwh",)),
    )
    for ax, (title, columns) in zip(figure.subplots(1, len(shown)), shown, strict=True):
        for column, colour, marker in zip(
            columns, (ALONE, TRADING)[-len(columns) :], "so"[-len(columns) :], strict=True
        ):
            ax.plot(places, numbers(table, column), color=colour, marker=marker, linestyle="none", markersize=8)
        ax.set_title(title)
        ax.set_xticks(places)
        ax.set_xlim(0.5, len(places) + 0.5)
        ax.set_xlabel("model")
        style.value_axis(ax, "")
        _give_room(ax)
    return figure


def numbers(table: Table, column: str) -> Array:
    """A column as numbers."""
    place = table.columns.index(column)
    return np.array([float(row[place]) for row in table.rows])


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
    return [(_patch(colour, hatch), label) for _, label, colour, hatch in drawn]


MOST_COLUMNS = 24


def columns_by_name(vpps: Sequence[str], amounts: Mapping[str, Array]) -> dict[str, list[int]]:
    """The columns of a picture by their names, and the places of those who stand in each.

    Of many VPPs those whose amounts are largest have a column each, the others one with their mean.
    """
    if len(vpps) <= MOST_COLUMNS:
        return {vpp: [place] for place, vpp in enumerate(vpps)}
    sizes = np.sum([np.abs(np.nan_to_num(values)) for values in amounts.values()], axis=0)
    chief = largest(dict(zip(vpps, sizes.tolist(), strict=True)), MOST_COLUMNS - 1)
    others = [place for place, vpp in enumerate(vpps) if vpp not in chief]
    return {**{vpp: [vpps.index(vpp)] for vpp in chief}, f"mean of {len(others)} others": others}


def name_columns(ax: Axes, names: Sequence[str]) -> None:
    """Names below columns, upright where they would not stand abreast."""
    short = short_names(names)
    crowded = sum(len(name) + 2 for name in short.values()) > MOST_LETTERS_ABREAST
    size = 10.0 if len(names) <= 8 else 7.0
    upright = 90 if crowded else 0
    ax.set_xticks(np.arange(len(names)), [short[name] for name in names], rotation=upright, fontsize=size)
    ax.grid(axis="x", visible=False)


MOST_LETTERS_ABREAST = 44  # below half of a picture


def _patch(colour: str, hatch: str) -> Patch:
    return Patch(facecolor=colour, hatch=hatch, edgecolor="#303030", linewidth=0.4)


def _give_room(ax: Axes) -> None:
    """Keep lines that hardly move from looking as if they did: at least 2 % of their height in sight."""
    low, high = ax.get_ylim()
    least = 0.02 * max(abs(low), abs(high), 1e-9)
    if high - low < least:
        middle = (low + high) / 2
        ax.set_ylim(middle - least / 2, middle + least / 2)
