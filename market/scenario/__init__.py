"""Owns reading a market from disk: a folder of `scenario.yaml` and CSV profiles becomes a validated `Scenario`.

Knows nothing of dispatch, games or messages. The names below load on first use, so that a node, which
needs only `market.scenario.model`, never imports pydantic or yaml.
"""

from importlib import import_module
from typing import TYPE_CHECKING

DEFAULT_CASE = "five_vpp"

if TYPE_CHECKING:
    from market.scenario.advice import scenario_advice
    from market.scenario.cases import builtin_cases, copy_case
    from market.scenario.load import load_scenario
    from market.scenario.overrides import with_overrides
    from market.scenario.schema import scenario_schema
else:
    _HOMES = {
        "builtin_cases": "cases",
        "copy_case": "cases",
        "load_scenario": "load",
        "scenario_advice": "advice",
        "scenario_schema": "schema",
        "with_overrides": "overrides",
    }

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


__all__ = [
    "DEFAULT_CASE",
    "builtin_cases",
    "copy_case",
    "load_scenario",
    "scenario_advice",
    "scenario_schema",
    "with_overrides",
]
