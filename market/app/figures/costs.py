"""Draws what the day costs each VPP, without trade and with it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from market.app.figures import style
from market.app.results.disclosed import NOT_SHOWN, disclosed
from market.app.results.recorded import RecordedRun

MEASURES = (
    ("total_cny", "Total cost", "CNY", 1.0),
    ("carbon_cny", "Carbon cost", "CNY", 1.0),
    ("emission_t", "Emission", "kg CO2", 1000.0),
)
SCENARIOS = (("grid_only", style.GREY, "", "without trading"), ("game", style.ORANGE, "///", "with trading"))


@style.drawn
def costs_figure(run: RecordedRun) -> Figure:
    """Total cost, carbon cost and emission of each VPP without trading and with it; the system's in the titles.

    VPPs that show neither are left out; of one that shows one of its plans there is one bar.
    """
    day = disclosed(run)
    vpps = day.with_costs()
    if not vpps:
        return style.nothing_to_draw("No VPP shows what its day costs.")
    figure = style.new_figure(0.48 * len(vpps) + 1.7)
    axes = figure.subplots(1, len(MEASURES), sharey=True)
    for ax, (column, name, unit, factor) in zip(axes, MEASURES, strict=True):
        _bars(ax, run, vpps, column, factor)
        before, after = (_amount(run.account("system", s, column) * factor) for s in ("grid_only", "game"))
        ax.set_title(f"{name}\nall: {before} → {after}")
        ax.set_xlabel(unit)
    axes[0].set_yticks(range(len(vpps)), vpps)
    axes[0].invert_yaxis()
    style.outside_legend(
        figure,
        [(Patch(facecolor=c, hatch=h, edgecolor="#303030", linewidth=0.4), label) for _, c, h, label in SCENARIOS],
    )
    style.say_hidden(figure, day.without_costs())
    return figure


def _amount(value: float) -> str:
    return NOT_SHOWN if np.isnan(value) else f"{value:,.0f}".replace("-", "−")


def _bars(ax: Axes, run: RecordedRun, vpps: Sequence[str], column: str, factor: float) -> None:
    rows = np.arange(len(vpps))
    for shift, (scenario, colour, hatch, _) in zip((-0.19, 0.19), SCENARIOS, strict=True):
        values = [run.account(vpp, scenario, column) * factor for vpp in vpps]
        ax.barh(
            rows + shift,
            values,
            height=0.36,
            color=colour,
            hatch=hatch,
            edgecolor="#303030",
            linewidth=0.4,
            label=scenario,
        )
    ax.axvline(0, color=style.BLACK, linewidth=0.8)
    ax.grid(axis="y", visible=False)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]))
    ax.xaxis.set_major_formatter(style.THOUSANDS)
