"""Draws a run's communication: traffic and staleness over time, delays and losses by link.

Drawn from the run folder's tables. Prices over simulated time are in `market.app.figures.prices`, who said what to
whom in `market.app.figures.messages`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from market.app.figures import style
from market.app.figures.messages import Window, delays_figure, sequence_caption, sequence_figure
from market.app.figures.named import OTHERS, so_many_others, styles_of
from market.app.figures.names import short_names
from market.app.figures.picture import Picture
from market.app.results.recorded import RecordedRun
from market.model.arrays import Array

NO_NETWORK = "The day was solved in one process: there was no network."
MOST_NUMBERED = 10  # with more VPPs than that a cell has no room for a number
MOST_TICKS = 20
MOST_LETTERS = 12
MATRICES = (("mean delay, ms", "delay_mean_s"), ("longest delay, ms", "delay_max_s"), ("attempts lost, %", "lost"))


def network_pictures(run: RecordedRun, window: Window | None = None) -> Iterator[Picture]:
    """The pictures of a run's network; none for a day in one process, of a perfect network only who spoke to whom.

    window : of simulated time, whose messages are drawn; else the first ones
    """
    return (draw() for draw in network_drawings(run, window))


def network_drawings(run: RecordedRun, window: Window | None = None) -> list[Callable[[], Picture]]:
    """What draws each of them, so that several can share the work."""
    if run.manifest.get("network") is None:
        return []
    drawings = (_traffic_picture, _delays, _links) if not is_still(run) else ()
    return [partial(_messages, run, window), *(partial(draw, run) for draw in drawings)]


def _messages(run: RecordedRun, window: Window | None) -> Picture:
    caption = sequence_caption(run, window)
    return Picture("messages", "Who said what to whom", caption, sequence_figure(run, window))


def _traffic_picture(run: RecordedRun) -> Picture:
    return Picture(
        "network",
        "Messages under way and old news",
        "Above: copies of messages on their way, and those that have arrived and wait for a VPP that computes. "
        "Below: for each offer, how long the oldest price it was based on had been given up already.",
        network_figure(run),
    )


def _delays(run: RecordedRun) -> Picture:
    return Picture(
        "delays",
        "How long messages take",
        "The share of delivered messages that had arrived so long after they were first sent, losses included. "
        "Left by kind, right by link: a thin line for each, the slowest by name.",
        delays_figure(run),
    )


def _links(run: RecordedRun) -> Picture:
    return Picture(
        "links",
        "Delays and losses by link",
        "Each row a sender, each column a receiver. Delays run from first sending to arrival, so that what was "
        "lost and sent again is late. White: nothing was delivered there.",
        links_figure(run),
    )


def is_still(run: RecordedRun) -> bool:
    """Whether every message of a run reached everybody at once: there is nothing to tell of its network."""
    told = run.manifest["network"]
    happened = (told["delay_max_s"], *(told[name] for name in ("lost", "duplicated", "late", "undeliverable")))
    return not any(happened) and not run["network"]["queued"].any()


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


def _traffic(ax: Axes, run: RecordedRun) -> list[style.Entry]:
    moments = run["network"]
    entries: list[style.Entry] = []
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
    style.from_zero(ax)
    return entries


def _staleness(ax: Axes, run: RecordedRun) -> list[style.Entry]:
    looks, names = styles_of(run), short_names(run.vpps)
    offers = {vpp: rows for (vpp,), rows in run["staleness"].by("vpp").items()}
    entries: dict[str, style.Entry] = {}
    for vpp in sorted(offers, key=lambda name: name in looks):
        look = looks.get(vpp, OTHERS)
        (marks,) = ax.plot(
            offers[vpp]["time_s"],
            offers[vpp]["staleness_s"],
            linestyle="none",
            marker=look.marker,
            markersize=4,
            color=look.colour,
            label=vpp,
            clip_on=False,  # fresh news stand on the axis
        )
        entries[vpp] = (marks, f"offers of {names[vpp]}")
    style.value_axis(ax, "age of news in s")
    style.from_zero(ax)
    shown = [entries[vpp] for vpp in run.vpps if vpp in entries and vpp in looks]
    if others := [vpp for vpp in entries if vpp not in looks]:
        shown.append((entries[others[0]][0], f"offers of {so_many_others(list(looks), list(entries))}"))
    return shown


@style.drawn
def links_figure(run: RecordedRun) -> Figure:
    """Mean delay, longest delay and share of lost attempts as matrices of sender and receiver."""
    if "links" not in run.tables:
        return style.nothing_to_draw(NO_NETWORK)
    longest = max(map(len, short_names(run.vpps, MOST_LETTERS).values()))
    figure = style.new_figure(3.35 + 0.09 * longest)
    for ax, (title, column) in zip(figure.subplots(1, len(MATRICES), sharey=True), MATRICES, strict=True):
        _matrix(ax, run.vpps, _by_link(run, column), title)
    figure.axes[0].set_ylabel("from")
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


def _matrix(ax: Axes, vpps: list[str], matrix: Array, title: str) -> None:
    """Numbers in the cells where there is room for them, else the range of shades in the title."""
    largest = float(np.nanmax(matrix, initial=0.0))
    ax.imshow(matrix, cmap="Blues", vmin=0.0, vmax=max(largest, 1e-9) * 1.25, aspect="equal")
    numbered = len(vpps) <= MOST_NUMBERED
    ax.set_title(title if numbered else f"{title}\ndarkest: {_short(largest)}")
    _name_both(ax, vpps)
    if numbered:
        for (row, column), value in np.ndenumerate(matrix):
            if np.isfinite(value):
                colour = "white" if value > 0.75 * largest else style.BLACK
                size = 8 if len(vpps) <= 6 else 6
                ax.text(column, row, _short(float(value)), ha="center", va="center", fontsize=size, color=colour)


def _name_both(ax: Axes, vpps: list[str]) -> None:
    """The same names below and at the left, as many as there is room for."""
    step = -(-len(vpps) // MOST_TICKS)
    shown, names = range(0, len(vpps), step), short_names(vpps, MOST_LETTERS)
    size = 10.0 if len(shown) <= 8 else 7.0
    labels = [names[vpps[at]] for at in shown]
    ax.set_xticks([*shown], labels, rotation=90, fontsize=size)
    ax.set_yticks([*shown], labels, fontsize=size)
    ax.grid(visible=False)
    ax.set_xlabel("to")


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == 0 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"
