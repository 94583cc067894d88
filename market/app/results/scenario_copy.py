"""Writes the scenario that a run folder keeps: what was run, overrides applied, with the plants of the run."""

from __future__ import annotations

import os
from pathlib import Path

from market.app.results.kept_scenario import SCENARIO_FOLDER
from market.scenario import write_scenario
from market.scenario.document import FILE_NAME
from market.scenario.scenario import Scenario


def keep_scenario(scenario: Scenario, run: Path) -> None:
    """Write it into a run folder, for its owner alone. A run that is taken up keeps what it has already.

    RunError or ScenarioError if it cannot be written.
    """
    folder = run / SCENARIO_FOLDER
    if not os.path.isfile(folder / FILE_NAME):
        write_scenario(scenario, folder)
