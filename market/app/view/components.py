"""The tabs of the page as components for Mesa's own server, beside a user's own.

    from mesa.visualization import SolaraViz
    from market.app.view.components import Market, Prices

    page = SolaraViz(MarketModel("five_vpp"), components=[Market, Prices])

Each is a function of a model, of any of its three kinds, that returns an element, as Mesa asks for. What is
pressed in one of them, a period or a VPP, is chosen in all of them, and in no other tab of a browser.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import solara

from market.app.mesa_model import MarketModel
from market.app.view.draw.strip import strip_picture
from market.app.view.look import PANEL_CSS
from market.app.view.own_feed import status_of
from market.app.view.panels import PANELS
from market.app.view.picker import Picker
from market.app.view.picture import PictureWidget
from market.app.view.session import Frame, Picked
from market.app.view.told import told_of

Component: TypeAlias = Callable[[MarketModel], Any]

_picked = solara.reactive(Picked())
_shown: solara.Reactive[MarketModel | None] = solara.reactive(None)
_panels_of: WeakKeyDictionary[MarketModel, int] = WeakKeyDictionary()
"""How many panels show a model, on all pages of this process."""


def model_frame(model: MarketModel, picked: Picked) -> Frame:
    """What a model shows now."""
    period, vpp, buyer = picked.in_view(model.view)
    return Frame(
        timeline=model.timeline,
        view=model.view,
        status=status_of(model),
        length=len(model.timeline),
        playing=False,
        following=True,
        speed=1,
        period=period,
        vpp=vpp,
        buyer=buyer,
        picked=picked,
        scenario=model.scenario,
    )


def _periods(frame: Frame) -> str:
    return strip_picture(frame.view, frame.nows, frame.period)


@solara.component
def _Panel(model: MarketModel, name: str, draw: Callable[[Frame], str], position: int) -> None:
    """One tab's content. `position` is here for the page to see that there is something new."""
    frame = model_frame(model, _picked.value)

    def pick(what: str) -> None:
        _picked.value = _picked.value.then(what)

    _let_go_of_the_last(model)
    solara.Style(PANEL_CSS)
    with solara.Column(gap="8px", classes=["vppmarket", f"of-{name.lower()}"]):
        Picker(name, frame, pick)
        PictureWidget(name=f"{name.lower()}-tab", html=told_of(frame.view).text(draw(frame)), event_pick=pick)


def _let_go_of_the_last(model: MarketModel) -> None:
    """After a reset nobody steps the model that was shown before, though Mesa's page keeps the first one."""

    def begin() -> Callable[[], None]:
        _panels_of[model] = _panels_of.get(model, 0) + 1
        before = _shown.peek()
        _shown.value = model
        if before is not None and before is not model:
            _release_if_unseen(before)
        return end

    def end() -> None:
        _panels_of[model] -= 1
        if _shown.peek() is not model:
            _release_if_unseen(model)

    solara.use_effect(begin, [model])


def _release_if_unseen(model: MarketModel) -> None:
    if not _panels_of.get(model):
        model.market.release()


def _component(name: str, draw: Callable[[Frame], str]) -> Component:
    def component(model: MarketModel) -> Any:
        return _Panel(model, name, draw, len(model.timeline))

    component.__name__ = component.__qualname__ = name
    component.__doc__ = draw.__doc__
    return component


Periods = _component("Periods", _periods)
Market, Prices, Choice, Plant, Costs, Network, Certificate, Log = (
    _component(name, PANELS[name])
    for name in ("Market", "Prices", "Choice", "Plant", "Costs", "Network", "Certificate", "Log")
)
