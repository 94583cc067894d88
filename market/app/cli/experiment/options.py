"""The flags that all studies share, as one value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from market.app.cli.console import echo_error
from market.extras import need
from market.scenario import load_scenario, require_one_plan, require_plants, scenario_advice
from market.scenario.advice import change_notes
from market.scenario.changes import changed
from market.scenario.scenario import Scenario


@dataclass(frozen=True, slots=True)
class StudyOptions:
    """The flags of a study, as given. draws : of disturbed data, where the study has them · settings : of --set"""

    scenario: str
    out: Path | None
    quiet: bool
    draws: int = 0
    seed: int = 0
    settings: tuple[str, ...] = ()

    def load(self) -> Scenario:
        """The scenario as flags change it, with advice on it where people read.

        ScenarioError, also where a plant is missing or what a study is drawn with, or it is run day by day.
        """
        need("figures", "vppmarket experiment")
        given = load_scenario(self.scenario)
        scenario = require_one_plan(require_plants(changed(given, self.settings)))
        if not self.quiet:
            for advice in (*change_notes(given, scenario), *scenario_advice(scenario)):
                echo_error(f"note: {advice}")
        return scenario
