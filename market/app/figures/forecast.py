"""Draws the forecasts: renewable output and load of each VPP, and the tariff (Figure 5)."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from market.app.figures import style
from market.app.results.disclosed import disclosed
from market.app.results.recorded import RecordedRun
from market.model.arrays import Array


@style.drawn
def forecast_figure(run: RecordedRun) -> Figure:
    """Renewable power available and load of each VPP that shows them, MW; below, the grid's prices, CNY/kWh."""
    day = disclosed(run)
    vpps = [vpp for vpp in day.members if 1 in day.stages(vpp)]
    abreast = 3 if len(vpps) > 2 else 2
    rows = -(-len(vpps) // abreast)
    figure = style.new_figure(1.75 * rows + 3.0)
    hidden = [vpp for vpp in day.members if vpp not in vpps]
    if not vpps:
        _tariff(figure, run, hidden)
        return figure
    parts = figure.subfigures(2, 1, squeeze=False, height_ratios=[1.75 * rows + 0.5, 2.3])
    upper, lower = parts[:, 0]
    axes = style.panels(upper, len(vpps), abreast)
    below = any((run["dispatch"].where(vpp=vpp, stage=1)["load_mw"] < 0.0).any() for vpp in vpps)
    for place, (ax, vpp) in enumerate(zip(axes, vpps, strict=True)):
        _curves(ax, run, vpp)
        lowest = style.is_lowest(place, len(vpps), abreast)
        style.period_axis(ax, run.period_count, label=lowest, most_ticks=8)
        style.value_axis(ax, "MW" if place % abreast == 0 else "")
        ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]) if below else 0.0)
    handles = [axes[0].patches[0], axes[0].patches[1]]
    style.outside_legend(upper, [(handles[0], "renewable power available"), (handles[1], "load")])
    _tariff(lower, run, hidden)
    return figure


def _curves(ax: Axes, run: RecordedRun, vpp: str) -> None:
    available, load, sources = available_mw(run, vpp)
    where = style.edges(run.period_count)
    ax.stairs(available, where, fill=True, color=style.SKY, alpha=0.75, label="available")
    ax.stairs(load, where, baseline=None, color=style.BLACK, linewidth=1.5, label="load")
    ax.set_title(f"{vpp} ({sources})" if sources else vpp)


def available_mw(run: RecordedRun, vpp: str) -> tuple[Array, Array, str]:
    """Renewable forecast (used and curtailed power) and load, shape (T,), and which renewables there are."""
    plan = run["dispatch"].where(vpp=vpp, stage=1)
    used = plan["wt_mw"] + plan["pv_mw"]
    kinds = [name for name, column in (("wind", "wt_mw"), ("sun", "pv_mw")) if plan[column].any()]
    return used + plan["curtailed_mw"], plan["load_mw"], " and ".join(kinds)


def _tariff(figure: Figure, run: RecordedRun, hidden: Sequence[str]) -> None:
    ax = figure.subplots()
    table, where = run["periods"], style.edges(run.period_count)
    retail = ax.stairs(
        table["retail_cny_per_mwh"] / 1000, where, baseline=None, color=style.VERMILLION, linewidth=2
    )
    feed_in = ax.stairs(
        table["feed_in_cny_per_mwh"] / 1000, where, baseline=None, color=style.GREEN, linewidth=2, linestyle="--"
    )
    ax.set_title("The grid's prices")
    style.period_axis(ax, run.period_count)
    style.value_axis(ax, "CNY/kWh")
    style.outside_legend(figure, [(retail, "retail: the grid asks"), (feed_in, "feed-in: the grid pays")])
    style.say_hidden(figure, hidden)
