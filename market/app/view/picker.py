"""What a tab lets one choose beside the period: a plant, or a buyer."""

from __future__ import annotations

from collections.abc import Callable

import solara

from market.app.view.draw.choice import EVERYBODY
from market.app.view.field import input_field
from market.app.view.session import Frame

MOST_BUTTONS = 8


@solara.component
def Picker(tab: str, frame: Frame, pick: Callable[[str], None]) -> None:
    """Buttons, or a list where there are many; `pick` is told what was chosen, such as `vpp:VPP1`."""
    vpps = list(frame.view.vpps)
    if tab == "Plant" and vpps:
        _OneOf("vpp", frame.vpp, vpps, pick)
    elif tab == "Choice" and vpps:
        _OneOf("buyer", frame.buyer, [EVERYBODY, *vpps], pick)


@solara.component
def _OneOf(name: str, value: str, values: list[str], pick: Callable[[str], None]) -> None:
    def chosen(what: str) -> None:
        pick(f"{name}:{what}")

    if len(values) <= MOST_BUTTONS:
        solara.ToggleButtonsSingle(value=value, values=values, on_value=chosen, dense=True, classes=[name])
    else:
        input_field(name, name, value, chosen, choices=values)
