"""Parameters of the Mesa model: which of a scenario's fields can be given by keyword.

They pass the same rules as the file, with the same messages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from market.errors import Fault, ScenarioError
from market.scenario import load_scenario, require_one_plan, require_plants, with_overrides
from market.scenario.catalogue import shared_parameters
from market.scenario.scenario import Scenario

_TIMES = Counter(entry.name for entry in shared_parameters())
PATHS: Final[Mapping[str, str]] = {
    entry.name: entry.path for entry in shared_parameters() if _TIMES[entry.name] == 1
}
"""Where in `scenario.yaml` each parameter stands that all VPPs share, by its name; others go by their path."""


def scenario_with(scenario: str | Path | Scenario, values: Mapping[str, object]) -> Scenario:
    """A scenario, given as such, by folder or by name, with the parameters that are not None changed.

    values : by the parameter's name, or by its path, such as `vpps.VPP1.ess.energy_mwh`

    Raises ScenarioError with every fault at once.
    """
    loaded = require_plants(scenario if isinstance(scenario, Scenario) else load_scenario(str(scenario)))
    given = {name: value for name, value in values.items() if value is not None}
    changes = {PATHS.get(name, name): value for name, value in given.items()}
    names = {PATHS.get(name, name): name for name in given}
    return require_one_plan(with_overrides(loaded, changes, names) if changes else loaded)


def looked_at(
    scenario: str | Path | Scenario | None, seed: int, values: Mapping[str, object], *, processes: bool
) -> Scenario | None:
    """What is known beside the tape of a market that runs elsewhere, be it nothing.

    ScenarioError for whatever would change that market: it is looked at as it is.
    """
    given = {**values, "seed": seed or None, "processes": processes or None}
    remedy = "leave it out: it is what the market was started with"
    faults = [
        Fault("a market that runs elsewhere is looked at as it is", repr(value), name, remedy)
        for name, value in given.items()
        if value is not None
    ]
    if faults:
        raise ScenarioError(faults)
    return scenario if scenario is None or isinstance(scenario, Scenario) else load_scenario(str(scenario))
