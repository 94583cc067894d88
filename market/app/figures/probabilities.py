"""Draws selection probabilities: by period (Figure 8), and how they evolve in one period (Figure 9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from market.app.figures import style
from market.app.figures.named import OTHERS, largest, so_many_others, styles_of
from market.app.figures.names import short_names
from market.app.figures.prices import seller_entries
from market.app.results.kept import TraceQuantity
from market.app.results.recorded import RecordedRun
from market.app.results.records import Records
from market.model.arrays import Array

NO_CHOICE = "No VPP trades with another in any period: nobody has anything to select."
PAPER_PERIOD = 3
MOST_PANELS = 12

REST = ""
"""Stands for all sellers without a look of their own."""


@style.drawn
def probabilities_figure(run: RecordedRun) -> Figure:
    """How each buyer spreads its demand over the sellers: shares stacked to 1, a panel for each buyer.

    Of many buyers those that ask for most have a panel each, the others one together; of many sellers those who
    sell most have a colour each.
    """
    buyers = _buyers(run)
    if not buyers:
        return style.nothing_to_draw(NO_CHOICE)
    abreast = 2 if len(buyers) <= 6 else 3
    figure = style.new_figure(1.75 * -(-len(buyers) // abreast) + 0.9)
    axes = style.panels(figure, len(buyers), abreast)
    looks, drawn = styles_of(run), set[str]()
    for place, (ax, (buyer, chosen)) in enumerate(zip(axes, buyers.items(), strict=True)):
        drawn |= _shares(ax, _share_of(chosen, run.period_count, looks), looks)
        ax.set_title(f"{buyer} {'buy' if buyer.endswith('others') else 'buys'}")
        lowest = style.is_lowest(place, len(buyers), abreast)
        style.period_axis(ax, run.period_count, label=lowest, most_ticks=12 if abreast == 2 else 8)
        style.value_axis(ax, "probability" if place % abreast == 0 else "")
        ax.set_ylim(0, 1)
    style.outside_legend(figure, _from_whom(run, drawn, looks))
    return figure


def _buyers(run: RecordedRun) -> dict[str, Records]:
    """What each buyer selects, under the title of its panel."""
    chosen = {buyer: rows for (buyer,), rows in run["selections"].by("buyer").items()}
    names, buyers = short_names(run.vpps), run.buyers()
    if len(buyers) <= MOST_PANELS:
        return {names[buyer]: chosen[buyer] for buyer in buyers}
    asked = {buyer: float(chosen[buyer]["requested_mw"].sum()) for buyer in buyers}
    chief = largest(asked, MOST_PANELS - 1)
    table, others = run["selections"], {buyer for buyer in buyers if buyer not in chief}
    rest = np.array([buyer in others for buyer in table["buyer"].tolist()], dtype=bool)
    together = table.only(rest)
    return {**{names[buyer]: chosen[buyer] for buyer in chief}, f"{len(others)} others": together}


def _share_of(chosen: Records, periods: int, looks: Mapping[str, style.VppStyle]) -> dict[str, Array]:
    """The share of each seller with a look of its own, and of the REST, shape (T,); NaN where nobody buys.

    Of one buyer its probabilities, of several those of a unit of what they ask for.
    """
    several = len(set(chosen["buyer"].tolist())) > 1
    weights = chosen["requested_mw"] if several else chosen["probability"]
    total = np.bincount(chosen["period"] - 1, weights, minlength=periods) if several else np.ones(periods)
    buying = np.bincount(chosen["period"] - 1, minlength=periods) > 0
    sellers = np.array([s if s in looks else REST for s in chosen["seller"].tolist()], dtype=object)
    shares: dict[str, Array] = {}
    for seller in [*(s for s in looks if s in set(sellers)), *([REST] if REST in set(sellers) else [])]:
        own = sellers == seller
        part = np.bincount(chosen["period"][own] - 1, weights[own], minlength=periods)
        there = np.bincount(chosen["period"][own] - 1, minlength=periods) > 0
        shares[seller] = np.where(buying & there, part / np.where(total > 0, total, 1.0), np.nan)
    return shares


def _shares(ax: Axes, shares: Mapping[str, Array], looks: Mapping[str, style.VppStyle]) -> set[str]:
    """Stack them; returns whose are there."""
    base = np.zeros(len(next(iter(shares.values()))))
    many = len(base) > style.MANY_PERIODS
    for seller, share in shares.items():
        top = base + np.nan_to_num(share)
        look = looks.get(seller, OTHERS)
        style.stairs(
            ax,
            np.where(np.isnan(share), np.nan, top),
            style.edges(len(share)),
            baseline=base,
            fill=True,
            facecolor=look.colour if seller else "#C9C9C9",
            edgecolor="#303030",
            linewidth=0.0 if many else 0.3,
            hatch=look.hatch,
            label=seller,
        )
        base = top
    return set(shares)


def _from_whom(run: RecordedRun, drawn: set[str], looks: Mapping[str, style.VppStyle]) -> list[style.Entry]:
    names = short_names(run.vpps)
    edge: dict[str, Any] = {"edgecolor": "#303030", "linewidth": 0.3}
    entries: list[style.Entry] = [
        (Patch(facecolor=look.colour, hatch=look.hatch, **edge), f"from {names[seller]}")
        for seller, look in looks.items()
        if seller in drawn
    ]
    if REST in drawn:
        others = so_many_others(list(looks), run.sellers())
        entries.append((Patch(facecolor="#C9C9C9", **edge), f"from {others}"))
    return entries


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

    Of many buyers those that ask for most there are drawn, and of many sellers those who sell most.

    period : the paper's period 3, or that of `convergence_period`, if not given
    """
    period = convergence_period(run) if period is None else period
    if reason := run.untraced(TraceQuantity.EVOLUTION):
        return style.nothing_to_draw(reason)
    trace = run.traced(TraceQuantity.EVOLUTION).where(period=period or 0)
    if not len(trace):
        reason = NO_CHOICE if period is None else f"No VPP trades with another in period {period}."
        return style.nothing_to_draw(reason)
    own = {buyer: rows for (buyer,), rows in trace.by("vpp").items()}
    buyers = _chief_buyers(run, [vpp for vpp in run.vpps if vpp in own], period or 0)
    abreast = min(4, len(buyers)) if len(buyers) > 1 else 1
    rows = -(-len(buyers) // abreast)
    figure = style.new_figure(2.3 * rows + 0.9, style.WIDTH_IN if abreast > 1 else 6.4)
    axes = style.panels(figure, len(buyers), abreast)
    looks, names = styles_of(run), short_names(run.vpps, 14)
    for place, (ax, buyer) in enumerate(zip(axes, buyers, strict=True)):
        _ways(ax, own[buyer], looks)
        ax.set_title(f"{names[buyer]} buys")
        style.value_axis(ax, "probability" if place % abreast == 0 else "")
        if style.is_lowest(place, len(buyers), abreast):
            style.amount_axis(ax, f"step in period {period}")
    top = max(float(way.max()) for way in (own[buyer]["value"] for buyer in buyers))
    axes[0].set_ylim(-0.03 * top, 1.03 * top)
    sellers = [vpp for vpp in run.vpps if vpp in set(trace["counterpart"].tolist())]
    entries = seller_entries(run, sellers, looks)
    style.outside_legend(figure, [(sample, f"from {name}") for sample, name in entries])
    if len(buyers) < len(own):
        style.say_below(figure, f"the {len(buyers)} of {len(own)} buyers that ask for most")
    return figure


def _chief_buyers(run: RecordedRun, buyers: list[str], period: int) -> list[str]:
    bids = run["bids"].where(period=period)
    asked = dict(zip(bids["vpp"].tolist(), bids["deficit_mw"].tolist(), strict=True))
    return largest({buyer: asked.get(buyer, 0.0) for buyer in buyers}, MOST_PANELS)


def _ways(ax: Axes, own: Records, looks: Mapping[str, style.VppStyle]) -> None:
    """A line for each seller with a look of its own, and thin ones of all others."""
    ways = {seller: way for (seller,), way in own.by("counterpart").items()}
    for seller in (*(s for s in ways if s not in looks), *(s for s in looks if s in ways)):
        way = ways[seller]
        look, named = looks.get(seller, OTHERS), seller in looks
        ax.plot(
            way["round"],
            way["value"],
            color=look.colour,
            linewidth=1.6 if named else 0.5,
            marker=look.marker if named else None,
            markersize=4,
            markevery=max(1, len(way) // 12),
            label=seller,
        )
