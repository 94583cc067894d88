"""The commands about scenarios: `check`, `new`, `schema` and `parameters`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from market.app.cli.console import echo, echo_error, put_json
from market.app.report.scenario_text import scenario_text
from market.app.report.terminal.screen import screen_of
from market.app.results.exit_codes import ExitCode
from market.app.results.telling import telling_of
from market.app.runs.command_line import pasted
from market.app.runs.first_plans import first_declarations
from market.errors import DispatchError
from market.model.declaration import Declaration
from market.rolling.said import rolling_said
from market.scenario import builtin_cases, copy_case, load_scenario, scenario_advice, scenario_schema
from market.scenario.advice import change_notes
from market.scenario.changes import changed
from market.scenario.parameter_page import parameter_page
from market.scenario.plausibility import plausibility_notes
from market.scenario.scenario import Scenario
from market.scenario.understood import understood


def check_command(source: str, settings: Sequence[str] = ()) -> int:
    """Say what was understood of a scenario, as changed by flags, and what in it looks like a slip.

    ScenarioError with every fault if it is not sound.
    """
    given = load_scenario(source)
    scenario = changed(given, settings)
    horizon, days = scenario.public.horizon, tuple(rolling_said(scenario))
    for note in (*change_notes(given, scenario), *scenario_advice(scenario), *plausibility_notes(scenario)):
        echo_error(f"note: {note}")
    headline = (
        f"{scenario.name} is sound{_plants(scenario)}, "
        f"{horizon.periods} periods of {horizon.period_h:g} h, digest {scenario.digest[:12]}"
    )
    told = telling_of(scenario)
    echo(told.text(scenario_text(headline, scenario, _first(scenario), screen_of(sys.stdout))), styled=True)
    echo("".join(f"{line}\n" for line in (*understood(scenario), *map(told.text, days))))
    return ExitCode.EQUILIBRIUM


def _first(scenario: Scenario) -> tuple[Declaration, ...]:
    """What VPPs would declare alone; that a day cannot be planned is a note as well."""
    try:
        return first_declarations(scenario)
    except DispatchError as error:
        echo_error(f"note: {error}")
        return ()


def _plants(scenario: Scenario) -> str:
    """Which plants are there; and, of a part, which are not, and whether anything is known of them."""
    if scenario.whole:
        return f": {len(scenario.roster)} VPPs ({', '.join(scenario.roster)})"
    here = [vpp.id for vpp in scenario.vpps]
    absent = {v: d for v, d in scenario.digest_by_vpp.items() if v not in here}
    known = sum(map(bool, absent.values()))
    digests = {0: "undisclosed", len(absent): "known by digest"}.get(known, f"{known} of them known by digest")
    plants = f"the plant of {', '.join(here)}" if here else "no plant"
    return f": {plants} of {len(scenario.roster)} VPPs; not here are {', '.join(absent)} ({digests})"


def new_command(name: Path, case: str) -> int:
    """Copy a built-in case into a new folder; ScenarioError if that cannot be."""
    folder = copy_case(name.name, name.parent, case)
    if str(folder) in builtin_cases():
        echo_error(f"note: from here, {folder} is this folder and no longer the built-in case of that name")
    echo(
        f"{folder} is a copy of {case}. Change scenario.yaml and the profiles in it, then:\n"
        f"  {pasted('check', folder)}\n"
        f"  {pasted('run', folder)}\n"
    )
    return ExitCode.EQUILIBRIUM


def schema_command() -> int:
    """Print the JSON Schema of `scenario.yaml`."""
    put_json(json.dumps(scenario_schema(), indent=2, ensure_ascii=False) + "\n")
    return ExitCode.EQUILIBRIUM


def parameters_command() -> int:
    """Print the reference of all parameters."""
    echo(parameter_page())
    return ExitCode.EQUILIBRIUM
