"""Draws the cost of carbon against emission: the steps of the tariff (3), and on which of them each VPP stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from market.app.figures import style
from market.app.results.disclosed import disclosed
from market.app.results.recorded import RecordedRun
from market.costs.carbon import carbon_bill_cny, step_prices_cny_per_t
from market.model.rules import CarbonMode, CarbonRules


def carbon_rules(manifest: Mapping[str, Any]) -> CarbonRules:
    """The carbon rules of a run, from its manifest."""
    fields = manifest["rules"]["carbon"]
    return CarbonRules(**{**fields, "mode": CarbonMode(fields["mode"])})


@style.drawn
def carbon_figure(run: RecordedRun) -> Figure:
    """Carbon cost (3) against emission beyond the quota; each VPP's day without trading and with it."""
    rules, styles, day = carbon_rules(run.manifest), style.vpp_styles(run.vpps), disclosed(run)
    vpps = day.with_costs()
    if not vpps:
        return style.nothing_to_draw("No VPP shows its carbon cost.")
    excess = {
        (vpp, scenario): run.account(vpp, scenario, "emission_t") - run.account(vpp, scenario, "quota_t")
        for vpp in vpps
        for scenario in ("grid_only", "game")
    }
    known = [value for value in excess.values() if not np.isnan(value)]
    most = max(*known, rules.interval_t * 1.2) * 1.08
    least = min(0.0, *known) * 1.08
    figure = style.new_figure(4.8)
    ax = figure.subplots()
    entries = _steps(ax, rules, least, most)
    for vpp in vpps:
        bills = [run.account(vpp, scenario, "carbon_cny") for scenario in ("grid_only", "game")]
        places = [excess[vpp, "grid_only"], excess[vpp, "game"]]
        shape: dict[str, Any] = {
            "marker": styles[vpp].marker,
            "markersize": 9,
            "linestyle": "none",
            "markeredgewidth": 1.6,
        }
        ax.plot(places[:1], bills[:1], markerfacecolor="white", markeredgecolor=styles[vpp].colour, **shape)
        (mark,) = ax.plot(
            places[1:],
            bills[1:],
            markerfacecolor=styles[vpp].colour,
            markeredgecolor=styles[vpp].colour,
            label=vpp,
            **shape,
        )
        entries.append((mark, vpp))
    ax.set_xlim(least - 0.02 * (most - least), most)
    ax.set_xlabel("emission beyond the quota, t CO2 in the day")
    style.value_axis(ax, "carbon cost in CNY")
    ax.xaxis.set_major_formatter(style.THOUSANDS)
    style.outside_legend(figure, [*entries, *_meaning()], columns=8)
    style.say_hidden(figure, day.without_costs())
    return figure


def _steps(ax: Axes, rules: CarbonRules, least: float, most: float) -> list[tuple[Artist, str]]:
    """The bill as a curve, with the price of each step that is in sight."""
    stepped = rules.mode is not CarbonMode.FLAT
    prices = step_prices_cny_per_t(rules).tolist() if stepped else [rules.flat_price_cny_per_t]
    starts = [n * rules.interval_t for n in range(len(prices)) if n * rules.interval_t < most]
    x = np.array([least, *starts, most])
    (curve,) = ax.plot(x, [carbon_bill_cny(rules, e) for e in x], color=style.BLACK, linewidth=1.4, label="bill")
    for start, price in zip(starts, prices, strict=False):
        if start > 0:
            ax.axvline(start, color=style.GREY, linewidth=0.8, linestyle=":")
        label = f"{price:,.10g}\nCNY/t" if start == 0 else f"{price:,.10g}"
        ax.annotate(
            label, (start, 1), (3, -3), xycoords=ax.get_xaxis_transform(), textcoords="offset points",
            ha="left", va="top", fontsize=8.5, color=style.GREY,
        )  # fmt: skip
    return [(curve, "cost by the steps" if stepped else "cost at one price")]


def _meaning() -> list[tuple[Artist, str]]:
    shape: dict[str, Any] = {"marker": "o", "markersize": 8, "linestyle": "none", "markeredgecolor": style.GREY}
    return [
        (Line2D([], [], markerfacecolor="white", **shape), "without trading"),
        (Line2D([], [], markerfacecolor=style.GREY, **shape), "with trading"),
    ]
