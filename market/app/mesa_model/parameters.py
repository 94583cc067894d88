"""Owns the parameters of the Mesa model: which of a scenario's fields can be given by keyword.

They pass the same rules as the file, with the same words. Knows nothing of Mesa.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from market.scenario import load_scenario, require_plants, with_overrides
from market.scenario.model import Scenario

PATHS: Final[Mapping[str, str]] = {
    "choice_temperature_cny_per_mwh": "market.choice_temperature_cny_per_mwh",
    "satisfaction": "market.satisfaction",
    "price_rule": "market.price_rule",
    "base_price_cny_per_t": "carbon.base_price_cny_per_t",
    "interval_t": "carbon.interval_t",
    "growth": "carbon.growth",
    "delay_s": "network.delay_s",
    "loss": "network.loss",
}
"""Where in `scenario.yaml` each parameter stands."""


def scenario_with(scenario: str | Path | Scenario, values: Mapping[str, object]) -> Scenario:
    """A scenario, given as such, by folder or by name, with the parameters that are not None changed.

    Raises ScenarioError with every fault at once.
    """
    loaded = require_plants(scenario if isinstance(scenario, Scenario) else load_scenario(str(scenario)))
    given = {name: value for name, value in values.items() if value is not None}
    changes = {PATHS[name]: value for name, value in given.items()}
    if not changes:
        return loaded
    return with_overrides(loaded, changes, {PATHS[name]: name for name in given})
