"""Owns the commands about scenarios: check, new, schema. Knows nothing of runs."""

from __future__ import annotations

import json
from pathlib import Path

from market.app.exit_codes import ExitCode
from market.app.screen import complain, put
from market.scenario import copy_case, load_scenario, scenario_advice, scenario_schema


def check_command(source: str) -> int:
    """Say what a scenario holds; ScenarioError with every fault if it is not sound."""
    scenario = load_scenario(source)
    horizon, vpps = scenario.public.horizon, scenario.vpps
    for advice in scenario_advice(scenario):
        complain(f"note: {advice}")
    put(
        f"{scenario.name} is sound: {len(vpps)} VPPs ({', '.join(vpp.id for vpp in vpps)}), "
        f"{horizon.periods} periods of {horizon.period_h:g} h, digest {scenario.digest[:12]}\n"
    )
    return ExitCode.EQUILIBRIUM


def new_command(name: Path, case: str) -> int:
    """Copy a built-in case into a new folder; ScenarioError if that cannot be."""
    folder = copy_case(name.name, name.parent, case)
    put(
        f"{folder} is a copy of {case}. Change scenario.yaml and the profiles in it, then:\n"
        f"  vppmarket check {folder}\n"
        f"  vppmarket run {folder}\n"
    )
    return ExitCode.EQUILIBRIUM


def schema_command() -> int:
    """Print the JSON Schema of `scenario.yaml`."""
    put(json.dumps(scenario_schema(), indent=2, ensure_ascii=False) + "\n")
    return ExitCode.EQUILIBRIUM
