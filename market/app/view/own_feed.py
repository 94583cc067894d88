"""A market in this process as a source: a Mesa model that a page steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.protocol.run_progress import Phase
from market.app.feeds.feed import State, Status
from market.app.history.timeline import Timeline
from market.app.view.form import Form, form_of
from market.errors import MarketError
from market.scenario.scenario import Scenario

if TYPE_CHECKING:
    from market.app.mesa_model import MarketModel


class OwnFeed:
    """One page's own model. A step that fails ends it, with the reason in its status.

    origin : the scenario that `form` changes · form : the parameters of this model, and what was typed since
    """

    def __init__(self, model: MarketModel, origin: Scenario | None = None, form: Form | None = None) -> None:
        self.model = model
        self.name = model.scenario.name
        self.origin = origin or model.scenario
        self.form = form or form_of(model.scenario, model.view.seed)
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
        return not self._fault and self.model.view.phase is not Phase.OVER

    def step(self) -> None:
        """One step of the model, while it goes on."""
        if self.goes_on:
            try:
                self.model.step()
            except MarketError as error:
                self._fault = str(error) or type(error).__name__

    def release(self) -> None:
        """Let go of the model's market."""
        self.model.market.release()

    def status(self) -> Status:
        """How far the model is."""
        if self._fault:
            return Status(State.BROKEN, "broken off", self._fault)
        return status_of(self.model)


def status_of(model: MarketModel) -> Status:
    """How far a model is that goes on, or has ended."""
    over = model.view.phase is Phase.OVER
    return Status(State.ENDED if over else State.GOING_ON, f"Mesa model, step {model.steps}")
