"""A market on disk: a folder of `scenario.yaml` and CSV profiles becomes a validated `Scenario`, and back.

The names below load on first use, so that a node, which needs only `market.scenario.scenario`, never imports
pydantic or yaml.
"""

from importlib import import_module
from typing import TYPE_CHECKING

DEFAULT_CASE = "five_vpp"

if TYPE_CHECKING:
    from market.scenario.advice import scenario_advice
    from market.scenario.cases import builtin_cases, copy_case
    from market.scenario.load import load_scenario
    from market.scenario.overrides import with_overrides
    from market.scenario.parts import own_part, public_part, require_one_plan, require_plants
    from market.scenario.schema import scenario_schema
    from market.scenario.write import write_scenario
else:
    _HOMES = {
        "builtin_cases": "cases",
        "copy_case": "cases",
        "load_scenario": "load",
        "own_part": "parts",
        "public_part": "parts",
        "require_one_plan": "parts",
        "require_plants": "parts",
        "scenario_advice": "advice",
        "scenario_schema": "schema",
        "with_overrides": "overrides",
        "write_scenario": "write",
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
    "own_part",
    "public_part",
    "require_one_plan",
    "require_plants",
    "scenario_advice",
    "scenario_schema",
    "with_overrides",
    "write_scenario",
]
