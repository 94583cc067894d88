"""Draws a VPP's dispatch as stacked areas: sources and uses of power, and the storage's energy (Figure 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from market.app.figures import style
from market.app.figures.names import short_names
from market.app.results.columns import DISPATCH_QUANTITIES
from market.app.results.recorded import RecordedRun
from market.app.results.records import Records
from market.app.results.units import ENERGY, POWER, ShownUnit, fitting


@dataclass(frozen=True, slots=True)
class Layer:
    """One quantity of the stack."""

    column: str
    label: str
    colour: str
    hatch: str


SOURCES = (
    Layer("wt_mw", "wind", style.SKY, ""),
    Layer("pv_mw", "sun", style.YELLOW, ""),
    Layer("mt_mw", "micro-turbine", style.VERMILLION, ""),
    Layer("discharge_mw", "discharging", style.GREEN, ""),
    Layer("cl_mw", "load shed", style.PURPLE, "|||"),
    Layer("direct_in_mw", "bought from VPPs", style.ORANGE, "///"),
    Layer("buy_mw", "bought from the grid", "#A6A6A6", ""),
    Layer("curtailed_mw", "curtailed", "#FFFFFF", "xxx"),
)
SINKS = (
    Layer("charge_mw", "charging", style.GREEN, "\\\\\\"),
    Layer("direct_out_mw", "sold to VPPs", style.ORANGE, "\\\\"),
    Layer("sell_mw", "sold to the grid", "#A6A6A6", "---"),
)
STAGES = {1: "without trading", 3: "with trading"}


LEAST_SHARE = 1e-6  # of the highest power: what stays below is the solver's rounding


@style.drawn
def dispatch_figure(run: RecordedRun, vpp: str, stages: Sequence[int] = (1, 3)) -> Figure:
    """A VPP's plan, sources upwards and sinks downwards, with its load; storage below.

    stages : 1 is the plan without trading, 3 the one with it; drawn side by side
    """
    own = run["dispatch"].where(vpp=vpp)
    title = short_names(run.vpps)[vpp]
    return plans_figure(run, title, {stage: own.where(stage=stage) for stage in stages})


@style.drawn
def together_figure(run: RecordedRun, vpps: Sequence[str], title: str) -> Figure:
    """The same of several VPPs together, as far as they show both plans."""
    chosen = set(vpps)
    kept = np.array([vpp in chosen for vpp in run["dispatch"]["vpp"].tolist()], dtype=bool)
    table = run["dispatch"].only(kept)
    return plans_figure(run, title, {stage: _sum(table.where(stage=stage), run.period_count) for stage in STAGES})


def _sum(plans: Records, periods: int) -> Records:
    """One plan that is the sum of many, in the order of periods."""
    place = plans["period"] - 1
    return Records({name: np.bincount(place, plans[name], minlength=periods) for name in DISPATCH_QUANTITIES})


def plans_figure(run: RecordedRun, title: str, plans: Mapping[int, Records]) -> Figure:
    """Plans by their stage, side by side."""
    peak = max(float(abs(plan[name]).max()) for plan in plans.values() for name in ("load_mw", *_COLUMNS))
    layers = [
        layer
        for layer in (*SOURCES, *SINKS)
        if any((abs(plan[layer.column]) > max(LEAST_SHARE * peak, 1e-9)).any() for plan in plans.values())
    ]
    power, stored_mwh = fitting(POWER, peak), max(float(plan["soc_mwh"].max()) for plan in plans.values())
    energy, stores = fitting(ENERGY, stored_mwh), stored_mwh > 0
    figure = style.new_figure(5.2 if stores else 4.0, style.WIDTH_IN if len(plans) > 1 else 7.2)
    heights = [3.2, 1.0] if stores else [1.0]
    grid = figure.subplots(
        len(heights), len(plans), sharex=True, sharey="row", squeeze=False, height_ratios=heights
    )
    for column, (stage, plan) in enumerate(plans.items()):
        _power(grid[0, column], plan, layers, power)
        grid[0, column].set_title(f"{title} {STAGES[stage]}")
        if stores:
            _storage(grid[1, column], plan, energy)
        style.period_axis(grid[-1, column], run.period_count, most_ticks=24 if len(plans) == 1 else 8)
    style.value_axis(grid[0, 0], power.name)
    if stores:
        style.value_axis(grid[1, 0], f"stored {energy.name}", ticks=3)
        style.from_zero(*grid[1])
    style.outside_legend(figure, _meaning(layers))
    return figure


_COLUMNS = tuple(layer.column for layer in (*SOURCES, *SINKS))


def _power(ax: Axes, plan: Records, shown: Sequence[Layer], unit: ShownUnit) -> None:
    periods = len(plan["load_mw"])
    where, many = style.edges(periods), periods > style.MANY_PERIODS
    for layers, sign in ((SOURCES, 1.0), (SINKS, -1.0)):
        base = np.zeros(periods)
        for layer in layers:
            if layer in shown:
                top = base + sign * plan[layer.column] * unit.factor
                style.stairs(
                    ax,
                    top,
                    where,
                    baseline=base,
                    fill=True,
                    facecolor=layer.colour,
                    edgecolor="#404040",
                    linewidth=0.0 if many else 0.3,
                    hatch=None if many else layer.hatch,
                    label=layer.column,
                )
                base = top
    load = plan["load_mw"] * unit.factor
    style.stairs(
        ax, load, where, baseline=None, color=style.BLACK, linewidth=1.0 if many else 2.2, label="load_mw"
    )
    ax.axhline(0, color=style.BLACK, linewidth=0.8)


def _meaning(shown: Sequence[Layer]) -> list[style.Entry]:
    look: dict[str, Any] = {"edgecolor": "#404040", "linewidth": 0.3}
    return [
        (Line2D([], [], color=style.BLACK, linewidth=2.2), "load"),
        *((Patch(facecolor=layer.colour, hatch=layer.hatch, **look), layer.label) for layer in shown),
    ]


def _storage(ax: Axes, plan: Records, unit: ShownUnit) -> None:
    """What is stored at the end of each period."""
    stored = plan["soc_mwh"] * unit.factor
    look: dict[str, Any] = {"facecolor": style.GREEN, "edgecolor": style.GREEN, "alpha": 0.6}
    style.stairs(ax, stored, style.edges(len(stored)), fill=True, **look)
