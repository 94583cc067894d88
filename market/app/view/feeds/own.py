"""A market in this process as a source: a Mesa model that a page steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from market.app.history.timeline import Timeline
from market.app.view.feeds.feed import State, Status
from market.errors import MarketError
from market.scenario.scenario import Scenario

if TYPE_CHECKING:
    from market.app.mesa_model import MarketModel


class OwnFeed:
    """One page's own model. A step that fails ends it, with the reason in its status."""

    def __init__(self, model: MarketModel) -> None:
        self.model = model
        self.name = model.scenario.name
        self._fault = ""

    @property
    def timeline(self) -> Timeline:
        """The model's records so far."""
        return self.model.timeline

    @property
    def scenario(self) -> Scenario:
        """The model's, plants included."""
        return self.model.scenario

    @property
    def goes_on(self) -> bool:
        """Whether there is anything left to step."""
        return not self._fault and not self.model.market.over

    def step(self) -> None:
        """One step of the model, while it goes on."""
        if self.goes_on:
            try:
                self.model.step()
            except MarketError as error:
                self._fault = str(error) or type(error).__name__

    def status(self) -> Status:
        """How far the model is."""
        if self._fault:
            return Status(State.BROKEN, "broken off", self._fault)
        return Status(State.GOING_ON if self.goes_on else State.ENDED, f"Mesa model, step {self.model.steps}")
