"""Shows a market in Mesa's own page, with components of this house beside one of the user's own.

    solara run scripts/mesa_page.py                      in one process
    MARKET=processes solara run scripts/mesa_page.py     every agent a process of its own
    MARKET=tcp://… MARKET_KEYS=RUN/watch solara run scripts/mesa_page.py
                                                         one elsewhere, as `vppmarket run --watch` prints it

Needs the extra `mesa`. `OfferedSoFar` is all that it takes to add a component.
"""

from __future__ import annotations

import os
from typing import Any

import solara
from mesa.visualization import SolaraViz, make_plot_component
from mesa.visualization.utils import update_counter

from market.app.mesa_model import MarketModel
from market.app.view.components import Certificate, Costs, Market, Periods, Prices

MARKET = os.environ.get("MARKET", "")
SCENARIO = os.environ.get("MARKET_SCENARIO", "five_vpp")


def parameters() -> dict[str, Any]:
    """What the model is made with, again at each reset; those with a `type` can be changed on the page."""
    if MARKET.startswith("tcp://"):
        return {"address": MARKET, "keys": os.environ.get("MARKET_KEYS")}
    return {
        "scenario": SCENARIO,
        "processes": MARKET == "processes",
        "growth": {"type": "SliderFloat", "label": "growth α", "value": 0.25, "min": 0, "max": 1, "step": 0.05},
    }


def first(parameter: Any) -> Any:
    """The value that a parameter begins with."""
    return parameter["value"] if isinstance(parameter, dict) else parameter


@solara.component
def OfferedSoFar(model: MarketModel) -> None:
    """A component of one's own: what every agent has offered, read off the model as it stands."""
    update_counter.get()  # with this, Mesa draws it again after each step
    rows = [f"{agent.vpp}: {agent.offers} offers, sells {agent.sold_mwh:.2f} MWh" for agent in model.agents]
    with solara.Column(gap="4px", classes=["offered"]):
        for row in ("Offered so far", *rows):
            solara.Text(row)


@solara.component
def Page() -> None:
    """Mesa's page. Each tab of a browser has a model of its own, which goes when the tab is closed."""
    given = solara.use_memo(parameters, [])
    model = solara.use_memo(lambda: MarketModel(**{name: first(value) for name, value in given.items()}), [])
    SolaraViz(
        model,
        components=[
            (Market, 0),
            (OfferedSoFar, 0),
            (Periods, 0),
            make_plot_component(["traded_mwh", "unrested_periods"]),
            (Prices, 1),
            (Costs, 1),
            (Certificate, 2),
        ],
        model_params=given,
        name="A market of VPPs",
    )
