"""Draws a VPP's dispatch as stacked areas: sources and uses of power, and the storage's energy (Figure 6)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from market.app.figures import style
from market.app.figures.names import short_names
from market.app.results.columns import DISPATCH_QUANTITIES, UNIT_QUANTITIES
from market.app.results.recorded import RecordedRun
from market.app.results.records import Records
from market.app.results.units import ENERGY, POWER, ShownUnit, fitting
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


LEAST_SHARE = 1e-6  # of the highest power: what stays below is the solver's rounding


@style.drawn
def dispatch_figure(run: RecordedRun, vpp: str, stages: Sequence[int] = (1, 3)) -> Figure:
    """A VPP's plan, sources upwards and sinks downwards, with its load; storage below.

    stages : 1 is the plan without trading, 3 the one with it; drawn side by side
    """
    own = run["dispatch"].where(vpp=vpp)
    title = short_names(run.vpps)[vpp]
    reservoirs = {stage: _reservoirs_mwh(run, {vpp}, stage) for stage in stages}
    return plans_figure(run, title, {stage: own.where(stage=stage) for stage in stages}, reservoirs)


@style.drawn
def together_figure(run: RecordedRun, vpps: Sequence[str], title: str) -> Figure:
    """The same of several VPPs together, as far as they show both plans."""
    chosen = set(vpps)
    kept = np.array([vpp in chosen for vpp in run["dispatch"]["vpp"].tolist()], dtype=bool)
    table = run["dispatch"].only(kept)
    plans = {stage: _sum(table.where(stage=stage), run.period_count) for stage in STAGES}
    return plans_figure(run, title, plans, {stage: _reservoirs_mwh(run, chosen, stage) for stage in STAGES})


def _sum(plans: Records, periods: int) -> Records:
    """One plan that is the sum of many, in the order of periods."""
    place = plans["period"] - 1
    quantities = [name for name in (*DISPATCH_QUANTITIES, *UNIT_QUANTITIES) if name in plans.columns]
    return Records({name: np.bincount(place, plans[name], minlength=periods) for name in quantities})


def plans_figure(
    run: RecordedRun, title: str, plans: Mapping[int, Records], reservoirs_mwh: Mapping[int, Array]
) -> Figure:
    """Plans by their stage, side by side, and what reservoirs hold in them, shape (T,)."""
    known = [layer for layer in (*_UPWARDS, *_DOWNWARDS) if all(layer.column in p.columns for p in plans.values())]
    columns = ("load_mw", *(layer.column for layer in known))
    peak = max(float(abs(plan[name]).max()) for plan in plans.values() for name in columns)
    layers = [
        layer
        for layer in known
        if any((abs(plan[layer.column]) > max(LEAST_SHARE * peak, 1e-9)).any() for plan in plans.values())
    ]
    held = (*(plan["soc_mwh"] for plan in plans.values()), *reservoirs_mwh.values())
    power, stored_mwh = fitting(POWER, peak), max(float(series.max()) for series in held)
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
            _storage(grid[1, column], plan, reservoirs_mwh[stage], energy)
        style.period_axis(grid[-1, column], run.period_count, most_ticks=24 if len(plans) == 1 else 8)
    style.value_axis(grid[0, 0], power.name)
    if stores:
        style.value_axis(grid[1, 0], f"stored {energy.name}", ticks=3)
        style.from_zero(*grid[1])
    style.outside_legend(figure, _meaning(layers, any(series.any() for series in reservoirs_mwh.values())))
    return figure


def _power(ax: Axes, plan: Records, shown: Sequence[Layer], unit: ShownUnit) -> None:
    periods = len(plan["load_mw"])
    where, many = style.edges(periods), periods > style.MANY_PERIODS
    for layers, sign in ((_UPWARDS, 1.0), (_DOWNWARDS, -1.0)):
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
                    hatch=layer.hatch,
                    label=layer.column,
                )
                base = top
    load = plan["load_mw"] * unit.factor
    style.stairs(
        ax, load, where, baseline=None, color=style.BLACK, linewidth=1.0 if many else 2.2, label="load_mw"
    )
    ax.axhline(0, color=style.BLACK, linewidth=0.8)


def _meaning(shown: Sequence[Layer], reservoirs: bool) -> list[style.Entry]:
    look: dict[str, Any] = {"edgecolor": "#404040", "linewidth": 0.3}
    entries: list[style.Entry] = [
        (Line2D([], [], color=style.BLACK, linewidth=2.2), "load"),
        *((Patch(facecolor=layer.colour, hatch=layer.hatch, **look), layer.label) for layer in shown),
    ]
    if reservoirs:
        entries.append((Line2D([], [], color=style.BLUE, linewidth=2), "stored in reservoirs"))
    return entries


def _reservoirs_mwh(run: RecordedRun, vpps: Collection[str], stage: int) -> Array:
    """What the reservoirs of VPPs hold together at the end of each period, shape (T,)."""
    held = np.zeros(run.period_count)
    if "units" in run.tables:
        rows = run["units"].where(stage=stage, kind=UnitKind.HYDRO.value)
        rows = rows.only(np.array([vpp in vpps for vpp in rows["vpp"].tolist()], dtype=bool))
        np.add.at(held, rows["period"] - 1, rows["stored_mwh"])
    return held


def _storage(ax: Axes, plan: Records, reservoirs_mwh: Array, unit: ShownUnit) -> None:
    """What is stored at the end of each period: in batteries as an area, in reservoirs as a line."""
    stored, where = plan["soc_mwh"] * unit.factor, style.edges(len(reservoirs_mwh))
    look: dict[str, Any] = {"facecolor": style.GREEN, "edgecolor": style.GREEN, "alpha": 0.6}
    style.stairs(ax, stored, where, fill=True, **look)
    if reservoirs_mwh.any():
        held = reservoirs_mwh * unit.factor
        style.stairs(ax, held, where, baseline=None, color=style.BLUE, linewidth=2)
