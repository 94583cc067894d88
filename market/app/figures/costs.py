"""Draws what the day costs each VPP, without trade and with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from market.app.figures import style
from market.app.figures.named import largest
from market.app.results.disclosed import NOT_SHOWN, disclosed
from market.app.results.recorded import RecordedRun
from market.app.results.units import CO2, ShownUnit, fitting
from market.model.arrays import Array

MOST_ROWS = 40
MEASURES = (("total_cny", "Total cost"), ("carbon_cny", "Carbon cost"), ("emission_t", "Emission"))
SCENARIOS = (("grid_only", style.ALONE, "", "without trading"), ("game", style.TRADING, "///", "with trading"))
CNY = ShownUnit("CNY", 1.0)


@style.drawn
def costs_figure(run: RecordedRun) -> Figure:
    """Total cost, carbon cost and emission of each VPP without trading and with it; the system's in the titles.

    VPPs that show neither are left out; of one that shows one of its plans there is one bar. Of many VPPs those
    with the largest costs have a row each, the others one with their mean.
    """
    day = disclosed(run)
    vpps = day.with_costs()
    if not vpps:
        return style.nothing_to_draw("No VPP shows what its day costs.")
    groups = groups_of_rows(run, vpps)
    row_in = style.row_height_in(len(groups), 0.48, least_in=0.2)
    figure = style.new_figure(row_in * len(groups) + 1.7)
    axes = figure.subplots(1, len(MEASURES), sharey=True)
    for ax, (column, name) in zip(axes, MEASURES, strict=True):
        _bars(ax, run, groups, column, name)
    style.name_rows(axes[0], [*groups], row_in)
    style.outside_legend(figure, meaning_of_bars())
    style.say_hidden(figure, day.without_costs())
    return figure


def meaning_of_bars() -> list[style.Entry]:
    """What the bars of both days look like."""
    edge: dict[str, Any] = {"edgecolor": "#303030", "linewidth": 0.4}
    return [(Patch(facecolor=colour, hatch=hatch, **edge), label) for _, colour, hatch, label in SCENARIOS]


def groups_of_rows(run: RecordedRun, vpps: Sequence[str]) -> dict[str, list[str]]:
    """The rows by their names, and who stands in each."""
    if len(vpps) <= MOST_ROWS:
        return {vpp: [vpp] for vpp in vpps}
    totals = {vpp: np.abs([run.account(vpp, s, "total_cny") for s, *_ in SCENARIOS]) for vpp in vpps}
    chief = largest({vpp: float(np.nan_to_num(both).max()) for vpp, both in totals.items()}, MOST_ROWS - 1)
    others = [vpp for vpp in vpps if vpp not in chief]
    return {**{vpp: [vpp] for vpp in chief}, f"mean of {len(others)} others": others}


def amount(value: float) -> str:
    """A sum for people: whole numbers, as many digits as a small one needs, millions of a large one.

    >>> amount(129343.2), amount(-0.6), amount(0.0), amount(7.25), amount(2.345e7), amount(float("nan"))
    ('129,343', '−0.60', '0', '7.25', '23.45 M', 'not shown')
    """
    if np.isnan(value):
        return NOT_SHOWN
    if abs(value) >= 1e7:
        return f"{value / 1e6:,.2f} M".replace("-", "−")
    digits = 0 if abs(value) >= 100.0 or abs(value) < 1e-9 else 2
    return f"{value if abs(value) >= 1e-9 else 0.0:,.{digits}f}".replace("-", "−")


def _bars(ax: Axes, run: RecordedRun, groups: dict[str, list[str]], column: str, name: str) -> None:
    rows = np.arange(len(groups))
    bars = {scenario: _means(run, groups, scenario, column) for scenario, *_ in SCENARIOS}
    unit = (
        CNY if column.endswith("_cny") else fitting(CO2, float(np.nanmax(np.abs([*bars.values()]), initial=0.0)))
    )
    for shift, (scenario, colour, hatch, _) in zip((-0.19, 0.19), SCENARIOS, strict=True):
        look: dict[str, Any] = {"color": colour, "hatch": hatch, "edgecolor": "#303030", "linewidth": 0.4}
        ax.barh(rows + shift, bars[scenario] * unit.factor, height=0.36, label=scenario, **look)
    before, after = (amount(run.account("system", s, column) * unit.factor) for s in ("grid_only", "game"))
    ax.set_title(f"{name}\nall: {before} → {after}")
    ax.axvline(0, color=style.BLACK, linewidth=0.8)
    ax.grid(axis="y", visible=False)
    style.amount_axis(ax, unit.name)


def _means(run: RecordedRun, groups: dict[str, list[str]], scenario: str, column: str) -> Array:
    """One number a row; NaN where nobody in it shows one."""
    found = [np.array([run.account(vpp, scenario, column) for vpp in members]) for members in groups.values()]
    return np.array([float(np.nanmean(row)) if np.isfinite(row).any() else np.nan for row in found])
