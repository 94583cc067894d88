"""Draws the outcomes of a day over a grid of delays and loss rates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from market.app.analysis.network_grid import GridResult, values
from market.app.figures import style
from market.app.figures.picture import Picture
from market.model.arrays import Array


def grid_picture(runs: Sequence[GridResult]) -> Picture:
    """Time to equilibrium and messages against delay."""
    seeds = len({run.square.seed for run in runs})
    spread = f" Lines: medians over {seeds} seeds; bars: from the least to the most." if seeds > 1 else ""
    return Picture(
        "grid",
        "Delay and loss",
        "Simulated time to equilibrium, and messages sent to one receiver each, against the delay of every link, "
        f"a line for each share of lost attempts. Both axes of time are linear from 0 to the first mark.{spread}",
        grid_figure(runs),
    )


@style.drawn
def grid_figure(runs: Sequence[GridResult]) -> Figure:
    """Two panels, time and messages; one line a loss."""
    figure = style.new_figure(4.0)
    left, right = figure.subplots(1, 2)
    entries = _lines(left, runs, "time_s")
    _lines(right, runs, "sent")
    left.set_title("Simulated time to equilibrium, s")
    right.set_title("Messages sent")
    _time_scale(left, [run.time_s for run in runs])
    style.value_axis(right, "")
    right.set_ylim(bottom=0)
    style.outside_legend(figure, entries)
    return figure


def _lines(ax: Axes, runs: Sequence[GridResult], quantity: str) -> list[tuple[Artist, str]]:
    delays = list(dict.fromkeys(run.square.delay for run in runs))
    places = _delay_axis(ax, runs, delays)
    entries: list[tuple[Artist, str]] = []
    for number, loss in enumerate(dict.fromkeys(run.square.loss for run in runs)):
        found = np.array([values(runs, delay, loss, quantity) for delay in delays])
        middle = np.median(found, axis=1)
        vpp_style = style.vpp_style(number)
        line = ax.errorbar(
            places,
            middle,
            yerr=np.array([middle - found.min(axis=1), found.max(axis=1) - middle]),
            color=vpp_style.colour,
            marker=vpp_style.marker,
            markersize=5,
            elinewidth=1.0,
            capsize=2.5 if found.shape[1] > 1 else 0,
        )
        entries.append((line[0], f"loss {float(loss):.0%}"))
    return entries


def _delay_axis(ax: Axes, runs: Sequence[GridResult], delays: Sequence[str]) -> Array:
    """Where each delay stands: on an axis of seconds if all are constant, else side by side."""
    seconds = np.array([next(r.square.delay_s for r in runs if r.square.delay == delay) for delay in delays])
    numeric = bool(np.isfinite(seconds).all()) and bool((seconds > 0).any())
    places = seconds if numeric else np.arange(len(delays), dtype=np.float64)
    if numeric:
        ax.set_xscale("symlog", linthresh=float(seconds[seconds > 0].min()), linscale=0.6)
    ax.set_xticks(places, delays, rotation=90)
    ax.minorticks_off()
    ax.set_xlabel("delay of every link")
    return places


def _time_scale(ax: Axes, times_s: Sequence[float]) -> None:
    """Logarithmic beyond the least time above 0, whose decade is the first mark."""
    longer = [time_s for time_s in times_s if time_s > 0]
    if not longer:
        return
    decades = 10.0 ** np.arange(np.floor(np.log10(min(longer))), np.ceil(np.log10(max(longer))) + 1)
    ax.set_yscale("symlog", linthresh=float(decades[0]), linscale=0.6)
    ax.set_yticks([0.0, *decades.tolist()])
    ax.yaxis.set_major_formatter(style.THOUSANDS)
    ax.minorticks_off()
    ax.set_ylim(bottom=0)
