"""Draws the paper's case study: how firmly its facts stand, and its four models."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from market.app.figures import style
from market.app.figures.columns import numbers
from market.app.figures.picture import Picture
from market.app.results.table import Table


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
    style.outside_legend(
        figure,
        [(Patch(facecolor=colour, edgecolor="#303030", linewidth=0.4), name) for name, colour in kinds.items()],
    )
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
            columns, (style.ALONE, style.TRADING)[-len(columns) :], "so"[-len(columns) :], strict=True
        ):
            ax.plot(places, numbers(table, column), color=colour, marker=marker, linestyle="none", markersize=8)
        ax.set_title(title)
        ax.set_xticks(places)
        ax.set_xlim(0.5, len(places) + 0.5)
        ax.set_xlabel("model")
        style.value_axis(ax, "")
        style.give_room(ax)
    return figure
