"""Draws prices: by period and seller (Figure 7), and as they converge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

from market.app.figures import style
from market.app.figures.named import OTHERS, so_many_others, styles_of
from market.app.figures.names import short_names
from market.app.results.kept import TraceQuantity
from market.app.results.recorded import RecordedRun
from market.app.results.records import Records
from market.model.arrays import Array

NO_OFFERS = "No VPP trades with another in any period: nobody offers a price."
SPREAD = 0.7  # how much of a period's width the sellers' marks take up, side by side
CONVERGED = 1e-9  # CNY/kWh; smaller distances are drawn at the foot
HAIR = 1.2  # points; so wide is a band at least, where all sellers ask the same
MOST_LINES = 400  # of distances as drawings; more are one bitmap


@style.drawn
def prices_figure(run: RecordedRun) -> Figure:
    """Every offer at rest, CNY/kWh, with the band and the clearing price of each period.

    Of many sellers those who sell most have marks, and all together a band from the least to the highest price.
    """
    sellers = run.sellers()
    if not sellers:
        return style.nothing_to_draw(NO_OFFERS)
    figure = style.new_figure(4.4)
    ax = figure.subplots()
    entries = _band(ax, run)
    looks = styles_of(run)
    named = [seller for seller in sellers if seller in looks]
    if len(named) < len(sellers):
        entries += _spread(ax, run, len(sellers))
    offers = {seller: rows for (seller,), rows in run["offers"].by("vpp").items()}
    side_by_side, names = _places(run, named), short_names(run.vpps)
    shape = _mark(run, side_by_side)
    for seller in named:
        ax.plot(
            [side_by_side[seller, period] for period in offers[seller]["period"].tolist()],
            offers[seller]["price_cny_per_mwh"] / 1000,
            linestyle="none",
            marker=looks[seller].marker,
            color=looks[seller].colour,
            markeredgecolor=style.BLACK,
            label=seller,
            **shape,
        )
        look = looks[seller]
        sample = Line2D([], [], linestyle="none", marker=look.marker, color=look.colour, markersize=6.5)
        entries.append((sample, names[seller]))
    style.period_axis(ax, run.period_count)
    style.value_axis(ax, "price in CNY/kWh")
    ax.use_sticky_edges = False
    ax.autoscale_view(scalex=False)
    style.outside_legend(figure, entries)
    return figure


def _mark(run: RecordedRun, side_by_side: Mapping[tuple[str, int], float]) -> dict[str, Any]:
    """How large marks are: as wide as their places side by side, as far as they can still be seen."""
    present = Counter(period for _, period in side_by_side)
    place_pt = SPREAD * 72.0 * style.WIDTH_IN / run.period_count / max(present.values(), default=1)
    size = min(6.5, max(1.1 * place_pt, 3.5 if run.period_count <= style.MANY_PERIODS else 2.2))
    return {"markersize": size, "markeredgewidth": 0.4 if size >= 4.0 else 0.0}


def _places(run: RecordedRun, named: list[str]) -> dict[tuple[str, int], float]:
    """Where each seller's mark stands in each period: side by side, so that equal prices can be seen."""
    return {
        (seller, period): period + SPREAD * ((place + 0.5) / len(present) - 0.5)
        for (period,), offers in run["offers"].by("period").items()
        for present in [[vpp for vpp in offers["vpp"].tolist() if vpp in named]]
        for place, seller in enumerate(present)
    }


def _band(ax: Axes, run: RecordedRun) -> list[style.Entry]:
    table, where = run["periods"], style.edges(run.period_count)
    floor, cap = table["floor_cny_per_mwh"] / 1000, table["cap_cny_per_mwh"] / 1000
    inside = np.where(floor <= cap, cap, np.nan)
    style.stairs(ax, inside, where, baseline=floor, fill=True, color="#EFEFEF", linewidth=0, label="band")
    ceiling = style.stairs(ax, cap, where, baseline=None, color=style.GREY, linewidth=1.4, label="cap")
    ground = style.stairs(
        ax, floor, where, baseline=None, color=style.GREY, linewidth=1.4, linestyle=":", label="floor"
    )
    clearing = ax.hlines(
        table["p_clr_cny_per_mwh"] / 1000, where[:-1], where[1:], color=style.BLACK, linewidth=2, label="p_clr"
    )
    return [(ceiling, "cap"), (ground, "floor"), (clearing, "clearing price")]


def _spread(ax: Axes, run: RecordedRun, sellers: int) -> list[style.Entry]:
    """From the least to the highest price of each period, and where the middle half of the sellers is."""
    found = np.full((4, run.period_count), np.nan)
    for (period,), offers in run["offers"].by("period").items():
        found[:, period - 1] = np.quantile(offers["price_cny_per_mwh"] / 1000, (0.0, 0.25, 0.75, 1.0))
    least, low, high, most = found
    where = style.edges(run.period_count)
    style.stairs(ax, most, where, baseline=least, fill=True, color="#9FC9E8", linewidth=0, label="all")
    style.stairs(ax, high, where, baseline=low, fill=True, color="#4A90C4", linewidth=0, label="half")
    ax.hlines((low + high) / 2, where[:-1], where[1:], color="#4A90C4", linewidth=HAIR)
    return [
        (Patch(color="#9FC9E8"), f"all {sellers} sellers"),
        (Patch(color="#4A90C4"), "the middle half of them"),
    ]


@style.drawn
def price_convergence_figure(run: RecordedRun) -> Figure:
    """Prices on their way: those of the busiest period, and every price's distance to its last value.

    Over the rounds of each seller, and over simulated time where it passes.
    """
    if reason := run.untraced(TraceQuantity.PRICE):
        return style.nothing_to_draw(reason)
    trace = run.traced(TraceQuantity.PRICE)
    if not len(trace):
        return style.nothing_to_draw(NO_OFFERS)
    timed = bool((trace["time_s"] > 0).any())
    clocks = {"round": "offers of the seller so far"} | ({"time_s": "simulated time in s"} if timed else {})
    figure = style.new_figure(3.4 * len(clocks) + 0.3)
    grid = figure.subplots(len(clocks), 2, squeeze=False)
    periods, counts = np.unique(trace["period"], return_counts=True)
    busiest = int(periods[np.argmax(counts)])
    looks = styles_of(run)
    ways = trace.by("vpp", "period")
    for row, (clock, label) in enumerate(clocks.items()):
        _paths(grid[row, 0], {vpp: way for (vpp, period), way in ways.items() if period == busiest}, looks, clock)
        grid[row, 0].set_title(f"Prices of period {busiest}")
        _distances(grid[row, 1], ways, looks, clock)
        for ax in grid[row]:
            ax.set_xlabel(label)
            ax.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=clock == "round"))
            ax.xaxis.set_major_formatter(style.THOUSANDS)
    sellers = run.sellers()
    style.outside_legend(figure, seller_entries(run, sellers, looks))
    return figure


def seller_entries(run: RecordedRun, sellers: list[str], looks: dict[str, style.VppStyle]) -> list[style.Entry]:
    """What a line of each seller looks like, and of all those who have no look of their own."""
    named, names = [seller for seller in sellers if seller in looks], short_names(run.vpps)
    entries: list[style.Entry] = [(_sample(looks[seller]), names[seller]) for seller in named]
    if len(named) < len(sellers):
        entries.append((_sample(OTHERS), so_many_others(named, sellers)))
    return entries


def _sample(look: style.VppStyle) -> Line2D:
    return Line2D([], [], color=look.colour, marker=look.marker, markersize=5)


def _paths(ax: Axes, ways: dict[str, Records], looks: dict[str, style.VppStyle], clock: str) -> None:
    """The prices of one period, those of sellers without a look of their own behind the others."""
    for seller, way in sorted(ways.items(), key=lambda entry: entry[0] in looks):
        look = looks.get(seller, OTHERS)
        ax.plot(
            way[clock],
            way["value"] / 1000,
            color=look.colour,
            marker=look.marker,
            markersize=4 if seller in looks else 2,
            linewidth=1.6 if seller in looks else 0.6,
            drawstyle="steps-post",
            label=seller,
        )
    style.value_axis(ax, "CNY/kWh")


def _distances(
    ax: Axes, ways: dict[tuple[str, int], Records], looks: dict[str, style.VppStyle], clock: str
) -> None:
    """A line for each seller and period; on a logarithmic axis steady progress is a straight line."""
    colours = [looks.get(seller, OTHERS).colour for seller, _ in ways]
    lines: list[Array] = []
    for way in ways.values():
        distance = np.maximum(abs(way["value"] - way["value"][-1]) / 1000, CONVERGED)
        lines.append(np.column_stack([way[clock], distance]))
    drawn = LineCollection(lines, colors=colours, linewidths=0.9 if len(lines) <= MOST_LINES else 0.5, alpha=0.8)
    drawn.set_rasterized(len(lines) > MOST_LINES)
    ax.add_collection(drawn)
    ax.autoscale_view()
    _log_axis(ax)
    ax.set_title("Distance to the last price, every period")


def _log_axis(ax: Axes) -> None:
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(base=10, numticks=7))
    ax.yaxis.set_minor_locator(LogLocator(base=10, subs=(), numticks=7))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0e}".replace("-", "−")))
    ax.set_ylabel("CNY/kWh")
