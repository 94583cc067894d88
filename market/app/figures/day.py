"""Owns which pictures tell of a run, in a reader's order, with their captions. Knows nothing of how they look."""

from __future__ import annotations

from collections.abc import Iterator

from market.app.figures.carbon import carbon_figure
from market.app.figures.costs import costs_figure
from market.app.figures.dispatch import dispatch_figure
from market.app.figures.forecast import forecast_figure
from market.app.figures.picture import Picture
from market.app.figures.prices import price_convergence_figure, prices_figure
from market.app.figures.probabilities import (
    PAPER_PERIOD,
    convergence_period,
    evolution_figure,
    probabilities_figure,
)
from market.app.figures.roles import sdr_figure
from market.app.run_folder.recorded import RecordedRun


def day_pictures(run: RecordedRun) -> Iterator[Picture]:
    """Every picture of a run, each drawn when it is asked for."""
    yield from _before_trade(run)
    yield from _market(run)
    yield Picture(
        "costs",
        "Costs and emission",
        "What the day costs and emits, without trading and with it; above each panel the sum over all VPPs.",
        costs_figure(run),
    )
    yield Picture(
        "carbon_steps",
        "Carbon cost against emission",
        "The bill for emission beyond the free quota. Dotted lines part the steps, with the price of each above. "
        "Hollow marks: the day without trading; filled marks: with it.",
        carbon_figure(run),
    )
    yield from dispatch_pictures(run)


def dispatch_pictures(run: RecordedRun) -> Iterator[Picture]:
    """Each VPP's plan without trading and with it."""
    for vpp in run.vpps:
        yield Picture(
            f"dispatch_{vpp}",
            f"The day of {vpp}",
            "Sources stand above zero, sinks below it; sources reach the load plus the sinks. "
            "Left the plan that relies on the grid only, right the one with the trade agreed on.",
            dispatch_figure(run, vpp),
        )


def _before_trade(run: RecordedRun) -> Iterator[Picture]:
    yield Picture(
        "forecast",
        "Forecasts and tariff",
        "Renewable power available and load of each VPP; the grid's prices, between which VPPs trade.",
        forecast_figure(run),
    )
    yield Picture(
        "sdr",
        "Supply and demand",
        "Each VPP's own supply over its own demand. Blue: more than it needs, it sells. Orange: it buys. "
        "Below: what all sellers have and all buyers lack.",
        sdr_figure(run),
    )


def _market(run: RecordedRun) -> Iterator[Picture]:
    yield Picture(
        "prices",
        "Sale prices",
        "Each seller's price at rest. Sellers stand side by side within a period; the shaded band is what the "
        "rules allow. A mark above the clearing price is a mark-up.",
        prices_figure(run),
    )
    yield Picture(
        "probabilities",
        "Selection probabilities",
        "How each buyer spreads its demand over the sellers. A white period: it does not buy from VPPs then.",
        probabilities_figure(run),
    )
    yield Picture("convergence", "Evolution of the probabilities", _evolution_caption(run), evolution_figure(run))
    yield Picture(
        "price_convergence",
        "Prices on their way to rest",
        "Left: the period whose prices moved most often. Right: how far every price still is from its last "
        "value, one line for each seller and period; the foot of the picture stands for equal.",
        price_convergence_figure(run),
    )


def _evolution_caption(run: RecordedRun) -> str:
    period = convergence_period(run)
    told = "At the final prices buyers revise their selection step by step, from equal shares to rest."
    if period is None or period == PAPER_PERIOD:
        return told
    return f"{told} In period {PAPER_PERIOD} fewer than two sellers offer, so this is period {period}."
