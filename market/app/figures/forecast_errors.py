"""Draws what forecast errors cost, and who loses by trade in reality, from the tables of that study."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from market.app.figures import style
from market.app.figures.columns import numbers
from market.app.figures.named import largest
from market.app.figures.names import short_names
from market.app.figures.picture import Picture
from market.app.results.table import Table
from market.model.arrays import Array

_MOST_LINES = 7


def forecast_errors_picture(shares: Table, plants: Table) -> Picture:
    """Over the size of errors: what imbalance costs, what trade saves, and how often somebody loses."""
    return Picture(
        "forecast_errors",
        "What forecast errors cost, and who loses",
        "Left: what deviations cost all plants together, without trade and with it. Middle: what trade saves, the "
        "dotted line as planned by the forecast. Right: the share of days on which somebody pays more with trade "
        "than without, and the plants that do most often.",
        forecast_errors_figure(shares, plants),
    )


@style.drawn
def forecast_errors_figure(shares: Table, plants: Table) -> Figure:
    """Three panels from the tables `forecast_shares` and `forecast_plants`."""
    figure = style.new_figure(3.4)
    imbalance, saving, losing = figure.subplots(1, 3)
    at = numbers(shares, "noise_share")
    handles = [
        _line(imbalance, at, numbers(shares, "mean_grid_only_imbalance_cny"), style.ALONE, "s", "without trade"),
        _line(imbalance, at, numbers(shares, "mean_game_imbalance_cny"), style.TRADING, "o", "with trade"),
        _line(saving, at, numbers(shares, "mean_saving_cny"), style.BLUE, "D", "trade saves, in fact"),
    ]
    (planned,) = saving.plot(at, numbers(shares, "planned_saving_cny"), color=style.BLACK, linestyle=":")
    handles.append((planned, "as planned"))
    handles += _losing(losing, at, shares, plants)
    for ax, title, unit in (
        (imbalance, "Imbalance costs", "CNY"),
        (saving, "Trade saves", "CNY"),
        (losing, "Days with a loss by trade", "share"),
    ):
        ax.set_title(f"{title}, {unit}" if unit == "CNY" else title)
        style.value_axis(ax, "")
        ax.locator_params(axis="x", nbins=5)
    low, high = saving.get_ylim()
    saving.set_ylim(min(0.0, low), max(0.0, high) + 0.05 * (max(0.0, high) - min(0.0, low)))
    losing.set_ylim(-0.03, 1.03)
    figure.supxlabel("standard deviation of forecast errors, share", fontsize=10)
    style.outside_legend(figure, handles)
    return figure


def _line(ax: Axes, at: Array, values: Array, colour: str, marker: str, label: str) -> style.Entry:
    (line,) = ax.plot(at, values, color=colour, marker=marker, markersize=4.5)
    return line, label


def _losing(ax: Axes, at: Array, shares: Table, plants: Table) -> list[style.Entry]:
    """All plants in black; of single ones those that lose most often, if they ever do."""
    entries = [_line(ax, at, numbers(shares, "days_with_losers"), style.BLACK, "o", "any plant loses")]
    place, often = plants.columns.index("vpp"), numbers(plants, "losing_days")
    names = np.array([str(row[place]) for row in plants.rows])
    each = {vpp: often[names == vpp] for vpp in dict.fromkeys(names.tolist())}
    ever = {vpp: float(values.sum()) for vpp, values in each.items() if values.any()}
    order = list(each)
    chosen = largest(ever, _MOST_LINES)
    names_shown = short_names(chosen)
    for vpp in chosen:
        how = style.vpp_style(order.index(vpp))
        (line,) = ax.plot(at, each[vpp], color=how.colour, marker=how.marker, markersize=4.0, linewidth=1.0)
        entries.append((line, f"{names_shown[vpp]} loses"))
    return entries
