"""Selects the figures of a run, puts them in a reader's order and captions them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from market.app.figures.carbon import carbon_figure, carbon_rules
from market.app.figures.costs import costs_figure
from market.app.figures.dispatch import dispatch_figure, together_figure
from market.app.figures.forecast import forecast_figure
from market.app.figures.imbalance import imbalance_figure
from market.app.figures.named import largest
from market.app.figures.picture import Picture
from market.app.figures.prices import price_convergence_figure, prices_figure
from market.app.figures.probabilities import (
    PAPER_PERIOD,
    convergence_period,
    evolution_figure,
    probabilities_figure,
)
from market.app.figures.roles import sdr_figure
from market.app.results.columns import IMBALANCE
from market.app.results.disclosed import Disclosed, disclosed, left_out
from market.app.results.recorded import RecordedRun
from market.model.rules import CarbonMode


def day_pictures(run: RecordedRun) -> Iterator[Picture]:
    """Every picture of a run, each drawn when it is asked for; none of what nobody shows."""
    return (draw() for draw in day_drawings(run))


def day_drawings(run: RecordedRun) -> list[Callable[[], Picture]]:
    """What draws each of them, so that several can share the work."""
    day = disclosed(run)
    money = (_costs, _carbon) if day.with_costs() else ()
    of_day = (_forecast, _roles, _prices, _probabilities, _evolution, _convergence, *money)
    named = dispatched_by_name(run, day)
    whole = [vpp for vpp in day.members if vpp not in named and day.stages(vpp) == [1, 3]]
    return [
        *(partial(draw, run, day) for draw in of_day),
        *(partial(_dispatch, run, day, vpp) for vpp in named),
        *([partial(_together, run, whole)] if whole else []),
        *([partial(_imbalance, run)] if IMBALANCE in run.tables else []),
    ]


def _dispatch(run: RecordedRun, day: Disclosed, vpp: str) -> Picture:
    stages = day.stages(vpp)
    caption = f"{_STACK} {_PLANS_SHOWN[tuple(stages)]}"
    return Picture(f"dispatch_{vpp}", f"The day of {vpp}", caption, dispatch_figure(run, vpp, stages))


def _together(run: RecordedRun, vpps: Sequence[str]) -> Picture:
    title = f"{len(vpps)} others"
    caption = f"{_STACK} {_PLANS_SHOWN[1, 3]} The table dispatch.csv has each of them."
    return Picture("days_of_others", f"The day of {title} together", caption, together_figure(run, vpps, title))


def _imbalance(run: RecordedRun) -> Picture:
    return Picture(
        "imbalance",
        "What became of the day",
        "How far reality is from what was scheduled with the grid: above zero where plants take more or give less "
        "than they have scheduled, below zero where it is the other way round; and what that costs each.",
        imbalance_figure(run),
    )


def dispatched_by_name(run: RecordedRun, day: Disclosed) -> list[str]:
    """Whose plans have a picture of their own, in the scenario's order."""
    showing = [vpp for vpp in day.members if day.stages(vpp)]
    if len(showing) <= MOST_DAYS:
        return showing
    traded = dict.fromkeys(showing, 0.0)
    for table, who in (("selections", "buyer"), ("selections", "seller")):
        for vpp, delivered in zip(run[table][who].tolist(), run[table]["delivered_mw"].tolist(), strict=True):
            if vpp in traded:
                traded[vpp] += delivered
    return largest(traded, CHIEF_DAYS)


MOST_DAYS, CHIEF_DAYS = 24, 12
_STACK = "Sources stand above zero, sinks below it; sources reach the load plus the sinks."
_PLANS_SHOWN = {
    (1, 3): "Left the plan that relies on the grid only, right the one with the trade agreed on.",
    (1,): "The plan relies on the grid only; the one with the trade agreed on is not shown.",
    (3,): "The plan has the trade agreed on; the one that relies on the grid only is not shown.",
}


def _costs(run: RecordedRun, day: Disclosed) -> Picture:
    return Picture(
        "costs",
        "Costs and emission",
        "What the day costs and emits, without trading and with it; above each panel the sum over all VPPs."
        + left_out(day.without_costs()),
        costs_figure(run),
    )


def _carbon(run: RecordedRun, day: Disclosed) -> Picture:
    flat = carbon_rules(run.manifest).mode is CarbonMode.FLAT
    steps = "" if flat else "Dotted lines part the steps, with the price of each above. "
    return Picture(
        "carbon_steps",
        "Carbon cost against emission",
        f"The bill for emission beyond the free quota. {steps}Hollow marks: the day without trading; filled "
        "marks: with it." + left_out(day.without_costs()),
        carbon_figure(run),
    )


def _unknown(day: Disclosed) -> str:
    return left_out([vpp for vpp in day.members if 1 not in day.stages(vpp)])


def _forecast(run: RecordedRun, day: Disclosed) -> Picture:
    return Picture(
        "forecast",
        "Forecasts and tariff",
        "Renewable power available and load of each VPP; the grid's prices, between which VPPs trade."
        + _unknown(day),
        forecast_figure(run),
    )


def _roles(run: RecordedRun, day: Disclosed) -> Picture:
    unknown = _unknown(day)
    return Picture(
        "sdr",
        "Supply and demand",
        "Each VPP's own supply over its own demand. Blue: more than it needs, it sells. Orange: it buys. "
        "Below: what all sellers have and all buyers lack."
        + (f"{unknown[:-1]}: their rows have letters only, as declared." if unknown else ""),
        sdr_figure(run),
    )


def _prices(run: RecordedRun, day: Disclosed) -> Picture:
    return Picture(
        "prices",
        "Sale prices",
        "Each seller's price at rest. Sellers stand side by side within a period; the shaded band is what the "
        "rules allow. A mark above the clearing price is a mark-up.",
        prices_figure(run),
    )


def _probabilities(run: RecordedRun, day: Disclosed) -> Picture:
    return Picture(
        "probabilities",
        "Selection probabilities",
        "How each buyer spreads its demand over the sellers. A white period: it does not buy from VPPs then.",
        probabilities_figure(run),
    )


def _evolution(run: RecordedRun, day: Disclosed) -> Picture:
    return Picture("convergence", "Evolution of the probabilities", _evolution_caption(run), evolution_figure(run))


def _convergence(run: RecordedRun, day: Disclosed) -> Picture:
    return Picture(
        "price_convergence",
        "Prices on their way to rest",
        "Left: the period whose prices moved most often. Right: how far every price still is from its last "
        "value, one line for each seller and period; the foot of the picture stands for equal.",
        price_convergence_figure(run),
    )


def _evolution_caption(run: RecordedRun) -> str:
    period = convergence_period(run)
    caption = "At the final prices buyers revise their selection step by step, from equal shares to rest."
    if period is None or period == PAPER_PERIOD:
        return caption
    return f"{caption} In period {PAPER_PERIOD} fewer than two sellers offer, so this is period {period}."
