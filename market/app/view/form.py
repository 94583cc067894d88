"""The form of a model's parameters as a person edits them: from a scenario, into a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from market.app.runs.local_market import StepUnit
from market.model.network import Constant
from market.model.public import PublicScenario
from market.scenario.as_fields import long_fields
from market.scenario.catalogue import Entry, shared_parameters
from market.scenario.scenario import Scenario

if TYPE_CHECKING:
    from market.app.mesa_model import MarketModel

_OPEN = [entry for entry in shared_parameters() if entry.name != "periods"]
ENTRIES = tuple(sorted(_OPEN, key=lambda entry: not entry.parameter.first))
"""The parameters that all VPPs share: first those that stand first, then the others, each in the file's order."""


@dataclass(frozen=True, slots=True)
class Form:
    """What stands in each field, by the path of its parameter. None: the scenario has no single number for it."""

    values: Mapping[str, object]
    seed: int = 0
    step_unit: str = StepUnit.ROUND

    def with_value(self, path: str, value: object) -> Form:
        """The form with one field changed."""
        return replace(self, values={**self.values, path: value})


def form_of(scenario: Scenario | PublicScenario, seed: int = 0) -> Form:
    """The parameters of a scenario."""
    fields = long_fields(scenario)
    values = {entry.path: _value(fields, entry) for entry in ENTRIES}
    satisfactions = {vpp.satisfaction for vpp in scenario.vpps} if isinstance(scenario, Scenario) else set()
    values["market.satisfaction"] = satisfactions.pop() if len(satisfactions) == 1 else None
    latency = scenario.network.every.latency
    values["network.delay_s"] = latency.value_s if isinstance(latency, Constant) else None
    return Form(values, seed)


def _value(fields: Mapping[str, Mapping[str, object]], entry: Entry) -> object:
    section, _, name = entry.path.partition(".")
    return fields[section].get(name)


def model_of(scenario: Scenario, form: Form) -> MarketModel:
    """The model of a scenario with what the form changes; what it leaves alone stays the scenario's.

    ScenarioError with every fault at once.
    """
    from market.app.mesa_model import MarketModel  # late: who only looks on does not wait for Mesa

    original = form_of(scenario).values
    changed = {path: value for path, value in form.values.items() if value != original[path]}
    return MarketModel(scenario, seed=form.seed, step_unit=form.step_unit, **changed)
