"""Draws a VPP's dispatch as stacked areas: sources and uses of power, and the storage's energy (Figure 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from market.app.figures import style
from market.app.results.recorded import RecordedRun
from market.app.results.records import Records
from market.model.arrays import Array
from market.model.vpp import UnitKind


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
UNIT_SOURCES = (
    Layer("biomass_mw", "biomass", style.VERMILLION, "..."),
    Layer("hydro_mw", "hydro", style.BLUE, ""),
    Layer("must_run_mw", "must-run", "#6E6E6E", ""),
    Layer("moved_away_mw", "load moved away", style.PURPLE, "///"),
)
UNIT_SINKS = (
    Layer("moved_here_mw", "load moved here", style.PURPLE, "\\\\"),
    Layer("tasks_mw", "vehicles and tasks", style.BLUE, "---"),
)
"""What only a run with units has columns of; it stands nearest to the axis."""
_UPWARDS, _DOWNWARDS = (*UNIT_SOURCES, *SOURCES), (*UNIT_SINKS, *SINKS)
STAGES = {1: "without trading", 3: "with trading"}


@style.drawn
def dispatch_figure(run: RecordedRun, vpp: str, stages: Sequence[int] = (1, 3)) -> Figure:
    """A VPP's plan in MW, sources upwards and sinks downwards, with its load; storage below, MWh.

    stages : 1 is the plan without trading, 3 the one with it; drawn side by side
    """
    plans = {stage: run["dispatch"].where(vpp=vpp, stage=stage) for stage in stages}
    shown = [
        layer
        for layer in (*_UPWARDS, *_DOWNWARDS)
        if any(layer.column in p.columns and (abs(p[layer.column]) > 1e-9).any() for p in plans.values())
    ]
    reservoirs = {stage: _reservoirs_mwh(run, vpp, stage) for stage in stages}
    stores = any((p["soc_mwh"] > 0).any() or reservoirs[stage].any() for stage, p in plans.items())
    figure = style.new_figure(5.2 if stores else 4.0, style.WIDTH_IN if len(stages) > 1 else 7.2)
    grid = figure.subplots(
        2 if stores else 1,
        len(stages),
        sharex=True,
        sharey="row",
        squeeze=False,
        height_ratios=[3.2, 1] if stores else [1],
    )
    entries: list[tuple[Artist, str]] = []
    for column, (stage, plan) in enumerate(plans.items()):
        entries = _power(grid[0, column], plan, shown, run.period_count)
        grid[0, column].set_title(f"{vpp} {STAGES[stage]}")
        if stores:
            entries += _storage(grid[1, column], plan, reservoirs[stage])
        style.period_axis(grid[-1, column], run.period_count, most_ticks=24 if len(stages) == 1 else 12)
    style.value_axis(grid[0, 0], "MW")
    if stores:
        style.value_axis(grid[1, 0], "stored MWh")
    style.outside_legend(figure, entries, columns=6)
    return figure


def _power(ax: Axes, plan: Records, shown: Sequence[Layer], periods: int) -> list[tuple[Artist, str]]:
    where = style.edges(periods)
    entries: list[tuple[Artist, str]] = []
    for layers, sign in ((_UPWARDS, 1.0), (_DOWNWARDS, -1.0)):
        base = np.zeros(periods)
        for layer in layers:
            if layer in shown:
                top = base + sign * plan[layer.column]
                patch = ax.stairs(
                    top,
                    where,
                    baseline=base,
                    fill=True,
                    facecolor=layer.colour,
                    edgecolor="#404040",
                    linewidth=0.3,
                    hatch=layer.hatch,
                    label=layer.column,
                )
                entries.append((patch, layer.label))
                base = top
    load = ax.stairs(plan["load_mw"], where, baseline=None, color=style.BLACK, linewidth=2.2, label="load_mw")
    ax.axhline(0, color=style.BLACK, linewidth=0.8)
    return [(load, "load"), *entries]


def _reservoirs_mwh(run: RecordedRun, vpp: str, stage: int) -> Array:
    """What a VPP's reservoirs hold together at the end of each period, shape (T,)."""
    held = np.zeros(run.period_count)
    if "units" in run.tables:
        rows = run["units"].where(vpp=vpp, stage=stage, kind=UnitKind.HYDRO.value)
        np.add.at(held, rows["period"] - 1, rows["stored_mwh"])
    return held


def _storage(ax: Axes, plan: Records, reservoirs_mwh: Array) -> list[tuple[Artist, str]]:
    """What is stored at the end of each period: in batteries as an area, in reservoirs as a line."""
    where = style.edges(len(reservoirs_mwh))
    ax.stairs(plan["soc_mwh"], where, fill=True, facecolor=style.GREEN, edgecolor=style.GREEN, alpha=0.6)
    entries: list[tuple[Artist, str]] = []
    if reservoirs_mwh.any():
        line = ax.stairs(reservoirs_mwh, where, baseline=None, color=style.BLUE, linewidth=2)
        entries.append((line, "stored in reservoirs"))
    ax.set_ylim(bottom=0)
    return entries
