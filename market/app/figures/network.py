"""Draws a run's communication: traffic and staleness over time, delays and losses by link.

Drawn from the run folder's tables. Prices over simulated time are in `market.app.figures.prices`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from market.app.figures import style
from market.app.figures.picture import Picture
from market.app.results.recorded import RecordedRun
from market.model.arrays import Array

NO_NETWORK = "The day was solved in one process: there was no network."
MOST_NUMBERED = 10  # with more VPPs than that a cell has no room for a number
MATRICES = (("mean delay, ms", "delay_mean_s"), ("longest delay, ms", "delay_max_s"), ("attempts lost, %", "lost"))


def network_pictures(run: RecordedRun) -> Iterator[Picture]:
    """The pictures of a run's network; none for a day in one process."""
    if run.manifest.get("network") is None:
        return
    yield Picture(
        "network",
        "Messages under way and old news",
        "Above: copies of messages on their way, and those that have arrived and wait for a VPP that computes. "
        "Below: for each offer, how long the oldest price it was based on had been given up already.",
        network_figure(run),
    )
    yield Picture(
        "links",
        "Delays and losses by link",
        "Each row a sender, each column a receiver. Delays run from first sending to arrival, so that what was "
        "lost and sent again is late. White: nothing was delivered there.",
        links_figure(run),
    )


@style.drawn
def network_figure(run: RecordedRun) -> Figure:
    """Traffic, and staleness of what offers were based on, over the time of the run."""
    if "network" not in run.tables:
        return style.nothing_to_draw(NO_NETWORK)
    figure = style.new_figure(4.8)
    above, below = figure.subplots(2, 1, sharex=True)
    entries = _traffic(above, run) + _staleness(below, run)
    clock = "real" if run.manifest["time_mode"] == "wall" else "simulated"
    below.set_xlabel(f"{clock} time in s")
    below.xaxis.set_major_formatter(style.THOUSANDS)
    style.outside_legend(figure, entries)
    return figure


def _traffic(ax: Axes, run: RecordedRun) -> list[tuple[Artist, str]]:
    moments = run["network"]
    entries: list[tuple[Artist, str]] = []
    for column, name, colour, dashes in (
        ("in_flight", "under way", style.BLUE, "-"),
        ("queued", "waiting for a busy VPP", style.VERMILLION, "--"),
    ):
        if moments[column].any():
            (line,) = ax.plot(
                moments["time_s"], moments[column], color=colour, linestyle=dashes, linewidth=1.0, label=name
            )
            entries.append((line, name))
    style.value_axis(ax, "messages")
    ax.set_ylim(bottom=0)
    return entries


def _staleness(ax: Axes, run: RecordedRun) -> list[tuple[Artist, str]]:
    styles, entries = style.vpp_styles(run.vpps), list[tuple[Artist, str]]()
    for vpp in run.sellers():
        offers = run["staleness"].where(vpp=vpp)
        (marks,) = ax.plot(
            offers["time_s"],
            offers["staleness_s"],
            linestyle="none",
            marker=styles[vpp].marker,
            markersize=4,
            color=styles[vpp].colour,
            label=vpp,
        )
        entries.append((marks, f"offers of {vpp}"))
    style.value_axis(ax, "age of news in s")
    return entries


@style.drawn
def links_figure(run: RecordedRun) -> Figure:
    """Mean delay, longest delay and share of lost attempts as matrices of sender and receiver."""
    if "links" not in run.tables:
        return style.nothing_to_draw(NO_NETWORK)
    figure = style.new_figure(3.6)
    for ax, (title, column) in zip(figure.subplots(1, len(MATRICES)), MATRICES, strict=True):
        _matrix(ax, run.vpps, _by_link(run, column))
        ax.set_title(title)
    return figure


def _by_link(run: RecordedRun, column: str) -> Array:
    """A column of links.csv as a matrix (sender, receiver), in the unit of its panel; NaN: nothing there."""
    links, place = run["links"], {vpp: at for at, vpp in enumerate(run.vpps)}
    values = links[column] * 1000
    if column == "lost":
        values = 100 * links["lost"] / np.maximum(links["sent"] + links["resent"], 1)
    matrix = np.full((len(place), len(place)), np.nan)
    for sender, receiver, value in zip(links["sender"], links["receiver"], values, strict=True):
        matrix[place[sender], place[receiver]] = value
    return matrix


def _matrix(ax: Axes, vpps: list[str], matrix: Array) -> None:
    largest = float(np.nanmax(matrix, initial=0.0))
    ax.imshow(matrix, cmap="Blues", vmin=0.0, vmax=max(largest, 1e-9) * 1.25, aspect="equal")
    step = -(-len(vpps) // MOST_NUMBERED)
    shown = range(0, len(vpps), step)
    ax.set_xticks([*shown], [vpps[at] for at in shown], rotation=45, ha="right", rotation_mode="anchor")
    ax.set_yticks([*shown], [vpps[at] for at in shown])
    ax.grid(visible=False)
    ax.set_xlabel("to")
    ax.set_ylabel("from")
    if len(vpps) <= MOST_NUMBERED:
        for (row, column), value in np.ndenumerate(matrix):
            if np.isfinite(value):
                colour = "white" if value > 0.75 * largest else style.BLACK
                ax.text(column, row, _short(float(value)), ha="center", va="center", fontsize=8, color=colour)


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == 0 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"
