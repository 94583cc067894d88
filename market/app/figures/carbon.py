"""Draws the cost of carbon against emission: the steps of the tariff (3), and on which of them each VPP stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from market.app.figures import style
from market.app.figures.named import OTHERS, so_many_others, styles_of
from market.app.figures.names import short_names
from market.app.results.disclosed import disclosed
from market.app.results.manifest import EMISSION_IS_SERIES
from market.app.results.recorded import RecordedRun
from market.app.results.units import CO2, ShownUnit, fitting
from market.costs.carbon import carbon_bill_cny, step_prices_cny_per_t
from market.model.arrays import Array
from market.model.rules import CarbonMode, CarbonRules

LETTER_SHARE = 0.0105
"""Of the width of the axis: a letter of the steps' prices, with room to breathe."""


def carbon_rules(manifest: Mapping[str, Any]) -> CarbonRules:
    """The carbon rules of a run, from its manifest."""
    fields = {name: value for name, value in manifest["rules"]["carbon"].items() if name != EMISSION_IS_SERIES}
    return CarbonRules(**{**fields, "mode": CarbonMode(fields["mode"])})


MARK: Final[dict[str, Any]] = {"linestyle": "none", "markersize": 9, "markeredgewidth": 1.6}
SMALL: Final[dict[str, Any]] = {"linestyle": "none", "markersize": 4.5, "markeredgewidth": 0.8}


@style.drawn
def carbon_figure(run: RecordedRun) -> Figure:
    """Carbon cost (3) against emission beyond the quota; each VPP's day without trading and with it."""
    rules, day = carbon_rules(run.manifest), disclosed(run)
    vpps = day.with_costs()
    if not vpps:
        return style.nothing_to_draw("No VPP shows its carbon cost.")
    points = {vpp: _points(run, vpp) for vpp in vpps}
    known = np.array([points[vpp][0] for vpp in vpps])
    most = float(np.nanmax(known, initial=rules.interval_t * 1.2)) * 1.08
    least = float(np.nanmin(known, initial=0.0)) * 1.08
    unit = fitting(CO2, max(most, -least))
    figure = style.new_figure(4.8)
    ax = figure.subplots()
    ax.set_xlim((least - 0.02 * (most - least)) * unit.factor, most * unit.factor)
    entries = [*_steps(ax, rules, least, most, unit), *_marks(ax, run, points, unit)]
    style.amount_axis(ax, f"emission beyond the quota, {unit.name} in the day")
    ax.xaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 2.5, 5, 10]))
    style.value_axis(ax, "carbon cost in CNY")
    style.outside_legend(figure, [*entries, *_meaning()])
    style.say_hidden(figure, day.without_costs())
    return figure


def _points(run: RecordedRun, vpp: str) -> Array:
    """Emission beyond the quota in t, and its bill in CNY, of both days: shape (2, 2); NaN what is not known."""
    known = {
        column: np.array([run.account(vpp, scenario, column) for scenario in ("grid_only", "game")])
        for column in ("emission_t", "quota_t", "carbon_cny")
    }
    return np.array([known["emission_t"] - known["quota_t"], known["carbon_cny"]])


def _marks(ax: Axes, run: RecordedRun, points: Mapping[str, Array], unit: ShownUnit) -> list[style.Entry]:
    """A hollow and a filled mark of each VPP; of many those who sell most have a look of their own."""
    looks, names = styles_of(run), short_names(run.vpps)
    entries: dict[str, style.Entry] = {}
    for vpp, (excess_t, bill_cny) in sorted(points.items(), key=lambda entry: entry[0] in looks):
        look, mark = (looks[vpp], MARK) if vpp in looks else (replace(OTHERS, marker="o"), SMALL)
        shape = {"marker": look.marker, "markeredgecolor": look.colour, **mark}
        place = excess_t * unit.factor
        ax.plot(place[:1], bill_cny[:1], markerfacecolor="white", **shape)
        (mark_with,) = ax.plot(place[1:], bill_cny[1:], markerfacecolor=look.colour, label=vpp, **shape)
        entries[vpp] = (mark_with, names[vpp])
    shown = [entries[vpp] for vpp in points if vpp in looks]
    if others := [vpp for vpp in points if vpp not in looks]:
        shown.append((entries[others[0]][0], so_many_others(list(looks), list(points))))
    return shown


def _steps(ax: Axes, rules: CarbonRules, least: float, most: float, unit: ShownUnit) -> list[style.Entry]:
    """The bill as a curve, with the price of each step that is in sight and has room for it."""
    stepped = rules.mode is not CarbonMode.FLAT
    prices = step_prices_cny_per_t(rules).tolist() if stepped else [rules.flat_price_cny_per_t]
    starts = [n * rules.interval_t for n in range(len(prices)) if n * rules.interval_t < most]
    x = np.array([least, *starts, most])
    bills = [carbon_bill_cny(rules, e) for e in x]
    (curve,) = ax.plot(x * unit.factor, bills, color=style.BLACK, linewidth=1.4, label="bill")
    taken = -np.inf
    for start, price in zip(starts, prices, strict=False):
        if start > 0:
            ax.axvline(start * unit.factor, color=style.GREY, linewidth=0.8, linestyle=":")
        label = f"{price:,.6g}\nCNY/t" if start == 0 else f"{price:,.6g}"
        width = LETTER_SHARE * max(map(len, label.split("\n"))) * (most - least)
        if start >= taken and start + width <= most:
            taken = start + width
            ax.annotate(
                label, (start * unit.factor, 1), (3, -3), xycoords=ax.get_xaxis_transform(),
                textcoords="offset points", ha="left", va="top", fontsize=8.5, color=style.GREY,
            )  # fmt: skip
    return [(curve, "cost by the steps" if stepped else "cost at one price")]


def _meaning() -> list[style.Entry]:
    shape: dict[str, Any] = {"marker": "o", "markersize": 8, "linestyle": "none", "markeredgecolor": style.GREY}
    return [
        (Line2D([], [], markerfacecolor="white", **shape), "without trading"),
        (Line2D([], [], markerfacecolor=style.GREY, **shape), "with trading"),
    ]
