"""Draws prices: by period and seller (Figure 7), and as they converge."""

from __future__ import annotations

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

from market.app.figures import style
from market.app.results.kept import TraceQuantity
from market.app.results.recorded import RecordedRun

NO_OFFERS = "No VPP trades with another in any period: nobody offers a price."
SPREAD = 0.7  # how much of a period's width the sellers' marks take up, side by side
CONVERGED = 1e-9  # CNY/kWh; smaller distances are drawn at the foot


@style.drawn
def prices_figure(run: RecordedRun) -> Figure:
    """Every offer at rest, CNY/kWh, with the band and the clearing price of each period."""
    sellers = run.sellers()
    if not sellers:
        return style.nothing_to_draw(NO_OFFERS)
    figure = style.new_figure(4.4)
    ax = figure.subplots()
    entries = _band(ax, run)
    styles = style.vpp_styles(run.vpps)
    side_by_side = _places(run)
    for seller in sellers:
        offers = run["offers"].where(vpp=seller)
        (marks,) = ax.plot(
            [side_by_side[seller, period] for period in offers["period"].tolist()],
            offers["price_cny_per_mwh"] / 1000,
            linestyle="none",
            marker=styles[seller].marker,
            markersize=6.5 if run.period_count <= 24 else 4,
            color=styles[seller].colour,
            markeredgecolor=style.BLACK,
            markeredgewidth=0.4,
            label=seller,
        )
        entries.append((marks, seller))
    style.period_axis(ax, run.period_count)
    style.value_axis(ax, "price in CNY/kWh")
    ax.use_sticky_edges = False
    ax.autoscale_view(scalex=False)
    style.outside_legend(figure, entries, columns=8)
    return figure


def _places(run: RecordedRun) -> dict[tuple[str, int], float]:
    """Where each seller's mark stands in each period: side by side, so that equal prices can be seen."""
    offers = run["offers"]
    return {
        (seller, period): period + SPREAD * ((place + 0.5) / len(present) - 0.5)
        for period in offers.distinct("period")
        for present in [offers.where(period=period)["vpp"].tolist()]
        for place, seller in enumerate(present)
    }


def _band(ax: Axes, run: RecordedRun) -> list[tuple[Artist, str]]:
    table, where = run["periods"], style.edges(run.period_count)
    floor, cap = table["floor_cny_per_mwh"] / 1000, table["cap_cny_per_mwh"] / 1000
    inside = np.where(floor <= cap, cap, np.nan)
    ax.stairs(inside, where, baseline=floor, fill=True, color="#EFEFEF", linewidth=0, label="band")
    ceiling = ax.stairs(cap, where, baseline=None, color=style.GREY, linewidth=1.4, label="cap")
    ground = ax.stairs(floor, where, baseline=None, color=style.GREY, linewidth=1.4, linestyle=":", label="floor")
    clearing = ax.hlines(
        table["p_clr_cny_per_mwh"] / 1000, where[:-1], where[1:], color=style.BLACK, linewidth=2, label="p_clr"
    )
    return [(ceiling, "cap"), (ground, "floor"), (clearing, "clearing price")]


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
    for row, (clock, label) in enumerate(clocks.items()):
        _paths(grid[row, 0], run, busiest, clock)
        _distances(grid[row, 1], run, clock)
        for ax in grid[row]:
            ax.set_xlabel(label)
            ax.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=clock == "round"))
            ax.xaxis.set_major_formatter(style.THOUSANDS)
    style.outside_legend(figure, [(_proxy(run, seller), seller) for seller in run.sellers()])
    return figure


def _paths(ax: Axes, run: RecordedRun, period: int, clock: str) -> None:
    styles = style.vpp_styles(run.vpps)
    trace = run.traced(TraceQuantity.PRICE).where(period=period)
    for seller in [vpp for vpp in run.vpps if vpp in set(trace["vpp"])]:
        way = trace.where(vpp=seller)
        ax.plot(
            way[clock],
            way["value"] / 1000,
            color=styles[seller].colour,
            marker=styles[seller].marker,
            markersize=4,
            drawstyle="steps-post",
            label=seller,
        )
    ax.set_title(f"Prices of period {period}")
    style.value_axis(ax, "CNY/kWh")


def _distances(ax: Axes, run: RecordedRun, clock: str) -> None:
    """A line for each seller and period; on a logarithmic axis steady progress is a straight line."""
    styles, trace = style.vpp_styles(run.vpps), run.traced(TraceQuantity.PRICE)
    for seller in trace.distinct("vpp"):
        for period in trace.where(vpp=seller).distinct("period"):
            way = trace.where(vpp=seller, period=period)
            distance = np.maximum(abs(way["value"] - way["value"][-1]) / 1000, CONVERGED)
            ax.plot(
                way[clock],
                distance,
                color=styles[seller].colour,
                linewidth=0.9,
                alpha=0.8,
                label=f"{seller} {period}",
            )
    _log_axis(ax)
    ax.set_title("Distance to the last price, every period")


def _proxy(run: RecordedRun, seller: str) -> Artist:
    vpp_style = style.vpp_styles(run.vpps)[seller]
    return Line2D([], [], color=vpp_style.colour, marker=vpp_style.marker, markersize=5)


def _log_axis(ax: Axes) -> None:
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(base=10, numticks=7))
    ax.yaxis.set_minor_locator(LogLocator(base=10, subs=(), numticks=7))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0e}".replace("-", "−")))
    ax.set_ylabel("CNY/kWh")
