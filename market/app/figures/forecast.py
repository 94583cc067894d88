"""Draws the forecasts: renewable output and load of each VPP, and the tariff (Figure 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from market.app.figures import style
from market.app.figures.named import largest
from market.app.figures.names import short_names
from market.app.results.disclosed import disclosed
from market.app.results.recorded import RecordedRun
from market.app.results.records import Records
from market.app.results.units import POWER, ShownUnit, fitting
from market.model.arrays import Array

MOST_PANELS = 12
ALIKE = 6.0  # so many times as high may the highest curves be as the lowest, on one scale
RENEWABLES = (("wind", "wt_mw"), ("sun", "pv_mw"))


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is known of a VPP's day, or of several together, before any trade: powers in MW, shape (T,).

    sources : which renewables there are, in words
    """

    title: str
    available_mw: Array
    load_mw: Array
    sources: str

    @property
    def peak_mw(self) -> float:
        """The highest of both; a load that is net of what is made behind its meter may be below 0."""
        return float(max(self.available_mw.max(), abs(self.load_mw).max()))


@style.drawn
def forecast_figure(run: RecordedRun) -> Figure:
    """Renewable power available and load of each VPP that shows them; below, the grid's prices, CNY/kWh.

    Of many VPPs those with the largest loads have a panel each, all others one together.
    """
    day = disclosed(run)
    shown = forecasts(run)
    hidden = [vpp for vpp in day.members if 1 not in day.stages(vpp)]
    abreast = 3 if len(shown) > 2 else 2
    rows = -(-len(shown) // abreast)
    figure = style.new_figure(1.75 * rows + 2.6)
    parts = figure.subfigures(2, 1, squeeze=False, height_ratios=[1.75 * rows + 0.2, 2.4]) if shown else None
    if parts is not None:
        _panels(parts[0, 0], shown, run.period_count, abreast)
    _tariff(figure if parts is None else parts[1, 0], run)
    style.outside_legend(figure, [*_meaning(shown), *_prices()])
    style.say_hidden(figure, hidden)
    return figure


def forecasts(run: RecordedRun) -> list[Forecast]:
    """A forecast of each VPP that shows its plan without trade, or of the largest and of all others together."""
    plans = {vpp: rows for (vpp,), rows in run["dispatch"].where(stage=1).by("vpp").items()}
    names = short_names(run.vpps)
    if len(plans) <= MOST_PANELS:
        return [forecast(names[vpp], [plan]) for vpp, plan in plans.items()]
    chief = largest({vpp: float(plan["load_mw"].sum()) for vpp, plan in plans.items()}, MOST_PANELS - 1)
    others = [plan for vpp, plan in plans.items() if vpp not in chief]
    return [*(forecast(names[vpp], [plans[vpp]]) for vpp in chief), forecast(f"{len(others)} others", others)]


def forecast(title: str, plans: Sequence[Records]) -> Forecast:
    """Of one VPP, or of several together. Available is what is used and what is curtailed."""
    total: Mapping[str, Array] = {
        name: sum((plan[name] for plan in plans[1:]), start=plans[0][name])
        for name in ("wt_mw", "pv_mw", "curtailed_mw", "load_mw")
    }
    kinds = [name for name, column in RENEWABLES if total[column].any()]
    available = total["wt_mw"] + total["pv_mw"] + total["curtailed_mw"]
    return Forecast(title, available, total["load_mw"], " and ".join(kinds))


def _panels(figure: Figure, shown: Sequence[Forecast], periods: int, abreast: int) -> None:
    peaks = [each.peak_mw for each in shown]
    one_scale = max(peaks) <= ALIKE * min(peaks)
    axes = style.panels(figure, len(shown), abreast, one_scale=one_scale)
    for place, (ax, each) in enumerate(zip(axes, shown, strict=True)):
        unit = fitting(POWER, max(peaks) if one_scale else each.peak_mw)
        _curves(ax, each, unit)
        style.period_axis(ax, periods, label=style.is_lowest(place, len(shown), abreast), most_ticks=8)
        style.value_axis(ax, unit.name if not one_scale or place % abreast == 0 else "", ticks=4)
        if not one_scale:
            style.from_zero(ax)
    if one_scale:
        style.from_zero(*axes)


def _curves(ax: Axes, each: Forecast, unit: ShownUnit) -> None:
    where, width = style.edges(len(each.load_mw)), 1.5 if len(each.load_mw) <= style.MANY_PERIODS else 0.8
    if each.sources:
        available = each.available_mw * unit.factor
        style.stairs(ax, available, where, fill=True, color=style.SKY, alpha=0.75, label="available")
    style.stairs(
        ax, each.load_mw * unit.factor, where, baseline=None, color=style.BLACK, linewidth=width, label="load"
    )
    ax.set_title(each.title)
    ax.set_title(each.sources, loc="right", fontsize=9, fontweight="normal", color=style.GREY)


def _meaning(shown: Sequence[Forecast]) -> list[style.Entry]:
    entries: list[style.Entry] = []
    if any(each.sources for each in shown):
        entries.append((Patch(color=style.SKY, alpha=0.75), "renewable power available"))
    if shown:
        entries.append((Line2D([], [], color=style.BLACK, linewidth=1.5), "load"))
    return entries


def _prices() -> list[style.Entry]:
    return [
        (Line2D([], [], color=style.VERMILLION, linewidth=2), "retail: the grid asks"),
        (Line2D([], [], color=style.GREEN, linewidth=2, linestyle="--"), "feed-in: the grid pays"),
    ]


def _tariff(figure: Figure, run: RecordedRun) -> None:
    ax = figure.subplots()
    table, where = run["periods"], style.edges(run.period_count)
    width = 2.0 if run.period_count <= style.MANY_PERIODS else 1.2
    for column, colour, dashes in (("retail", style.VERMILLION, "-"), ("feed_in", style.GREEN, "--")):
        price = table[f"{column}_cny_per_mwh"] / 1000
        style.stairs(
            ax, price, where, baseline=None, color=colour, linewidth=width, linestyle=dashes, label=column
        )
    ax.set_title("The grid's prices")
    style.period_axis(ax, run.period_count)
    style.value_axis(ax, "CNY/kWh")
