"""Draws selection probabilities: by period (Figure 8), and how they evolve in one period (Figure 9)."""

from __future__ import annotations

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from market.app.figures import style
from market.app.results.kept import TraceQuantity
from market.app.results.recorded import RecordedRun

NO_CHOICE = "No VPP trades with another in any period: nobody has anything to select."
PAPER_PERIOD = 3


@style.drawn
def probabilities_figure(run: RecordedRun) -> Figure:
    """How each buyer spreads its demand over the sellers: shares stacked to 1, a panel for each buyer."""
    buyers = run.buyers()
    if not buyers:
        return style.nothing_to_draw(NO_CHOICE)
    abreast = 2 if len(buyers) <= 6 else 3
    figure = style.new_figure(1.75 * -(-len(buyers) // abreast) + 0.9)
    axes = style.panels(figure, len(buyers), abreast)
    entries: dict[str, Artist] = {}
    for place, (ax, buyer) in enumerate(zip(axes, buyers, strict=True)):
        entries |= _shares(ax, run, buyer)
        ax.set_title(f"{buyer} buys")
        lowest = style.is_lowest(place, len(buyers), abreast)
        style.period_axis(ax, run.period_count, label=lowest, most_ticks=12 if abreast == 2 else 8)
        style.value_axis(ax, "probability" if place % abreast == 0 else "")
        ax.set_ylim(0, 1)
    style.outside_legend(figure, [(entries[seller], f"from {seller}") for seller in run.vpps if seller in entries])
    return figure


def _shares(ax: Axes, run: RecordedRun, buyer: str) -> dict[str, Artist]:
    styles, chosen = style.vpp_styles(run.vpps), run["selections"].where(buyer=buyer)
    base = np.zeros(run.period_count)
    drawn: dict[str, Artist] = {}
    for seller in [vpp for vpp in run.vpps if vpp in set(chosen["seller"])]:
        share = run.by_period(chosen.where(seller=seller), "probability")
        top = base + np.nan_to_num(share)
        drawn[seller] = ax.stairs(
            np.where(np.isnan(share), np.nan, top),
            style.edges(run.period_count),
            baseline=base,
            fill=True,
            facecolor=styles[seller].colour,
            edgecolor="#303030",
            linewidth=0.3,
            hatch=styles[seller].hatch,
            label=seller,
        )
        base = top
    return drawn


def convergence_period(run: RecordedRun, wanted: int = PAPER_PERIOD) -> int | None:
    """The wanted period if several sellers offer there, else the first with most sellers; None: no trade."""
    offering = np.bincount(run["offers"]["period"], minlength=run.period_count + 1)
    if not offering.any():
        return None
    if wanted <= run.period_count and offering[wanted] > 1:
        return wanted
    return int(np.argmax(offering))


@style.drawn
def evolution_figure(run: RecordedRun, period: int | None = None) -> Figure:
    """The replicator steps (25) of every buyer's probabilities at the final prices of one period.

    period : the paper's period 3, or that of `convergence_period`, if not given
    """
    period = convergence_period(run) if period is None else period
    if reason := run.untraced(TraceQuantity.EVOLUTION):
        return style.nothing_to_draw(reason)
    trace = run.traced(TraceQuantity.EVOLUTION).where(period=period or 0)
    if not len(trace):
        reason = NO_CHOICE if period is None else f"No VPP trades with another in period {period}."
        return style.nothing_to_draw(reason)
    buyers = [vpp for vpp in run.vpps if vpp in set(trace["vpp"])]
    abreast = min(4, len(buyers)) if len(buyers) > 1 else 1
    rows = -(-len(buyers) // abreast)
    figure = style.new_figure(2.3 * rows + 0.9, style.WIDTH_IN if abreast > 1 else 6.4)
    axes = style.panels(figure, len(buyers), abreast)
    styles = style.vpp_styles(run.vpps)
    entries: dict[str, Artist] = {}
    for place, (ax, buyer) in enumerate(zip(axes, buyers, strict=True)):
        own = trace.where(vpp=buyer)
        for seller in [vpp for vpp in run.vpps if vpp in set(own["counterpart"])]:
            way = own.where(counterpart=seller)
            (entries[seller],) = ax.plot(
                way["round"],
                way["value"],
                color=styles[seller].colour,
                marker=styles[seller].marker,
                markersize=4,
                markevery=max(1, len(way) // 12),
                label=seller,
            )
        ax.set_title(f"{buyer} buys in period {period}")
        ax.set_ylim(-0.03, 1.03)
        style.value_axis(ax, "probability" if place % abreast == 0 else "")
        if style.is_lowest(place, len(buyers), abreast):
            ax.set_xlabel("step of the evolution")
    style.outside_legend(figure, [(entries[seller], f"from {seller}") for seller in run.vpps if seller in entries])
    return figure
