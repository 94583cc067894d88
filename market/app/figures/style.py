"""The style of all figures: colours, markers and hatches, axes in periods, legends outside the data.

A VPP has one colour, marker and hatch in every figure of a run; markers and hatches tell VPPs apart where a print
has no colour. Who has a look of its own is in `market.app.figures.named`. Colours are Okabe and Ito's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from textwrap import fill
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import StepPatch
from matplotlib.textpath import TextToPath
from matplotlib.ticker import FuncFormatter, MaxNLocator

from market.app.figures.names import short_names
from market.model.arrays import Array

BLACK, GREY, LIGHT = "#000000", "#767676", "#D9D9D9"
BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, YELLOW = "#56B4E9", "#CC79A7", "#F0E442"
ALONE, TRADING = GREY, ORANGE
"""A day with the grid only, and with trade."""
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, VERMILLION, SKY, "#444444")  # yellow lines are lost on white
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "h", "p", "*")
HATCHES = ("", "///", "\\\\\\", "xx", "--", "|||", "++", "/", "\\", "x", "-/", "|/")
WIDTH_IN = 9.6
MANY_PERIODS = 96
"""Beyond it steps are so narrow that edges would hide them, and lines have to be thin."""
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
    return Figure(figsize=(width_in, height_in), layout=ConstrainedLayoutEngine(w_pad=0.07))


LEAST_ROW_IN = 0.115
"""A row may be so narrow that its name, in small letters, can still be read."""
_COMFORTABLE_IN, _MOST_IN = 7.0, 14.0


def row_height_in(rows: int, roomy_in: float, least_in: float = LEAST_ROW_IN) -> float:
    """How high each of so many rows of a picture is: roomy where few are, else narrower: no picture is a scroll.

    Of more rows than there is room for only some can be named (`name_rows`).

    >>> row_height_in(5, 0.3), row_height_in(100, 0.3), row_height_in(1000, 0.3)
    (0.3, 0.115, 0.014)
    """
    return min(roomy_in, max(least_in, _COMFORTABLE_IN / rows), _MOST_IN / rows)


def name_rows(ax: Axes, names: Sequence[str], row_in: float) -> None:
    """Names of rows at the left, the first at the top: every one, or every so many where rows are narrow."""
    step = max(1, int(np.ceil(LEAST_ROW_IN / row_in - 1e-9)))
    shown = range(0, len(names), step)
    short = short_names(names)
    size = min(10.0, 0.8 * 72.0 * row_in * step)
    ax.set_yticks([*shown], [short[names[at]] for at in shown], fontsize=size)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.grid(axis="y", visible=False)


def nothing_to_draw(reason: str) -> Figure:
    """A figure that says in words why it is empty."""
    figure = new_figure(1.6)
    figure.text(0.5, 0.5, reason, ha="center", va="center", fontsize=12, color=GREY)
    return figure


def say_hidden(figure: Figure, vpps: Sequence[str]) -> None:
    """Say below a figure which VPPs it lacks since they do not show what it draws."""
    if vpps:
        short = [*short_names(vpps[:MOST_NAMED]).values()]
        names = ", ".join(short) + (f" and {len(vpps) - MOST_NAMED} more" * (len(vpps) > MOST_NAMED))
        say_below(figure, f"not shown by {names}")


def say_below(figure: Figure, text: str) -> None:
    """A remark in small letters below a figure, in as many lines as it takes."""
    letters = int(figure.get_figwidth() * 14)
    figure.supxlabel(fill(text, letters), x=0.01, ha="left", fontsize=9.5, color=GREY)


def panels(figure: Figure, count: int, most_abreast: int, *, one_scale: bool = True) -> list[Axes]:
    """`count` axes in rows of at most `most_abreast`, with a common axis below, and at the left if `one_scale`."""
    columns = min(count, most_abreast)
    grid = figure.subplots(-(-count // columns), columns, sharex=True, sharey=one_scale, squeeze=False)
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


STEPS = (1, 2, 3, 4, 6, 8, 12, 24, 48, 96, 192, 336, 672, 1344, 2688, 4380, 8760, 17520)
"""Of periods between two marks: parts of a day, days, weeks, a year."""


def period_axis(ax: Axes, periods: int, *, label: bool = True, most_ticks: int = 24) -> None:
    """Periods 1 … T below the axes, thinned to what can be read."""
    step = next((s for s in STEPS if periods / s <= most_ticks), periods)
    ticks = [1, *range(step, periods + 1, step)] if step > 1 else [*range(1, periods + 1)]
    ax.set_xticks([t for t in ticks if t == 1 or t - 1 > step / 2 or step == 1])
    ax.set_xlim(0.5, periods + 0.5)
    ax.grid(axis="x", visible=False)
    if label:
        ax.set_xlabel("period")


def value_axis(ax: Axes, label: str, ticks: int = 6) -> None:
    """A labelled vertical axis with few ticks, thousands set apart."""
    ax.set_ylabel(label)
    ax.yaxis.set_major_locator(MaxNLocator(nbins=ticks, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_formatter(THOUSANDS)


def stairs(
    ax: Axes, values: Array, where: Array, *, baseline: Array | float | None = 0.0, fill: bool = False, **look: Any
) -> StepPatch:
    """As `ax.stairs`, which takes ten times as long: it measures each corner of a step as if it were a curve."""
    if fill:
        look.setdefault("linewidth", 0.0)
    patch = StepPatch(values, where, baseline=baseline, fill=fill, **look)  # type: ignore[arg-type]  # takes arrays
    ax.add_artist(patch)
    heights = [values, *([] if baseline is None else [np.broadcast_to(baseline, values.shape)])]
    ends = [float(end) for height in heights for end in (np.nanmin(height), np.nanmax(height))]
    ax.update_datalim([(where[0], min(ends)), (where[-1], max(ends))])
    if baseline is not None and np.min(baseline) >= 0.0:  # what hangs down keeps room below it
        patch.sticky_edges.y.append(float(np.min(baseline)))
    ax.autoscale(enable=None)  # type: ignore[arg-type]  # asks for it anew where it is on
    return patch


def amount_axis(ax: Axes, label: str) -> None:
    """A labelled horizontal axis of amounts: so few ticks that their numbers do not meet."""
    ax.set_xlabel(label)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]))
    ax.xaxis.set_major_formatter(THOUSANDS)


def from_zero(*axes: Axes) -> None:
    """Let axes of one scale begin at 0, or at what is below, and hold everything; for when all of it is drawn."""
    drawn = [ax.dataLim for ax in axes if np.isfinite(ax.dataLim.y1)]
    top = max((limits.y1 for limits in drawn), default=0.0)
    low = min((limits.y0 for limits in drawn), default=0.0)
    below = low < -1e-6 * abs(top)  # and no rounding
    axes[0].set_ylim(1.05 * low if below else 0.0, 1.05 * top if top > 0.0 else 0.0 if below else 1.0)


def give_room(ax: Axes) -> None:
    """Keep lines that hardly move from looking as if they did: at least 2 % of their height in sight."""
    low, high = ax.get_ylim()
    least = 0.02 * max(abs(low), abs(high), 1e-9)
    if high - low < least:
        middle = (low + high) / 2
        ax.set_ylim(middle - least / 2, middle + least / 2)


def plain_number(value: float, _: object = None) -> str:
    """A tick's number: thousands set apart, no more digits than it needs."""
    return f"{0.0 if abs(value) < 1e-12 else value:,.10g}".replace("-", "−")


THOUSANDS = FuncFormatter(plain_number)


Entry = tuple[Artist | tuple[Artist, ...], str]
"""What stands in a legend: a sample of what is drawn, and what it means."""


def outside_legend(figure: Figure, entries: Sequence[Entry]) -> None:
    """A legend above the axes, in reading order, with as many columns as there is room for."""
    if not entries:
        return
    handles, labels = zip(*entries, strict=True)
    abreast = _columns(labels, 72.0 * figure.get_figwidth() - 20.0)
    order = [k for c in range(abreast) for k in range(c, len(labels), abreast)]  # matplotlib fills columns first
    figure.legend(
        [handles[k] for k in order],
        [labels[k] for k in order],
        loc="outside upper left",
        ncols=abreast,
        columnspacing=_GAP,
        handletextpad=0.5,
        handlelength=_SAMPLE,
    )


_GAP, _SAMPLE = 1.4, 2.0  # between columns, and of the sample, in sizes of the legend's letters


def _columns(labels: Sequence[str], width_pt: float) -> int:
    """The most columns of a legend that fit side by side, with as few rows as that takes, evenly filled."""
    size = float(mpl.rcParams["legend.fontsize"])
    font = FontProperties(family=mpl.rcParams["font.family"], size=size)
    wide = [TextToPath().get_text_width_height_descent(label, font, False)[0] for label in labels]

    def total(columns: int) -> float:
        widest = [max(wide[c::columns]) for c in range(columns)]
        return sum(widest) + size * (columns * (_SAMPLE + 0.5) + (columns - 1) * _GAP + 1.0)

    most = max((n for n in range(1, len(labels) + 1) if total(n) <= width_pt), default=1)
    rows = -(-len(labels) // most)
    even = -(-len(labels) // rows)
    return even if total(even) <= width_pt else most
