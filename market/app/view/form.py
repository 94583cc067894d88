"""The form of a model's parameters as a person edits them: from a scenario, as text, into a model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from market.app.mesa_model.steps import StepUnit
from market.errors import Fault, ScenarioError
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

AS_IN_THE_SCENARIO = "as in the scenario"
SEED, STEP_UNIT, PROCESSES = "seed", "step unit", "processes"
"""What is not the scenario's but the model's own, by the names under which it is typed."""


@dataclass(frozen=True, slots=True)
class Form:
    """What stands in each field, by the path of its parameter. None: the scenario has no single number for it.

    processes : whether every plant is a process of its own
    typed : texts as they were typed last, by path or name; they count before the values
    """

    values: Mapping[str, object]
    seed: int = 0
    step_unit: str = StepUnit.ROUND
    processes: bool = False
    typed: Mapping[str, str] = field(default_factory=dict)

    def with_value(self, path: str, value: object) -> Form:
        """The form with one field changed."""
        return replace(self, values={**self.values, path: value})

    def with_text(self, name: str, text: str) -> Form:
        """The form with something typed into one field."""
        return replace(self, typed={**self.typed, name: text})

    def text(self, entry: Entry) -> str:
        """What stands in the field of a parameter before anything is typed."""
        return text_of(self.values[entry.path])

    def read(self) -> Form:
        """What was typed, as values. ScenarioError with every text that is none."""
        faults: list[Fault] = []
        values = dict(self.values)
        for entry in ENTRIES:
            if entry.path in self.typed:
                values[entry.path] = _read(entry, self.typed[entry.path], faults)
        seed = _whole(SEED, self.typed[SEED], faults) if SEED in self.typed else self.seed
        if faults:
            raise ScenarioError(faults)
        unit = self.typed.get(STEP_UNIT, self.step_unit)
        processes = self.typed[PROCESSES] == "true" if PROCESSES in self.typed else self.processes
        return Form(values, seed or 0, unit, processes)

    def fault(self, entry: Entry) -> str:
        """What is wrong with what was typed for a parameter; empty if nothing is."""
        faults: list[Fault] = []
        if entry.path in self.typed:
            _read(entry, self.typed[entry.path], faults)
        return faults[0].rule if faults else ""


def text_of(value: object) -> str:
    """A value as it stands in a field; empty where the scenario has no single one."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _read(entry: Entry, text: str, faults: list[Fault]) -> object:
    if entry.switch:
        return text == "true"
    if entry.choices:
        return text
    if not text.strip():
        return None
    return _whole(entry.label, text, faults) if isinstance(entry.default, int) else _number(entry, text, faults)


def _number(entry: Entry, text: str, faults: list[Fault]) -> float | None:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        faults.append(Fault("must be a number", repr(text), entry.label, "write it with a point, such as 0.5"))
        return None
    return value


def _whole(label: str, text: str, faults: list[Fault]) -> int | None:
    if not text.strip().isdecimal():
        faults.append(Fault("must be a whole number", repr(text), label, "write digits alone, such as 3"))
        return None
    return int(text)


def form_of(scenario: Scenario | PublicScenario, seed: int = 0) -> Form:
    """The parameters of a scenario."""
    fields = long_fields(scenario)
    values = {entry.path: _value(fields, entry) for entry in ENTRIES}
    satisfactions = {vpp.satisfaction for vpp in scenario.vpps} if isinstance(scenario, Scenario) else set()
    values["market.satisfaction"] = satisfactions.pop() if len(satisfactions) == 1 else None
    latency = scenario.network.every.latency
    values["network.delay_s"] = latency.value_s if isinstance(latency, Constant) else None
    return Form(values, seed)


def _value(fields: Mapping[str, Mapping[str, object] | None], entry: Entry) -> object:
    """None also where a scenario has no such section."""
    section, _, name = entry.path.partition(".")
    return (fields.get(section) or {}).get(name)


def model_of(scenario: Scenario, form: Form) -> MarketModel:
    """The model of a scenario with what the form changes; what it leaves alone stays the scenario's.

    ScenarioError with every fault at once; RunError if no process can be started.
    """
    from market.app.mesa_model import MarketModel  # late: who only looks on does not wait for Mesa

    read, original = form.read(), form_of(scenario).values
    changed: dict[str, Any] = {path: value for path, value in read.values.items() if value != original[path]}
    return MarketModel(scenario, seed=read.seed, step_unit=read.step_unit, processes=read.processes, **changed)
