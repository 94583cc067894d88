"""The style of all figures: colours, markers and hatches, axes in periods, legends outside the data.

A VPP has the colour, marker and hatch of its place in the scenario, in every figure; markers and hatches tell VPPs
apart where a print has no colour. Colours are Okabe and Ito's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from market.model.arrays import Array

BLACK, GREY, LIGHT = "#000000", "#767676", "#D9D9D9"
BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, YELLOW = "#56B4E9", "#CC79A7", "#F0E442"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, VERMILLION, SKY, "#444444")  # yellow lines are lost on white
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "h", "p", "*")
HATCHES = ("", "///", "\\\\\\", "xx", "--", "|||", "++", "/", "\\", "x", "-/", "|/")
WIDTH_IN = 9.6
MOST_NAMED = 8
SETTINGS: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.7,
    "lines.linewidth": 1.6,
    "hatch.linewidth": 0.5,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "figure.dpi": 100,
    "svg.fonttype": "none",
    "svg.hashsalt": "vppmarket",
    "text.parse_math": False,
}
P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class VppStyle:
    """How one VPP is drawn everywhere."""

    colour: str
    marker: str
    hatch: str


def vpp_styles(vpps: Sequence[str]) -> dict[str, VppStyle]:
    """The style of each VPP of a scenario, by its place there."""
    return {vpp: vpp_style(place) for place, vpp in enumerate(vpps)}


def vpp_style(place: int) -> VppStyle:
    """The style of the VPP at a place, counted from 0; colours come again after seven, with other hatches."""
    return VppStyle(COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)], HATCHES[place % len(HATCHES)])


def drawn(function: Callable[P, R]) -> Callable[P, R]:
    """Draw with these settings, whatever the caller's are."""

    @wraps(function)
    def styled(*args: P.args, **kwargs: P.kwargs) -> R:
        with mpl.rc_context():
            mpl.rcdefaults()
            mpl.rcParams.update(SETTINGS)  # type: ignore[arg-type]  # only names known to it
            return function(*args, **kwargs)

    return styled


def new_figure(height_in: float, width_in: float = WIDTH_IN) -> Figure:
    """An empty figure; its layout leaves room for legends outside the axes."""
    return Figure(figsize=(width_in, height_in), layout="constrained")


def nothing_to_draw(reason: str) -> Figure:
    """A figure that says in words why it is empty."""
    figure = new_figure(1.6)
    figure.text(0.5, 0.5, reason, ha="center", va="center", fontsize=12, color=GREY)
    return figure


def say_hidden(figure: Figure, vpps: Sequence[str]) -> None:
    """Say below a figure which VPPs it lacks since they do not show what it draws."""
    if vpps:
        names = ", ".join(vpps[:MOST_NAMED]) + (f" and {len(vpps) - MOST_NAMED} more" * (len(vpps) > MOST_NAMED))
        figure.supxlabel(f"not shown by {names}", x=0.01, ha="left", fontsize=9.5, color=GREY)


def panels(figure: Figure, count: int, most_abreast: int) -> list[Axes]:
    """`count` axes in rows of at most `most_abreast`, with common axes."""
    columns = min(count, most_abreast)
    rows = -(-count // columns)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    axes = list(grid.flat)
    for unused in axes[count:]:
        unused.remove()
    for place, ax in enumerate(axes[:count]):
        ax.xaxis.set_tick_params(labelbottom=is_lowest(place, count, most_abreast))
    return axes[:count]


def is_lowest(place: int, count: int, most_abreast: int) -> bool:
    """Whether no panel stands below this one, so that it carries the label of the axis."""
    return place + min(count, most_abreast) >= count


def edges(periods: int) -> Array:
    """Where periods 1 … T begin and end on an axis, shape (T+1,)."""
    return np.arange(0.5, periods + 1.0)


def period_axis(ax: Axes, periods: int, *, label: bool = True, most_ticks: int = 24) -> None:
    """Periods 1 … T below the axes, thinned to what can be read."""
    step = next(s for s in (1, 2, 3, 4, 6, 8, 12, 24, 48, 96, periods) if periods / s <= most_ticks)
    ticks = [1, *range(step, periods + 1, step)] if step > 1 else [*range(1, periods + 1)]
    ax.set_xticks([t for t in ticks if t == 1 or t - 1 > step / 2 or step == 1])
    ax.set_xlim(0.5, periods + 0.5)
    ax.grid(axis="x", visible=False)
    if label:
        ax.set_xlabel("period")


def value_axis(ax: Axes, label: str) -> None:
    """A labelled vertical axis with few ticks, thousands set apart."""
    ax.set_ylabel(label)
    ax.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_formatter(THOUSANDS)


def plain_number(value: float, _: object = None) -> str:
    """A tick's number: thousands set apart, no more digits than it needs."""
    return f"{0.0 if abs(value) < 1e-12 else value:,.10g}".replace("-", "−")


THOUSANDS = FuncFormatter(plain_number)


def outside_legend(
    figure: Figure, entries: Sequence[tuple[Artist | tuple[Artist, ...], str]], columns: int = 8
) -> None:
    """A legend above the axes, in reading order."""
    if not entries:
        return
    handles, labels = zip(*entries, strict=True)
    rows = -(-len(labels) // columns)
    abreast = -(-len(labels) // rows)
    order = [k for c in range(abreast) for k in range(c, len(labels), abreast)]  # matplotlib fills columns first
    figure.legend(
        [handles[k] for k in order],
        [labels[k] for k in order],
        loc="outside upper left",
        ncols=abreast,
        columnspacing=1.4,
        handletextpad=0.5,
    )
