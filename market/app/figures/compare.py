"""Draws the differences between two runs: costs, prices, selection probabilities."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from market.app.analysis.compare import SAME_PRICE, SAME_PROBABILITY, Comparison, differing
from market.app.figures import style
from market.app.figures.picture import Picture

MEASURES = (
    ("total_cny", "Total cost", "CNY"),
    ("carbon_cny", "Carbon cost", "CNY"),
    ("emission_t", "Emission", "t CO2"),
)
SCENARIOS = (("grid_only", style.GREY, "", "without trading"), ("game", style.ORANGE, "///", "with trading"))


def comparison_pictures(compared: Comparison) -> Iterator[Picture]:
    """The differences, second run less first, as pictures."""
    less = "The second run less the first."
    yield Picture("cost_differences", "Costs and emission", less, cost_differences_figure(compared))
    if "prices" in compared.tables:
        yield Picture("price_differences", "Sale prices", less, price_differences_figure(compared))
        yield Picture("probability_differences", "Probabilities", less, probability_differences_figure(compared))


@style.drawn
def cost_differences_figure(compared: Comparison) -> Figure:
    """Second less first of each VPP's total cost, carbon cost and emission, where both runs show them."""
    value = {r[:3]: float(r[5]) for name in ("costs", "carbon") for r in compared[name].rows}
    vpps = [vpp for vpp in compared.vpps if any((vpp, s, "total_cny") in value for s, *_ in SCENARIOS)]
    if not vpps:
        return style.nothing_to_draw("No VPP shows its costs in both runs.")
    figure = style.new_figure(0.48 * len(vpps) + 1.7)
    axes = figure.subplots(1, len(MEASURES), sharey=True)
    for ax, (quantity, name, unit) in zip(axes, MEASURES, strict=True):
        for shift, (scenario, colour, hatch, _) in zip((-0.19, 0.19), SCENARIOS, strict=True):
            bars = [value.get((vpp, scenario, quantity), np.nan) for vpp in vpps]
            places = np.arange(len(vpps)) + shift
            ax.barh(
                places, bars, 0.36, color=colour, hatch=hatch, edgecolor="#303030", linewidth=0.4, label=scenario
            )
        ax.axvline(0, color=style.BLACK, linewidth=0.8)
        ax.grid(axis="y", visible=False)
        ax.set_title(name)
        ax.set_xlabel(f"{unit}, second less first")
        ax.xaxis.set_major_locator(MaxNLocator(nbins=4))
        ax.xaxis.set_major_formatter(style.THOUSANDS)
    axes[0].set_yticks(range(len(vpps)), vpps)
    axes[0].invert_yaxis()
    style.outside_legend(
        figure,
        [(Patch(facecolor=c, hatch=h, edgecolor="#303030", linewidth=0.4), label) for _, c, h, label in SCENARIOS],
    )
    style.say_hidden(figure, [vpp for vpp in compared.vpps if vpp not in vpps])
    return figure


@style.drawn
def price_differences_figure(compared: Comparison) -> Figure:
    """Second less first of each seller's price, CNY/kWh, where it sells in both runs."""
    rows = [r for r in compared["prices"].rows if not np.isnan(float(r[4]))]
    if not rows:
        return style.nothing_to_draw("No VPP sells in the same period of both runs.")
    if not differing(compared["prices"], SAME_PRICE).rows:
        return style.nothing_to_draw("Every price is the same in both runs.")
    figure = style.new_figure(4.0)
    ax = figure.subplots()
    entries: list[tuple[Artist, str]] = []
    for vpp, vpp_style in style.vpp_styles(compared.first.vpps).items():
        own = [(int(r[1]), float(r[4]) / 1000) for r in rows if r[0] == vpp]
        if own:
            (marks,) = ax.plot(
                *zip(*own, strict=True),
                ls="none",
                marker=vpp_style.marker,
                color=vpp_style.colour,
                ms=6.5,
                label=vpp,
            )
            entries.append((marks, vpp))
    ax.axhline(0, color=style.BLACK, linewidth=0.8)
    style.period_axis(ax, compared.first.period_count)
    style.value_axis(ax, "CNY/kWh, second less first")
    style.outside_legend(figure, entries)
    return figure


@style.drawn
def probability_differences_figure(compared: Comparison) -> Figure:
    """Second less first of every probability, a panel for each buyer, where both runs have it."""
    rows = [r for r in compared["probabilities"].rows if not np.isnan(float(r[5]))]
    buyers = [vpp for vpp in compared.vpps if any(r[0] == vpp for r in rows)]
    if not buyers:
        return style.nothing_to_draw("No VPP buys from the same seller in the same period of both runs.")
    if not differing(compared["probabilities"], SAME_PROBABILITY).rows:
        return style.nothing_to_draw("Every probability is the same in both runs.")
    abreast = 2 if len(buyers) <= 6 else 3
    figure = style.new_figure(1.75 * -(-len(buyers) // abreast) + 0.9)
    entries: dict[str, Artist] = {}
    for place, (ax, buyer) in enumerate(zip(style.panels(figure, len(buyers), abreast), buyers, strict=True)):
        for seller, vpp_style in style.vpp_styles(compared.first.vpps).items():
            own = [(int(r[2]), float(r[5])) for r in rows if r[:2] == (buyer, seller)]
            if own:
                (entries[seller],) = ax.plot(
                    *zip(*own, strict=True),
                    ls="none",
                    marker=vpp_style.marker,
                    color=vpp_style.colour,
                    ms=5,
                    label=seller,
                )
        ax.axhline(0, color=style.BLACK, linewidth=0.8)
        ax.set_title(f"{buyer} buys")
        lowest = style.is_lowest(place, len(buyers), abreast)
        style.period_axis(ax, compared.first.period_count, label=lowest, most_ticks=12 if abreast == 2 else 8)
        style.value_axis(ax, "second less first" if place % abreast == 0 else "")
    style.outside_legend(figure, [(entries[s], f"from {s}") for s in compared.first.vpps if s in entries])
    return figure
