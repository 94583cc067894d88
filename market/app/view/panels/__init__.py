"""The tabs of the page at a moment, as HTML with SVG in it; nothing here needs Solara."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from market.app.view.panels.certificate import certificate_panel
from market.app.view.panels.choice import choice_panel
from market.app.view.panels.costs import costs_panel
from market.app.view.panels.log import log_panel
from market.app.view.panels.market import market_panel
from market.app.view.panels.network import network_panel
from market.app.view.panels.plant import plant_panel
from market.app.view.panels.prices import prices_panel
from market.app.view.session import Frame
from market.app.view.told import told_of

PANELS: Final[dict[str, Callable[[Frame], str]]] = {
    "Market": market_panel,
    "Prices": prices_panel,
    "Choice": choice_panel,
    "Plant": plant_panel,
    "Costs": costs_panel,
    "Network": network_panel,
    "Certificate": certificate_panel,
    "Log": log_panel,
}


def panel(name: str, frame: Frame) -> str:
    """A tab, told as its market is."""
    return told_of(frame.view).text(PANELS[name](frame))
