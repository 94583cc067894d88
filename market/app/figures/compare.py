"""Draws the differences of runs from the first of them: costs, prices, selection probabilities."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from market.app.analysis.compare import ORDINALS, SAME_PRICE, SAME_PROBABILITY, ComparedTable, Comparison
from market.app.figures import style
from market.app.figures.costs import SCENARIOS, meaning_of_bars
from market.app.figures.picture import Picture
from market.app.results.table import Cell

MEASURES = (
    ("total_cny", "Total cost", "CNY"),
    ("carbon_cny", "Carbon cost", "CNY"),
    ("emission_t", "Emission", "t CO2"),
)


def comparison_pictures(compared: Comparison) -> Iterator[Picture]:
    """The differences of each further run from the first, as pictures."""
    for number, which in enumerate(ORDINALS[1 : len(compared.runs)], start=1):
        name = "" if number == 1 else f"_{which}"
        less = f"The {which} run less the first."
        yield Picture(
            f"cost_differences{name}", f"Costs and emission, {which} run", less, cost_figure(compared, number)
        )
        if "prices" in compared.tables:
            yield Picture(
                f"price_differences{name}", f"Sale prices, {which} run", less, price_figure(compared, number)
            )
            yield Picture(
                f"probability_differences{name}",
                f"Probabilities, {which} run",
                less,
                probability_figure(compared, number),
            )


def _differences(table: ComparedTable, number: int) -> dict[tuple[Cell, ...], float]:
    """Every row that both runs have, by its key: the run of that number less the first."""
    told = ((key, table.difference(key, number)) for key in table.rows)
    return {key: difference for key, difference in told if not np.isnan(difference)}


@style.drawn
def cost_figure(compared: Comparison, number: int) -> Figure:
    """A run less the first: each VPP's total cost, carbon cost and emission, where all runs show them."""
    value = {**_differences(compared["costs"], number), **_differences(compared["carbon"], number)}
    vpps = [vpp for vpp in compared.vpps if any((vpp, s, "total_cny") in value for s, *_ in SCENARIOS)]
    if not vpps:
        return style.nothing_to_draw("No VPP shows its costs in all runs.")
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
        ax.set_xlabel(f"{unit}, {ORDINALS[number]} less first")
        ax.xaxis.set_major_locator(MaxNLocator(nbins=4))
        ax.xaxis.set_major_formatter(style.THOUSANDS)
    axes[0].set_yticks(range(len(vpps)), vpps)
    axes[0].invert_yaxis()
    style.outside_legend(figure, meaning_of_bars())
    style.say_hidden(figure, [vpp for vpp in compared.vpps if vpp not in vpps])
    return figure


@style.drawn
def price_figure(compared: Comparison, number: int) -> Figure:
    """A run less the first: each seller's price, CNY/MWh, where it sells in both runs."""
    prices = _differences(compared["prices"], number)
    if not prices:
        return style.nothing_to_draw("No VPP sells in the same period of both runs.")
    if not _differ(compared["prices"], SAME_PRICE, number):
        return style.nothing_to_draw("Every price is the same in both runs.")
    figure = style.new_figure(4.0)
    ax = figure.subplots()
    entries: list[tuple[Artist, str]] = []
    for vpp, vpp_style in style.vpp_styles(compared.runs[0].vpps).items():
        own = [(int(period), price) for (seller, period), price in prices.items() if seller == vpp]
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
    style.period_axis(ax, compared.runs[0].period_count)
    style.value_axis(ax, f"CNY/MWh, {ORDINALS[number]} less first")
    style.outside_legend(figure, entries)
    return figure


@style.drawn
def probability_figure(compared: Comparison, number: int) -> Figure:
    """A run less the first: every probability, a panel for each buyer, where both runs have it."""
    shares = _differences(compared["probabilities"], number)
    buyers = [vpp for vpp in compared.vpps if any(buyer == vpp for buyer, *_ in shares)]
    if not buyers:
        return style.nothing_to_draw("No VPP buys from the same seller in the same period of both runs.")
    if not _differ(compared["probabilities"], SAME_PROBABILITY, number):
        return style.nothing_to_draw("Every probability is the same in both runs.")
    abreast = 2 if len(buyers) <= 6 else 3
    figure = style.new_figure(1.75 * -(-len(buyers) // abreast) + 0.9)
    entries: dict[str, Artist] = {}
    for place, (ax, buyer) in enumerate(zip(style.panels(figure, len(buyers), abreast), buyers, strict=True)):
        for seller, vpp_style in style.vpp_styles(compared.runs[0].vpps).items():
            own = [(int(period), less) for (*pair, period), less in shares.items() if pair == [buyer, seller]]
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
        style.period_axis(ax, compared.runs[0].period_count, label=lowest, most_ticks=12 if abreast == 2 else 8)
        style.value_axis(ax, f"{ORDINALS[number]} less first" if place % abreast == 0 else "")
    style.outside_legend(figure, [(entries[s], f"from {s}") for s in compared.runs[0].vpps if s in entries])
    return figure


def _differ(table: ComparedTable, tolerance: float, number: int) -> bool:
    """Whether a run has anything that the first has not, or by more than that."""
    alone = ComparedTable(table.name, table.keys, {key: (v[0], v[number]) for key, v in table.rows.items()})
    return bool(alone.differing(tolerance).rows)
